"""The channels in AWS: SES and SNS or End User Messaging, behind the outbox outside production."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from functions.channels.channel import Channel, Outgoing
from functions.channels.email import Email
from functions.channels.end_user_messaging import EndUserMessaging
from functions.channels.outbox import Outbox
from functions.channels.sms import Sms
from functions.channels.webhook import Webhook
from functions.settings import Settings
from functions.storage.store import Store
from functions.tracking.message import Kept


def channels(settings: Settings, store: Store, client: Callable[[str], Any]) -> dict[str, Channel]:
    """Every channel by name; outside production only the allow-list gets real messages."""
    real: dict[str, Channel] = {
        "email": Email(client("sesv2"), settings.configuration_set),
        "sms": _sms(settings, client),
        "webhook": Webhook(),
    }
    if settings.is_prod:
        return real

    def keep(channel: str) -> Callable[[Outgoing], None]:
        return lambda message: store.write([kept(channel, message, settings.now())])

    return {name: Outbox(keep(name), one, settings.allow_list) for name, one in real.items()}


def _sms(settings: Settings, client: Callable[[str], Any]) -> Channel:
    if not settings.sms_origination:
        return Sms(client("sns"), settings.sms_sender_id)
    sender = client("pinpoint-sms-voice-v2")
    return EndUserMessaging(sender, settings.sms_origination, settings.sms_configuration_set)


def kept(channel: str, message: Outgoing, now: datetime) -> Kept:
    """The record that the outbox keeps of a message."""
    return Kept(
        send_id=message.send_id,
        channel=channel,
        to=message.to,
        time=now,
        subject=message.subject,
        text=message.text,
        html=message.html,
        headers=dict(message.headers),
        tags=dict(message.tags),
        person=message.person,
    )
