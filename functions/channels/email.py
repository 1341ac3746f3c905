"""E-mail by Amazon SES: raw MIME out, its event notifications in."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Any

from botocore.exceptions import ClientError

from functions.channels.channel import Outgoing, Permanent, Temporary

# SES's errors by whether another try can help; what is not here is a refusal of this message.
TRY_AGAIN = {
    "TooManyRequestsException": 60,
    "LimitExceededException": 3600,
    "SendingPausedException": 3600,
    "AccountSuspendedException": 3600,
    "ThrottlingException": 60,
    "MailFromDomainNotVerifiedException": 3600,
    # Ours to mend, not the message's fault: it waits until somebody has.
    "NotFoundException": 3600,
    "AccessDeniedException": 3600,
    "UnrecognizedClientException": 3600,
    "ExpiredTokenException": 300,
}
# A relay that changes 8-bit text breaks its signature. What `_put_address` wrote stays as it is.
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_FIELD_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, 3.6.8: a colon would end it
_PLAIN_ADDRESS = re.compile(r"""[^\s\x00-\x1f\x7f-\U0010ffff@,;:<>()\[\]\\"]+@[A-Za-z0-9.-]+""")


def mime(message: Outgoing) -> bytes:
    """The whole mail: text and HTML parts, the given headers; no header can smuggle another.

    Raises Permanent for an address or header that cannot be written.
    """
    mail = EmailMessage(policy=_POLICY)
    try:
        _put_address(mail, "From", message.sender)
        mail["To"] = _one_address(message.to)
        mail["Subject"] = _clean(message.subject)
        if message.reply_to:
            _put_address(mail, "Reply-To", message.reply_to)
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return _as_it_is(message.headers) + mail.as_bytes()
    except (ValueError, IndexError, AttributeError, TypeError) as error:
        # The standard library's reader of addresses fails in any of these ways (upon `.:`, say).
        raise Permanent(f"the mail cannot be written: {error}") from None


def _put_address(mail: EmailMessage, field: str, value: str) -> None:
    """A name of more than plain words is encoded as a whole: where the standard library folds it,
    it takes the quotes away, so that a comma or a bracket in it makes addresses."""
    if _clean(value).isascii() and not set(value) & set('"\\(),:;=[]'):
        mail[field] = value
        return
    name, address = parseaddr(value)
    if not _PLAIN_ADDRESS.fullmatch(address):
        raise ValueError("not one plain address")
    whole = Header(_clean(str(make_header(decode_header(name)))), "utf-8")
    mail.set_raw(field, f"{whole.encode()} <{address}>")


def _clean(value: str) -> str:
    if _CONTROLS.search(value):
        raise ValueError("a header with a control character")
    return value


def _one_address(value: str) -> str:
    """Not a list, a group or a comment, which would lead elsewhere than permission was given."""
    if not _PLAIN_ADDRESS.fullmatch(value):
        raise ValueError("not one plain address")
    return value


def _as_it_is(headers: Mapping[str, str]) -> bytes:
    """Headers of our own: folding would write a long link in a way that no mail program reads."""
    for name in headers:
        if not _FIELD_NAME.fullmatch(name):
            raise ValueError("not the name of a header")
    return b"".join(f"{n}: {_clean(v)}\r\n".encode("ascii") for n, v in headers.items())


class Email:
    """Sends through SES v2. `client` is boto3's `sesv2`."""

    def __init__(self, client: Any, configuration_set: str = "") -> None:
        self._client, self._configuration_set = client, configuration_set

    def send(self, message: Outgoing) -> str:
        """See Channel. The tags (person, run, send, message) come back in SES's events."""
        asked: dict[str, Any] = {
            "FromEmailAddress": message.sender,
            "Destination": {"ToAddresses": [message.to]},
            "Content": {"Raw": {"Data": mime(message)}},
            "EmailTags": [{"Name": name, "Value": value} for name, value in message.tags.items()],
        }
        if self._configuration_set:
            asked["ConfigurationSetName"] = self._configuration_set
        try:
            return str(self._client.send_email(**asked)["MessageId"])
        except ClientError as error:
            raise _meaning(error) from error


def _meaning(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code in TRY_AGAIN:
        return Temporary(f"SES: {code}", TRY_AGAIN[code])
    # A server error leaves it open whether the mail went: it passes through as it is.
    refused = error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return Permanent(f"SES: {code}") if refused else error


NAMES = {
    "Send": "Email Sent",
    "Delivery": "Email Delivered",
    "Open": "Email Opened",
    "Click": "Email Link Clicked",
    "Bounce": "Email Bounced",
    "Complaint": "Email Marked as Spam",
    "DeliveryDelay": "Email Delayed",
    "Reject": "Email Rejected",
    "Rendering Failure": "Email Rejected",
}
# "Subscription" tells of SES's own lists, which we do not use.
OF_REPUTATION = ("Send", "Bounce", "Complaint")  # what a recipient's provider judges us by
_DETAILS = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}
NOT_SPAM = "not-spam"  # somebody took the mail out of the folder for spam (RFC 5965, 7.3)


def receipt(body: str) -> dict[str, Any] | None:
    """An SES event, as it comes in an SNS notification, as the fields of an event of ours.

    Returns person, event, message_id, time (ISO) and properties in the words of Segment's e-mail
    specification (`email_id` is our send id, `link_id` a link's name); None for an event that
    says nothing about a message of ours. Raises ValueError when it is no SES event.
    """
    outer = json.loads(body)
    if not isinstance(outer, dict):
        raise ValueError("not a notification")
    said = json.loads(outer["Message"]) if "Message" in outer else outer
    kind, mail = said.get("eventType"), said.get("mail")
    if not isinstance(kind, str) or not isinstance(mail, dict):
        raise ValueError("neither an event batch nor an SES event")
    tags = {name: values[0] for name, values in mail.get("tags", {}).items() if values}
    if kind not in NAMES or not {"person", "run", "send"} <= tags.keys():
        return None
    detail = said.get(_DETAILS.get(kind, kind.lower())) or {}
    if detail.get("complaintFeedbackType") == NOT_SPAM:
        return None
    link = (detail.get("linkTags") or {}).get("link") or [""]
    time = detail.get("timestamp") or mail["timestamp"]
    if datetime.fromisoformat(time).tzinfo is None:
        raise ValueError("a time without a zone")
    properties = {
        "email_id": tags["send"],
        "run_id": tags["run"],
        "journey": tags["run"].rpartition("-")[0],
        "message": tags.get("message"),
        "email_subject": (mail.get("commonHeaders") or {}).get("subject"),
        "link_id": link[0] if kind == "Click" else None,
        "link_url": detail.get("link"),
        "user_agent": detail.get("userAgent"),
        "bounce_type": detail.get("bounceType"),
        "bounce_subtype": detail.get("bounceSubType"),
        "complaint_type": detail.get("complaintFeedbackType"),
        "delay_type": detail.get("delayType"),
        "reason": detail.get("reason") or detail.get("errorMessage"),
        "address": tags.get("address"),
        "email_domain": _domain(mail) if kind in OF_REPUTATION else None,
    }
    return {
        "person": tags["person"],
        "event": NAMES[kind],
        "message_id": "-".join(filter(None, ["ses", tags["send"], kind, time, link[0]]))[:99],
        "time": time,
        "properties": {name: value for name, value in properties.items() if value is not None},
    }


def _domain(mail: Mapping[str, Any]) -> str | None:
    """Where the mail went: never the whole address."""
    said = mail.get("destination")
    address = said[0] if isinstance(said, list) and said else ""
    return address.rpartition("@")[2].strip(" >").lower()[:100] or None
