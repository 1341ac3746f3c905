"""Text messages by AWS End User Messaging: SendTextMessage out, its event notifications in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from functions.channels.channel import Outgoing, Permanent, Temporary

# Errors by whether another try can help; what is not here is a refusal of this message.
TRY_AGAIN = {
    "ThrottlingException": 60,
    "ServiceQuotaExceededException": 3600,  # the month's spend limit, too
    # Ours to mend, not the message's fault: it waits until somebody has.
    "AccessDeniedException": 3600,
    "ResourceNotFoundException": 3600,
    "UnrecognizedClientException": 3600,
    "ExpiredTokenException": 300,
}
# The same two codes say what is wrong with a number and what is wrong with our set-up.
OURS_TO_MEND = {
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",  # the account is in the sandbox
    "INVALID_ARN",
    "MESSAGE_TYPE_MISMATCH",
    "NUMBER_CAPABILITIES_MISMATCH",
    "REGISTRATION_NOT_COMPLETE",
    "RESOURCE_NOT_ACCESSIBLE",
    "RESOURCE_NOT_ACTIVE",
}


class EndUserMessaging:
    """Sends through AWS End User Messaging SMS. `client` is boto3's `pinpoint-sms-voice-v2`;
    `origination` a phone number, sender ID or pool (id or ARN)."""

    def __init__(self, client: Any, origination: str, configuration_set: str = "") -> None:
        self._client, self._origination = client, origination
        self._configuration_set = configuration_set

    def send(self, message: Outgoing) -> str:
        """See Channel. Its tags (person, run, ...) come back in the events as `context`."""
        asked: dict[str, Any] = {
            "DestinationPhoneNumber": message.to,
            "OriginationIdentity": self._origination,
            "MessageBody": message.text,
            "MessageType": "PROMOTIONAL",
            "Context": dict(message.tags),
        }
        if self._configuration_set:
            asked["ConfigurationSetName"] = self._configuration_set
        try:
            return str(self._client.send_text_message(**asked)["MessageId"])
        except ParamValidationError:
            # Nothing left the machine. Its text may hold the number, so it is not passed on.
            raise Permanent("End User Messaging: the message cannot be written") from None
        except ClientError as error:
            raise _meaning(error) from error


def _meaning(error: ClientError) -> Exception:
    code, reason = error.response["Error"]["Code"], str(error.response.get("Reason") or "")
    words = f"End User Messaging: {code} {reason}".rstrip()
    if code in TRY_AGAIN:
        return Temporary(words, TRY_AGAIN[code])
    if reason in OURS_TO_MEND:
        return Temporary(words, 3600)
    # A server error leaves it open whether the text went: it passes through as it is.
    refused = error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return Permanent(words) if refused else error


SENT, DELIVERED, BOUNCED = "SMS Sent", "SMS Delivered", "SMS Bounced"
# Unknown is also what comes when no carrier said anything for 72 hours: it is not a bounce.
NAMES = {
    "TEXT_QUEUED": SENT,
    "TEXT_PENDING": SENT,
    "TEXT_SENT": SENT,
    "TEXT_UNKNOWN": SENT,
    "TEXT_SUCCESSFUL": DELIVERED,
    "TEXT_DELIVERED": DELIVERED,
    "TEXT_INVALID": BOUNCED,
    "TEXT_INVALID_MESSAGE": BOUNCED,
    "TEXT_UNREACHABLE": BOUNCED,
    "TEXT_CARRIER_UNREACHABLE": BOUNCED,
    "TEXT_BLOCKED": BOUNCED,
    "TEXT_CARRIER_BLOCKED": BOUNCED,
    "TEXT_PROTECT_BLOCKED": BOUNCED,
    "TEXT_SPAM": BOUNCED,
    "TEXT_TTL_EXPIRED": BOUNCED,
}
# In SES's words, as for mails; what is not here may be either.
BOUNCE_TYPES = {
    "TEXT_INVALID": "Permanent",
    "TEXT_UNREACHABLE": "Transient",
    "TEXT_CARRIER_UNREACHABLE": "Transient",
    "TEXT_TTL_EXPIRED": "Transient",
}


def receipt(body: str) -> dict[str, Any] | None:
    """An event of End User Messaging, by SNS or raw, as the fields of an event of ours.

    Returns person, event, message_id, time (ISO) and properties in the spirit of Segment's
    e-mail specification (`sms_id` is our send id); None for an event that says nothing about a
    text of ours. Raises ValueError when it is none of its events. The format is that of
    https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
    """
    outer = json.loads(body)
    if not isinstance(outer, dict):
        raise ValueError("not a notification")
    said = json.loads(outer["Message"]) if "Message" in outer else outer
    kind = said.get("eventType")
    if not isinstance(kind, str) or "eventTimestamp" not in said:
        raise ValueError("not an event of End User Messaging")
    tags = said.get("context") or {}
    if kind not in NAMES or not all(tags.get(name) for name in ("person", "run", "send")):
        return None
    name = NAMES[kind]
    # Queued, pending and sent tell the same thing, of the same moment: so they count once.
    moment = said["messageRequestTimestamp"] if name == SENT else said["eventTimestamp"]
    time = _time(moment)
    return {
        "person": str(tags["person"]),
        "event": name,
        "message_id": f"sms-{tags['send']}-{name.split()[1].lower()}-{time}"[:99],
        "time": time,
        "properties": {
            "sms_id": tags["send"],
            "run_id": tags["run"],
            "journey": str(tags["run"]).rpartition("-")[0],
            **{word: tags[word] for word in ("message", "address") if tags.get(word)},
            **_detail(kind, said),
        },
    }


def _detail(kind: str, said: dict[str, Any]) -> dict[str, Any]:
    """What is told beyond the ids; never the number."""
    if NAMES[kind] == SENT:
        return {}
    bounced = NAMES[kind] == BOUNCED
    found = {
        "bounce_type": BOUNCE_TYPES.get(kind, "Undetermined") if bounced else None,
        "bounce_reason": kind.removeprefix("TEXT_").lower() if bounced else None,
        "country": said.get("isoCountryCode"),
        "parts": said.get("totalMessageParts"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _time(milliseconds: Any) -> str:
    """Unix milliseconds as ISO time. Raises ValueError."""
    if not isinstance(milliseconds, int):
        raise ValueError("a time that is no number of milliseconds")
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError("a time that cannot be") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
