"""How messages leave, and how their receipts come back."""

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from aws_cdk import aws_smsvoice as smsvoice
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.encryption import Encryption
from infra.events import Events
from infra.stages import Stage

SES, SMS = "ses.amazonaws.com", "sms-voice.amazonaws.com"
Event = ses.EmailSendingEvent
# What SES tells us of every mail. Not opens and clicks: SES would lead all links through itself,
# also of those who did not permit it; our own links tell of them (decision 41).
TOLD = [
    Event.SEND,
    Event.DELIVERY,
    Event.BOUNCE,
    Event.COMPLAINT,
    Event.REJECT,
    Event.RENDERING_FAILURE,
    Event.DELIVERY_DELAY,
]
# Nothing is asked of other people's servers until the reports say that all mail is ours.
DMARC = "v=DMARC1; p=none"


class Delivery(Construct):
    """SES with the sender's identity, SMS, and the topic that puts receipts on the event queue."""

    def __init__(
        self, scope: Construct, stage: Stage, sender: str, encryption: Encryption, events: Events
    ) -> None:
        super().__init__(scope, "Delivery")
        self._stage, self._sender = stage, sender
        self.topic = sns.Topic(
            self,
            "Receipts",
            topic_name=f"{stage.prefix}-receipts",
            master_key=encryption.key,
            enforce_ssl=True,
        )
        # Not raw: the notification around a receipt says where it comes from.
        subscription = subscriptions.SqsSubscription(
            events.queue, dead_letter_queue=events.dead_letters
        )
        self.topic.add_subscription(subscription)
        self.configuration_set = self._email()
        encryption.let_publish(SES)
        if not stage.identity_exists:
            self._identity()
        self.sms_configuration_set = ""
        if stage.sms_origination:
            self.sms_configuration_set = self._sms()
            encryption.let_publish(SMS)
            own = f"arn:{Aws.PARTITION}:sms-voice:{stage.region}:{Aws.ACCOUNT_ID}"
            let_publish(self.topic, SMS, f"{own}:configuration-set/{stage.prefix}")
            # What people answer: a number with two-way SMS publishes it itself, or its pool does.
            for kind in ("phone-number", "pool"):
                let_publish(self.topic, SMS, f"{own}:{kind}/*")

    def let_send(self, role: iam.IRole) -> None:
        """The role may send as our sender. Where nobody may be written to, it may not."""
        if not self._stage.writes_to_people:
            return
        identity = self._stage.domain or self._sender
        # In SES's sandbox a permission for the identities of those who receive is asked for too.
        addresses = [one for one in self._stage.allow_list if one.find("@") > 0 and "/" not in one]
        domains = [one.rpartition("@")[2] for one in addresses]
        identities = sorted({identity, self._sender, *addresses, *domains})
        role.add_to_principal_policy(
            iam.PolicyStatement(
                # SES asks for the second one when a mail comes ready-made, whatever it documents.
                actions=["ses:SendEmail", "ses:SendRawEmail"],
                resources=[
                    self._ses("configuration-set", self._stage.prefix),
                    *(self._ses("identity", one) for one in identities),
                ],
            )
        )
        role.add_to_principal_policy(self._may_text())

    def _may_text(self) -> iam.PolicyStatement:
        if self._stage.sms_origination:
            return iam.PolicyStatement(
                actions=["sms-voice:SendTextMessage"], resources=[self._stage.sms_origination]
            )
        # Phone numbers have no ARN: whatever is not a topic.
        return iam.PolicyStatement(
            actions=["sns:Publish"], not_resources=[f"arn:{Aws.PARTITION}:sns:*:*:*"]
        )

    def _ses(self, kind: str, name: str) -> str:
        return f"arn:{Aws.PARTITION}:ses:{self._stage.region}:{Aws.ACCOUNT_ID}:{kind}/{name}"

    def _email(self) -> str:
        made = ses.ConfigurationSet(
            self,
            "Email",
            configuration_set_name=self._stage.prefix,
            tls_policy=ses.ConfigurationSetTlsPolicy.REQUIRE,
            reputation_metrics=True,
            # Ours replaces it: theirs is shared by the whole account and would say "sent".
            disable_suppression_list=True,
        )
        # This also lets SES publish to the topic, on behalf of this configuration set.
        made.add_event_destination(
            "ToReceipts", destination=ses.EventDestination.sns_topic(self.topic), events=TOLD
        )
        return str(made.configuration_set_name)

    def _sms(self) -> str:
        name = self._stage.prefix
        to_receipts = smsvoice.CfnConfigurationSet.EventDestinationProperty(
            event_destination_name="receipts",
            enabled=True,
            matching_event_types=["TEXT_ALL"],
            sns_destination=smsvoice.CfnConfigurationSet.SnsDestinationProperty(
                topic_arn=self.topic.topic_arn
            ),
        )
        smsvoice.CfnConfigurationSet(
            self, "Sms", configuration_set_name=name, event_destinations=[to_receipts]
        )
        return name

    def _identity(self) -> None:
        domain = self._stage.domain
        if not domain:
            ses.EmailIdentity(
                self,
                "Sender",
                identity=ses.Identity.email(self._sender),
                feedback_forwarding=False,
            )
            return
        mail_from = f"bounce.{domain}"
        identity = ses.EmailIdentity(
            self,
            "Sender",
            identity=ses.Identity.domain(domain),
            mail_from_domain=mail_from,
            feedback_forwarding=False,
        )
        records = [("CNAME", one.name, one.value) for one in identity.dkim_records]
        records += [
            ("MX", mail_from, f"10 feedback-smtp.{self._stage.region}.amazonses.com"),
            ("TXT", mail_from, '"v=spf1 include:amazonses.com ~all"'),
            ("TXT", f"_dmarc.{domain}", f'"{DMARC}"'),
        ]
        for number, record in enumerate(records, 1):
            self._record(number, *record)

    def _record(self, number: int, kind: str, name: str, value: str) -> None:
        """Set it where we may, else say what to set."""
        CfnOutput(
            self,
            f"Dns{number}",
            value=f"{kind} {name} {value}",
            description="A DNS record that SES needs",
        ).override_logical_id(f"DnsRecord{number}")
        if self._stage.hosted_zone_id:
            route53.CfnRecordSet(
                self,
                f"Record{number}",
                hosted_zone_id=self._stage.hosted_zone_id,
                name=name,
                type=kind,
                ttl="1800",
                resource_records=[value],
            )


def let_publish(topic: sns.Topic, service: str, source: str) -> None:
    """An AWS service may publish to the topic on behalf of what is ours (an ARN, or a pattern)."""
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                "ArnLike": {"aws:SourceArn": source},
            },
        )
    )
