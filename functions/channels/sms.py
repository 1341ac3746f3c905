"""Text messages by Amazon SNS."""

from typing import Any

from botocore.exceptions import ClientError

from functions.channels.channel import Outgoing, Permanent, Temporary

TRY_AGAIN = {
    "Throttled": 60,
    "ThrottledException": 60,
    "Throttling": 60,
    "ThrottlingException": 60,
    "KMSThrottling": 60,
    # Ours to mend, not the message's fault: it waits until somebody has.
    "AuthorizationError": 3600,
    "AccessDenied": 3600,
    "InvalidClientTokenId": 3600,
    "ExpiredToken": 300,
}


class Sms:
    """Sends through SNS. `client` is boto3's `sns`; `sender_id` shows as the sender where a
    country allows it."""

    def __init__(self, client: Any, sender_id: str = "") -> None:
        self._client, self._sender_id = client, sender_id

    def send(self, message: Outgoing) -> str:
        """See Channel."""
        attributes = {"AWS.SNS.SMS.SMSType": _text("Promotional")}
        if self._sender_id:
            attributes["AWS.SNS.SMS.SenderID"] = _text(self._sender_id)
        try:
            answer = self._client.publish(
                PhoneNumber=message.to, Message=message.text, MessageAttributes=attributes
            )
        except ClientError as error:
            raise _meaning(error) from error
        return str(answer["MessageId"])


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def _meaning(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code in TRY_AGAIN:
        return Temporary(f"SNS: {code}", TRY_AGAIN[code])
    # A server error leaves it open whether the text went: it passes through as it is.
    refused = error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    return Permanent(f"SNS: {code}") if refused else error
