"""What SES publishes when something has become of a mail, in the shape of its manual.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import json
from datetime import UTC, datetime
from typing import Any

from functions.tracking.message import Message

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def delivery(message: Message, address: str) -> str:
    """The mail is in the inbox."""
    detail = {
        "processingTimeMillis": 1180,
        "recipients": [address],
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": "a8-52.smtp-out.eu-central-1.amazonses.com",
    }
    return _event("Delivery", message, address, detail)


def click(message: Message, address: str) -> str:
    """The reader has clicked on the guide's link, as SES tells it where it tracks clicks itself."""
    detail = {
        "ipAddress": "192.0.2.7",
        "userAgent": BROWSER,
        "link": "https://www.rechnungswerk.example/video/erste-schritte",
        "linkTags": {"link": ["guide-video"]},
    }
    return _event("Click", message, address, detail)


def _event(kind: str, message: Message, address: str, detail: dict[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sender = "Rechnungswerk <hello@rechnungswerk.example>"
    subject = message.subject
    mail = {
        "timestamp": now,
        "source": sender,
        "sendingAccountId": "000000000000",
        "messageId": message.provider_id,
        "destination": [address],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": sender}, {"name": "Subject", "value": subject}],
        "commonHeaders": {"from": [sender], "to": [address], "subject": subject},
        "tags": {
            "ses:configuration-set": ["tante-dev"],
            "ses:from-domain": ["rechnungswerk.example"],
            "ses:caller-identity": ["tante-dev-RunStep"],
            "person": [message.person],
            "run": [message.run_id],
            "send": [message.send_id],
        },
    }
    return json.dumps({"eventType": kind, "mail": mail, kind.lower(): {"timestamp": now, **detail}})
