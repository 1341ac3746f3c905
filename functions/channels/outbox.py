"""The outbox: where a message goes that must not reach a real person."""

from datetime import datetime

import msgspec


class Kept(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message kept instead of sent: the mail as its whole MIME text, an SMS as its words."""

    send_id: str
    channel: str
    to: str
    time: datetime
    subject: str = ""
    text: str = ""
    html: str = ""
    raw: str = ""
    person: str = ""
    version: int = 0
