"""What a stage in AWS still needs before it can serve: each check says what to do."""

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

State = Literal["fine", "look", "wrong"]
NOTHING = "nothing to do"
RUNBOOK = "docs/runbook.md"
FAILED_CALLS = "-failed-calls"  # of Lambdas, so no queue names it as its dead letters

# Every call that a check makes, and the permission that it takes.
PERMISSIONS = {
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "DescribeStacks": "cloudformation:DescribeStacks",
    "ListStackResources": "cloudformation:ListStackResources",
    "GetAccount": "ses:GetAccount",
    "GetEmailIdentity": "ses:GetEmailIdentity",
    "GetSMSSandboxAccountStatus": "sns:GetSMSSandboxAccountStatus",
    "GetSMSAttributes": "sns:GetSMSAttributes",
    "DescribeSpendLimits": "sms-voice:DescribeSpendLimits",
    "ListServiceQuotas": "servicequotas:ListServiceQuotas",
    "ListAWSDefaultServiceQuotas": "servicequotas:ListAWSDefaultServiceQuotas",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
}
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
}


class Finding(NamedTuple):
    """One line: whether it is fine, what was looked at and found, and what to do."""

    state: State
    what: str
    found: str
    do: str = NOTHING


class NoAccess(Exception):
    """AWS does not know who asks; the text says so in a sentence."""


class NoAnswer(Exception):
    """The DNS could not be asked."""


class Stage:
    """A deployed stage, seen with the operator's own credentials.

    `look_up(name, kind)` gives the DNS records of a name, none for a name that has none, and
    raises NoAnswer. `sender` is the address that mails come from; `session` is boto3's.
    """

    def __init__(
        self,
        name: str,
        region: str,
        sender: str,
        look_up: Callable[[str, str], list[str]],
        session: Any = None,
    ) -> None:
        self.name, self.region, self.sender, self.look_up = name, region, sender, look_up
        self.stack = f"tante-{name}"
        self.domain = sender.rpartition("@")[2]
        self._given_session, self._clients = session, dict[str, Any]()

    def client(self, service: str) -> Any:
        """A client that soon says so when nobody answers."""
        if service not in self._clients:
            config = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 1})
            made = self._session.client(service, region_name=self.region, config=config)
            self._clients[service] = made
        return self._clients[service]

    @cached_property
    def _session(self) -> Any:
        """The credentials of now: boto3's own session keeps those that it once found."""
        return self._given_session or boto3.session.Session()

    def pages(self, service: str, operation: str, key: str, **asked: Any) -> Iterator[Any]:
        """All items of a list that AWS gives in pages."""
        for page in self.client(service).get_paginator(operation).paginate(**asked):
            yield from page.get(key, [])

    def lacking(self, what: str, found: str, do: str) -> Finding:
        """What production cannot do without, and a stage with an outbox can."""
        return Finding("wrong" if self.name == "prod" else "look", what, found, do)

    def caller(self) -> dict[str, str]:
        """Account and identity. Raises NoAccess."""
        try:
            return dict(self.client("sts").get_caller_identity())
        except ClientError as error:
            reason = error.response["Error"].get("Message") or error.response["Error"]["Code"]
            raise NoAccess(f"AWS refuses the credentials ({reason}); log in again") from None
        except (ConnectionError, HTTPClientError) as error:
            raise NoAccess(
                f"AWS cannot be reached ({error}); check the network, the proxy and --region"
            ) from None
        except BotoCoreError as error:
            reason = str(error).rstrip(".")
            raise NoAccess(
                f"there are no AWS credentials that work ({reason}); log in first, for example "
                "with `aws sso login`, and set AWS_PROFILE"
            ) from None

    @cached_property
    def identity(self) -> tuple[str, dict[str, Any]]:
        """SES's identity for the sender (address, domain or a parent's); ("", {}) if none."""
        parts = self.domain.split(".")
        parents = [".".join(parts[i:]) for i in range(len(parts) - 1)]
        for name in [self.sender, *parents]:
            try:
                return name, self.client("sesv2").get_email_identity(EmailIdentity=name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "NotFoundException":
                    raise
        return "", {}


def examine(stage: Stage) -> Iterator[Finding]:
    """Every check, one after the other; what one cannot see never hides another.

    Raises NoAccess before the first when there are no credentials.
    """
    caller = stage.caller()
    who = f"account {caller['Account']}, region {stage.region}, as {caller['Arn']}"
    yield Finding("fine", "credentials", who)
    for what, check in CHECKS.items():
        try:
            yield from check(stage, what)
        except ClientError as error:
            yield _refused(stage, what, error)
        except BotoCoreError as error:
            do = "check the network, the proxy and --region, then ask again"
            yield Finding("wrong", what, f"AWS did not answer: {type(error).__name__}", do)
        except NoAnswer as error:
            do = "check the network; or look with: dig TXT _dmarc." + stage.domain
            yield Finding("look", what, f"the DNS did not answer: {error}", do)


def _refused(stage: Stage, what: str, error: ClientError) -> Finding:
    code, words = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in DENIED:
        told = re.search(r"not authorized to perform: ([\w-]+:\w+)", words)
        permission = told[1] if told else PERMISSIONS.get(error.operation_name, code)
        do = f"have {permission} allowed for your role"
        return Finding("wrong", what, f"may not be looked at: {permission} is missing", do)
    if "does not exist" in words:
        return Finding("look", what, f"there is no stack {stage.stack} yet", _deploy(stage))
    do = "look into the message; ask again in a minute if AWS was busy"
    return Finding("wrong", what, f"AWS answered {code}: {words}", do)


def _deploy(stage: Stage) -> str:
    return f"make deploy STAGE={stage.name}"


# --- the checks


def _stack(stage: Stage, what: str) -> Iterator[Finding]:
    try:
        found = stage.client("cloudformation").describe_stacks(StackName=stage.stack)
    except ClientError as error:
        if "does not exist" not in error.response["Error"].get("Message", ""):
            raise
        where = f"there is no stack {stage.stack} in {stage.region}"
        yield Finding("wrong", what, where, _deploy(stage))
        return
    state = found["Stacks"][0]["StackStatus"]
    events = f"console: CloudFormation → {stage.stack} → Events"
    if state.endswith("_IN_PROGRESS"):
        yield Finding("look", what, f"{stage.stack} is {state}", "wait until it is done")
    elif state == "UPDATE_ROLLBACK_COMPLETE":
        do = f"{events} says why; then {_deploy(stage)}"
        yield Finding("look", what, f"{stage.stack}: the last deployment was rolled back", do)
    elif "FAILED" in state or "ROLLBACK" in state or "DELETE" in state:
        do = f"{events} says why; {RUNBOOK}, “Deploy”, says what then"
        yield Finding("wrong", what, f"{stage.stack} is {state}", do)
    else:
        yield Finding("fine", what, f"{stage.stack} is {state}")


def _ses_account(stage: Stage, what: str) -> Iterator[Finding]:
    account = stage.client("sesv2").get_account()
    quota = account.get("SendQuota", {})
    a_day, rate = quota.get("Max24HourSend", 0), quota.get("MaxSendRate", 0)
    size = f"{a_day:,.0f} mails in 24 hours, {rate:g} a second"
    if account.get("ProductionAccessEnabled"):
        yield Finding("fine", what, f"out of the sandbox: {size}")
    else:
        do = f"console: SES → Account dashboard → Request production access ({RUNBOOK})"
        found = f"in the sandbox: {size}, to verified addresses only"
        yield stage.lacking(what, found, do)
    yield from _ses_health(account, what)
    sent = quota.get("SentLast24Hours", 0)
    if a_day > 0 and sent >= 0.8 * a_day:
        do = "console: Service Quotas → Amazon SES → Sending quota → Request increase"
        yield Finding("look", what, f"{sent:,.0f} of {a_day:,.0f} mails of 24 hours are used", do)


def _ses_health(account: dict[str, Any], what: str) -> Iterator[Finding]:
    reputation = "console: SES → Reputation metrics; answer AWS's e-mail to the account's owner"
    health = account.get("EnforcementStatus", "HEALTHY")
    if health == "PROBATION":
        yield Finding("look", what, "AWS reviews the account (PROBATION)", reputation)
    elif health != "HEALTHY":
        yield Finding("wrong", what, f"AWS has stopped sending ({health})", reputation)
    elif not account.get("SendingEnabled"):
        do = "aws sesv2 put-account-sending-attributes --sending-enabled"
        yield Finding("wrong", what, "sending is switched off", do)


def _ses_sender(stage: Stage, what: str) -> Iterator[Finding]:
    name, found = stage.identity
    if not name:
        do = f"deploy with the option domain={stage.domain}, and set the DNS records it prints"
        yield stage.lacking(what, f"SES does not know {stage.sender} nor its domain", do)
        return
    if found.get("VerifiedForSendingStatus"):
        yield Finding("fine", what, f"{name} is verified for {stage.sender}")
    else:
        state = found.get("VerificationStatus", "PENDING")
        do = "set the DNS records that the deployment printed; SES looks for 72 hours"
        yield stage.lacking(what, f"{name} is not verified ({state})", do)
    yield _dkim(stage, name, found)


def _dkim(stage: Stage, name: str, found: dict[str, Any]) -> Finding:
    dkim = found.get("DkimAttributes", {})
    if found.get("IdentityType") == "EMAIL_ADDRESS":
        do = f"verify the domain {stage.domain} instead; only a domain can sign"
        return stage.lacking("DKIM", f"{name} is a single address and signs nothing", do)
    if dkim.get("Status") == "SUCCESS" and dkim.get("SigningEnabled"):
        return Finding("fine", "DKIM", f"{name} signs its mails")
    zone = dkim.get("SigningHostedZone") or "dkim.amazonses.com"
    tokens = dkim.get("Tokens") or ["TOKEN"]
    records = "; ".join(f"{t}._domainkey.{name} CNAME {t}.{zone}" for t in tokens)
    return stage.lacking("DKIM", f"{name} does not sign ({dkim.get('Status')})", f"set {records}")


def _mail_from(stage: Stage, what: str) -> Iterator[Finding]:
    """A MAIL FROM domain of our own, so that SPF speaks for the sender too (DMARC alignment)."""
    name, found = stage.identity
    domain = found.get("MailFromAttributes", {}).get("MailFromDomain")
    if not name or not domain:
        command = "aws sesv2 put-email-identity-mail-from-attributes"
        own = name if name and "@" not in name else stage.domain
        do = f"{command} --email-identity {own} --mail-from-domain bounce.{own}"
        yield Finding("look", what, "none of our own: DMARC rests on DKIM alone", do)
        return
    state = found["MailFromAttributes"].get("MailFromDomainStatus")
    target = f"feedback-smtp.{stage.region}.amazonses.com"
    if any(target in record for record in stage.look_up(domain, "MX")) and state == "SUCCESS":
        yield Finding("fine", what, f"{domain}, MX in place")
    else:
        yield stage.lacking(what, f"{domain} is {state}", f"set {domain} MX 10 {target}")
    yield _spf(stage, domain)


def _spf(stage: Stage, domain: str) -> Finding:
    found = [text for text in stage.look_up(domain, "TXT") if text.lower().startswith("v=spf1")]
    if len(found) > 1:
        do = f"leave one TXT record of {domain} that begins with v=spf1; two count as none"
        return Finding("wrong", "SPF", f"{domain} has {len(found)} records", do)
    if found and "include:amazonses.com" in found[0]:
        return Finding("fine", "SPF", f"{domain}: {found[0]}")
    do = f'set {domain} TXT "v=spf1 include:amazonses.com ~all"'
    return stage.lacking("SPF", f"{domain} does not name Amazon SES", do)


def _dmarc(stage: Stage, what: str) -> Iterator[Finding]:
    parts = stage.domain.split(".")
    for start in range(max(1, len(parts) - 1)):
        domain = ".".join(parts[start:])
        records = stage.look_up(f"_dmarc.{domain}", "TXT")
        found = [text for text in records if text.lower().startswith("v=dmarc1")]
        if found:
            yield _policy(stage, what, domain, found[0])
            return
    do = f'set _dmarc.{stage.domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{stage.domain}"'
    yield stage.lacking(what, f"{stage.domain} has no record; Gmail and Yahoo ask for one", do)


def _policy(stage: Stage, what: str, domain: str, record: str) -> Finding:
    """Its alignment as well: RFC 7489, 3.1. Our MAIL FROM is below the sender's domain, so in
    strict mode ("s") only DKIM of the sender's very domain counts."""
    if not re.search(r";\s*p\s*=\s*(none|quarantine|reject)\s*(;|$)", record, re.I):
        do = f'set _dmarc.{domain} TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"'
        return stage.lacking(what, f"{domain} names no policy: {record}", do)
    if re.search(r";\s*adkim\s*=\s*s\b", record, re.I) and stage.identity[0] != stage.domain:
        do = f"take adkim=s out of _dmarc.{domain}, or verify {stage.domain} itself in SES"
        found = f"{record}: strict, but {stage.identity[0] or 'nobody'} signs for {stage.domain}"
        return stage.lacking(what, found, do)
    if re.search(r";\s*p\s*=\s*(quarantine|reject)", record, re.I):
        return Finding("fine", what, f"{domain}: {record}")
    do = "enough to begin with; when its reports are clean, set p=quarantine"
    return Finding("look", what, f"{domain}: {record}", do)


def _sms_by_sns(stage: Stage, what: str) -> Iterator[Finding]:
    sns = stage.client("sns")
    if sns.get_sms_sandbox_account_status()["IsInSandbox"]:
        do = "console: SNS → Text messaging (SMS) → Exit SMS sandbox; unless you send no SMS"
        yield Finding("look", what, "in the sandbox: to verified numbers only", do)
    else:
        yield Finding("fine", what, "out of the sandbox")
    asked = ["MonthlySpendLimit"]
    limit = sns.get_sms_attributes(attributes=asked).get("attributes", {}).get(asked[0])
    yield _spending(what, float(limit) if limit else 1.0, "Amazon SNS")


def _sms_by_end_user_messaging(stage: Stage, what: str) -> Iterator[Finding]:
    limits = stage.pages("pinpoint-sms-voice-v2", "describe_spend_limits", "SpendLimits")
    for limit in limits:
        if limit["Name"] == "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT":
            yield _spending(what, limit["EnforcedLimit"], "AWS End User Messaging")


def _spending(what: str, dollars: float, of: str) -> Finding:
    found = f"at most ${dollars:,.0f} a month"
    if dollars > 1:
        return Finding("fine", what, found)
    do = f"console: Service Quotas → {of} → monthly spend → Request increase, if you send SMS"
    return Finding("look", what, f"{found}: a handful of texts", do)


def _quotas(stage: Stage, what: str) -> Iterator[Finding]:
    for service, words in (
        ("lambda", ["concurrent executions"]),
        ("states", ["startexecution", "refill"]),
        ("states", ["open", "executions"]),
    ):
        found = _quota(stage, service, words)
        if found is None:
            do = f"console: Service Quotas → {service}; look there"
            yield Finding("look", what, f"{service}: no value for “{' '.join(words)}” is told", do)
        else:
            yield _enough(what, service, found)


def _quota(stage: Stage, service: str, words: list[str]) -> dict[str, Any] | None:
    """The account's quota whose name has these words, else AWS's default."""
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for quota in stage.pages("service-quotas", operation, "Quotas", ServiceCode=service):
            if all(word in quota["QuotaName"].lower() for word in words):
                return dict(quota)
    return None


def _enough(what: str, service: str, quota: dict[str, Any]) -> Finding:
    found = f"{service}: {quota['QuotaName']} {quota['Value']:,.0f}"
    if service != "lambda" or quota["Value"] >= 1000:
        return Finding("fine", what, found)
    command = "aws service-quotas request-service-quota-increase --service-code lambda"
    do = f"{command} --quota-code {quota['QuotaCode']} --desired-value 1000"
    return Finding("look", what, f"{found}: a new account's; events would wait", do)


def _alarms(stage: Stage, what: str) -> Iterator[Finding]:
    pages = stage.pages(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{stage.stack}-"
    )
    alarms = list(pages)
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        do = f"{RUNBOOK}, “Read the alarms”: {alarm['AlarmName']}"
        since = f"{alarm['StateUpdatedTimestamp']:%Y-%m-%d %H:%M}"
        yield Finding("wrong", what, f"{alarm['AlarmName']} rings since {since}", do)
    if not alarms:
        yield Finding("look", what, f"none begins with {stage.stack}-", _deploy(stage))
    elif not ringing:
        yield Finding("fine", what, f"none of {len(alarms)} rings")


def _dead_letters(stage: Stage, what: str) -> Iterator[Finding]:
    queues = [
        resource["PhysicalResourceId"]
        for resource in stage.pages(
            "cloudformation",
            "list_stack_resources",
            "StackResourceSummaries",
            StackName=stage.stack,
        )
        if resource["ResourceType"] == "AWS::SQS::Queue" and resource.get("PhysicalResourceId")
    ]
    sqs = stage.client("sqs")
    found = {}
    for url in queues:
        asked = ["QueueArn", "ApproximateNumberOfMessages", "RedrivePolicy"]
        found[url] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    policies = " ".join(attributes.get("RedrivePolicy", "") for attributes in found.values())
    dead = {
        url: attributes
        for url, attributes in found.items()
        if f'"{attributes["QueueArn"]}"' in policies or url.endswith(FAILED_CALLS)
    }
    full = {url: a for url, a in dead.items() if int(a["ApproximateNumberOfMessages"])}
    for attributes in full.values():
        count = attributes["ApproximateNumberOfMessages"]
        do = f"tante dead-letters list --stage {stage.name} shows why; {RUNBOOK}, “Redrive”"
        yield Finding("wrong", what, f"{count} in {attributes['QueueArn'].split(':')[-1]}", do)
    if not full:
        yield Finding("fine", what, f"none in {len(dead)} queues")


CHECKS: dict[str, Callable[[Stage, str], Iterator[Finding]]] = {
    "stack": _stack,
    "SES": _ses_account,
    "sender": _ses_sender,
    "MAIL FROM": _mail_from,
    "DMARC": _dmarc,
    "SMS by SNS": _sms_by_sns,
    "SMS by End User Messaging": _sms_by_end_user_messaging,
    "quotas": _quotas,
    "alarms": _alarms,
    "dead letters": _dead_letters,
}


def look_up(name: str, kind: str) -> list[str]:
    """The DNS records of a name as text; none for a name that has none. Raises NoAnswer."""
    from dns import exception, resolver

    try:
        answer = resolver.resolve(name, kind, lifetime=5)
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return []
    except exception.DNSException as error:
        raise NoAnswer(f"{name} ({type(error).__name__})") from None
    return [_text(record) for record in answer]


def _text(record: Any) -> str:
    """Long TXT records come in pieces that belong together."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text())
