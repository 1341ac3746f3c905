"""The stage's own key, for what is known of people."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.stages import Stage

READ = ("kms:Decrypt", "kms:DescribeKey")
WRITE = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")


class Encryption(Construct):
    """A key of one's own, instead of AWS's: whoever may read a table still cannot read it without
    the key, each use of it is in CloudTrail, and disabling it shuts every copy at once, backups
    included. SES and CloudWatch can publish to an encrypted topic only under such a key. It
    costs a dollar a month; its use hardly anything, because DynamoDB keeps data keys for minutes.
    """

    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "Encryption")
        self._region = stage.region
        self.key = kms.Key(
            self,
            "Key",
            alias=stage.prefix,
            description=f"People, timeline and receipts of {stage.prefix}",
            enable_key_rotation=True,
            pending_window=Duration.days(30 if stage.is_prod else 7),
            removal_policy=stage.removal,
        )

    def let_publish(self, service: str) -> None:
        """An AWS service may publish to our encrypted topics; on whose behalf, the topics say.

        AWS documents these two actions without conditions for SES, End User Messaging and
        CloudWatch, and one that is never met would show in nothing but silence.
        """
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's policy this is the key itself
            )
        )

    def let_use(self, role: iam.IRole, *, write: bool) -> None:
        """The role may use the key, but only through DynamoDB."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[*READ, *(WRITE if write else ())],
                resources=[self.key.key_arn],
                conditions={
                    "StringEquals": {"kms:ViaService": f"dynamodb.{self._region}.amazonaws.com"}
                },
            )
        )
