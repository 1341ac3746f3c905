"""A message of which only the subject is put into words, in a whole Tante."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from functions.handlers import run_step, wiring
from functions.messages import link, template
from functions.messages.wording import subject_only
from functions.tracking.message import Message
from tests.support.world import JOURNEYS, World

SUBJECT = (
    "{{ person.first_name }}, {{ entry.cart }} of {{ brand.name }}: {{ person.referral_code }}"
)
MAIL = f"""<mjml><mj-head><mj-title>{SUBJECT}</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text><a href="{{{{ links.premium }}}}">a</a> <a href="{{{{ unsubscribe }}}}">b</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""
JOURNEY = """title: Cart
purpose: offers
enter when: {event: Cart Filled}
once per: occasion
steps:
  - send: a
    by: email
  - send: a
    by: sms
    name: text
"""


@dataclass
class Watched:
    """What went, the templates that were filled in for it, and how often something was signed."""

    rows: list[Message]
    filled: list[str] = field(default_factory=list)
    signed: int = 0


@pytest.fixture
def send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watched]]:
    """Sends Ada a mail and a text in a new Tante whose desk is changed so."""
    folder = tmp_path / "folder"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    (folder / "cart").mkdir()
    brand = (JOURNEYS / "brand.yaml").read_text("utf-8")
    (folder / "brand.yaml").write_text(brand, "utf-8")
    for language in ("de", "en"):
        (folder / "cart" / f"a.{language}.mjml").write_text(MAIL, "utf-8")
        (folder / "cart" / f"a.{language}.sms").write_text("{{ links.premium }}", "utf-8")

    def send(name: str, journey: str = JOURNEY, **changed: Any) -> Watched:
        (folder / "cart" / "journey.yaml").write_text(journey, "utf-8")
        world = World(tmp_path / name, folder)
        world.customer("ada", first_name="Ada")
        watched = Watched([])
        fill, mac, desk_of = template.fill, link._mac, run_step._Steps._delivery_desk

        def watched_fill(source: str, values: Any, autoescape: bool) -> str:
            watched.filled.append(source)
            return fill(source, values, autoescape)

        def watched_mac(*said: Any) -> str:
            watched.signed += 1
            return mac(*said)

        with monkeypatch.context() as patch:
            patch.setattr(template, "fill", watched_fill)
            patch.setattr(link, "_mac", watched_mac)
            patch.setattr(
                run_step._Steps, "_delivery_desk", lambda steps: replace(desk_of(steps), **changed)
            )
            world.track("ada", "Cart Filled", cart="boots")
            world.advance("1 hour")
        watched.rows = world.messages("ada")
        return watched

    yield send
    wiring.use(None)


def known(row: Message) -> dict[str, Any]:
    """What a row says, but for what is another in every Tante."""
    own = ("person", "run_id", "send_id", "provider_id", "subject")
    return {name: getattr(row, name) for name in row.__struct_fields__ if name not in own}


def test_the_ledger_says_the_same_as_of_a_whole_message(send: Any) -> None:
    whole, subject = send("whole"), send("subject", words=subject_only)
    assert [row.state for row in whole.rows] == ["sent", "sent"]
    assert list(map(known, subject.rows)) == list(map(known, whole.rows))


def test_the_subject_has_the_right_values_and_nothing_else_is_filled_in(send: Any) -> None:
    whole, subject = send("whole"), send("subject", words=subject_only)
    [of_whole, of_subject] = [watched.rows[0].subject for watched in (whole, subject)]
    assert of_subject.startswith("Ada, boots of ")
    before, _, code = of_subject.partition(": ")
    assert (of_whole.partition(": ")[0], bool(code)) == (before, True)
    assert (len(whole.filled), subject.filled) == (4, [SUBJECT, "{{ links.premium }}"])


def test_no_link_is_signed_for_a_mail_though_there_are_keys(send: Any) -> None:
    mail = JOURNEY.partition("  - send: a\n    by: sms")[0]
    assert send("whole", journey=mail).signed > 0
    assert send("subject", journey=mail, words=subject_only).signed == 0
