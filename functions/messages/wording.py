"""From the wish to words: the language, what Liquid sees, and the links."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.messages import confirming, referral
from functions.messages.address import address_hash, address_of
from functions.messages.link import sign
from functions.messages.template import (
    Rendered,
    asked_of_person,
    is_filled,
    mentions_products,
    render_mail,
    render_sms,
    render_subject,
)
from functions.messages.template_values import NO_PRODUCTS, template_values
from functions.messages.tracked import Tracker, may_track
from functions.messages.wish import Desk, Wish, Worded
from functions.segments import account as accounts
from functions.segments.person import shown_fields
from functions.tracking.message import Message
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile

ADDRESS_LETTERS = 8  # of an address's hash in a link, so that it stays short


def in_full(
    wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission
) -> Worded:
    """The whole message, as it goes. Raises Refused, TemplateError."""
    tracker = _tracker(wish, row, desk, profile, permission)
    leave_url = _leave_url(row, desk, profile)
    stem = f"{_stem(wish, row.locale)}."
    values = _values(
        wish,
        profile,
        desk,
        [text for name, text in wish.files.items() if name.startswith(stem)],
        leave_url,
        tracker.downloads(),
        _preferences_url(row, desk, profile),
        confirming.url(wish.entry, row.person, desk.link_keys, desk.public_url),
    )
    rendered = tracker.take(render(wish, row.locale, values))
    return Worded(rendered, leave_url, tracker.made)


def subject_only(
    wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission
) -> Worded:
    """What the ledger keeps of the words of a mail that nobody will read: no link is signed, and
    what only the rest of it would be refused for (a code that there is not) is not found. Text
    messages are whole, for they are billed by their length. Raises Refused, TemplateError."""
    if wish.channel == "sms":
        return in_full(wish, row, desk, profile, permission)
    subject = wish.files[f"{_stem(wish, row.locale)}.subject"]
    values = _values(wish, profile, desk, [subject]) if is_filled(subject) else {}
    return Worded(Rendered("", render_subject(subject, values)))


def render(wish: Wish, locale: str, values: Mapping[str, Any]) -> Rendered:
    """The message's words in one language. Raises TemplateError."""
    stem = _stem(wish, locale)
    if wish.channel == "sms":
        return render_sms(wish.files[f"{stem}.sms"], values)
    return render_mail(
        wish.files[f"{stem}.subject"],
        wish.files[f"{stem}.html"],
        wish.files[f"{stem}.txt"],
        values,
    )


def _stem(wish: Wish, locale: str) -> str:
    """How the message's files begin: of the shorter mail, where there is one and it is wanted."""
    short = f"{wish.message}.short.{locale}"
    if wish.is_short and wish.channel == "email" and f"{short}.html" in wish.files:
        return short
    return f"{wish.message}.{locale}"


def _tracker(
    wish: Wish, row: Message, desk: Desk, profile: Profile, permission: Permission
) -> Tracker:
    said = profile.traits.get("tracking")
    on = may_track(desk.brand, permission, wish.channel, said.value if said else None)
    on = on and bool(desk.link_keys)
    return Tracker(row, desk.brand, desk.link_keys, desk.public_url, on, desk.now())


def _values(
    wish: Wish,
    profile: Profile,
    desk: Desk,
    texts: Sequence[str],
    unsubscribe: str = "",
    downloads: Mapping[str, str] | None = None,
    preferences: str = "",
    confirm: str = "",
) -> dict[str, Any]:
    """What these texts may show; what costs reads is found only where they do."""
    person = shown_fields(profile, desk.now(), desk.cuts, _asked(texts))
    account = accounts.fields(profile)
    if any(map(referral.mentions, texts)):
        person |= desk.referral(profile)
    products = desk.products(profile) if any(map(mentions_products, texts)) else NO_PRODUCTS
    return template_values(
        person,
        wish.entry,
        desk.brand,
        unsubscribe,
        wish.iteration,
        account,
        products,
        desk.codes(wish, profile),
        downloads,
        preferences,
        confirm,
    )


def _asked(texts: Sequence[str]) -> frozenset[str] | None:
    """The person's fields that any of the texts may show; None: all."""
    asked: frozenset[str] = frozenset()
    for found in map(asked_of_person, texts):
        if found is None:
            return None
        asked |= found
    return asked


def _leave_url(row: Message, desk: Desk, profile: Profile) -> str:
    """The link with which the person leaves; none where no permission is needed."""
    if not desk.brand.must_be_allowed(row.purpose) or not desk.link_keys:
        return ""
    said = (row.person, row.channel, row.purpose, row.locale, _known_as(row, profile))
    return f"{desk.public_url}/leave/{sign('leave', said, desk.link_keys)}"


def _preferences_url(row: Message, desk: Desk, profile: Profile) -> str:
    """The link to the page where the person chooses what to get; every message may have it."""
    if not desk.link_keys:
        return ""
    said = (row.person, row.channel, _known_as(row, profile))
    return f"{desk.public_url}/preferences/{sign('preferences', said, desk.link_keys)}"


def _known_as(row: Message, profile: Profile) -> str:
    """By which a link's page knows that it was sent to the address which is in force still."""
    return address_hash(row.channel, address_of(profile, row.channel))[:ADDRESS_LETTERS]
