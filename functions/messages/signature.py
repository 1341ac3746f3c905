"""How a webhook's receiver knows that it was us: the Standard Webhooks specification, version 1.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

SHOWN = "whsec_"  # before a secret, so that people and scanners know what it is


def secret(key: bytes, webhook: str) -> bytes:
    """The secret of one webhook: its receiver can tell no other one's by it, nor the key."""
    # What it is for is part of what is hashed: no link's signature can pass for a secret.
    return hmac.new(key, b"webhook\0" + webhook.encode(), hashlib.sha256).digest()


def shown(found: bytes) -> str:
    """A secret as a receiver enters it: `whsec_` and base64."""
    return SHOWN + base64.b64encode(found).decode()


def headers(
    message_id: str, now: datetime, body: str, webhook: str, keys: Mapping[str, bytes]
) -> dict[str, str]:
    """The three headers of a message, signed with every key, so that keys can be rotated.

    `now` is the time of this try, in reality: receivers refuse what is some minutes old.
    """
    stamp = str(int(now.timestamp()))
    signed = f"{message_id}.{stamp}.{body}".encode()
    made = (
        hmac.new(secret(key, webhook), signed, hashlib.sha256).digest() for key in keys.values()
    )
    signatures = " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": signatures,
    }
