"""Opens and clicks in a whole Tante: whose are told, what the mail says, what robots change."""

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from functions.messages.tracked import TEXT_LINK
from functions.tracking.message import Kept
from functions.tracking.short_link import ShortLink
from tests.support.world import BROWSER, JOURNEYS, World

MAIL = """<mjml><mj-head><mj-title>Hello</mj-title></mj-head><mj-body><mj-section><mj-column>
<mj-text><a href="{{ links.premium }}">a</a> <a href="https://shop.example/b?x=1&amp;y=2#part">b</a>
<a href="{{ download.paper }}">c</a> <a href="{{ links.imprint }}">d</a>
<a href="mailto:help@shop.example">e</a> {% if unsubscribe %}<a href="{{ unsubscribe }}">f</a>
{% endif %} <a href="{{ links.forum }}">g</a></mj-text></mj-column></mj-section></mj-body></mjml>"""
TEXT = "Look: {{ links.premium }}, or https://shop.example/c."
JOURNEY = """title: Cart
purpose: offers
enter when: {event: Cart Filled}
once per: occasion
steps:
  - send: a
    by: email
  - wait for: {clicked: a, link: premium}
    at most: 7 days
    otherwise:
      - end: no click
  - send: a
    by: sms
    name: text
"""
ASSETS = "assets: {paper: https://shop.example/paper.pdf}\n"
PREMIUM = "https://shop.rechnungswerk.example/premium"
Begin = Callable[..., World]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Makes a Tante that sends Ada one mail, and after a click a text."""

    def begin(
        brand: str = "", consents: tuple[str, ...] = ("tracking",), link: str = "premium"
    ) -> World:
        folder = tmp_path / f"folder{len(list(tmp_path.iterdir()))}"
        (folder / "cart").mkdir(parents=True)
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        text = (JOURNEYS / "brand.yaml").read_text("utf-8")
        (folder / "brand.yaml").write_text(text + ASSETS + brand, "utf-8")
        for language in ("de", "en"):
            (folder / "cart" / f"a.{language}.mjml").write_text(
                MAIL.replace("premium", link), "utf-8"
            )
            (folder / "cart" / f"a.{language}.sms").write_text(TEXT, "utf-8")
        (folder / "cart" / "journey.yaml").write_text(JOURNEY.replace("premium", link), "utf-8")
        world = World(folder.with_suffix(".data"), folder)
        world.customer("ada", consents=False)
        for channel in ("email", "sms"):
            said = {"channel": channel, "purposes": ["offers", *consents]}
            world.track("ada", "Consent Given", **said)
        return world

    return begin


def mail(world: World) -> Kept:
    world.advance("1 minute")
    world.track("ada", "Cart Filled")
    return world.outbox()[-1]


def hrefs(kept: Kept) -> list[str]:
    return [unescape(url) for url in re.findall(r'href="([^"]*)"', kept.html) if "fonts" not in url]


def path(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8000")


def events(world: World, name: str) -> list[dict[str, object]]:
    found = world.api(f"/api/people/{world.person('ada').person}/timeline")["events"]
    return [event["properties"] for event in found if event["event"] == name]


def visit(world: World, url: str, headers: dict[str, str] = BROWSER) -> dict[str, object]:
    world.advance("1 minute")
    answer = world.request("GET", path(url), headers=headers)
    world.settle()
    return answer


def test_every_link_leads_through_us_but_those_for_leaving_and_small_print(begin: Begin) -> None:
    world = begin()
    premium, other, paper, imprint, help_, leave, forum, trap = hrefs(mail(world))
    doors = [path(url)[:3] for url in (premium, other, paper, forum, trap)]
    assert doors == ["/c/", "/c/", "/d/", "/c/", "/c/"]
    assert imprint == "https://www.rechnungswerk.example/impressum"
    assert help_ == "mailto:help@shop.example"
    assert path(leave).startswith("/leave/")


def test_a_click_is_told_by_the_link_s_name_and_releases_who_waits_for_it(begin: Begin) -> None:
    world = begin()
    kept = mail(world)
    answer = visit(world, hrefs(kept)[0])
    assert answer["headers"]["location"] == PREMIUM  # type: ignore[index]
    [told] = events(world, "Email Link Clicked")
    assert (told["link_id"], told["link_url"]) == ("premium", PREMIUM)
    assert world.messages("ada")[0].clicked.keys() == {"premium"}
    assert world.outbox()[-1].channel == "sms", "the run went on"


def test_a_link_without_a_name_has_a_number_and_keeps_its_whole_target(begin: Begin) -> None:
    world = begin()
    answer = visit(world, hrefs(mail(world))[1])
    assert answer["headers"]["location"] == "https://shop.example/b?x=1&y=2#part"  # type: ignore[index]
    assert events(world, "Email Link Clicked")[0]["link_id"] == "1"


def test_a_download_is_an_event_of_its_own(begin: Begin) -> None:
    world = begin()
    answer = visit(world, hrefs(mail(world))[2])
    assert answer["headers"]["location"] == "https://shop.example/paper.pdf"  # type: ignore[index]
    [told] = events(world, "Asset Downloaded")
    assert told["asset"] == "paper"


def test_the_picture_tells_of_an_open(begin: Begin) -> None:
    world = begin()
    kept = mail(world)
    [pixel] = re.findall(r'<img src="([^"]*/o/[^"]*)"', kept.html)
    visit(world, pixel)
    assert world.messages("ada")[0].opened
    assert events(world, "Email Opened")


def test_the_plain_text_has_the_same_links(begin: Begin) -> None:
    kept = mail(begin())
    signed = hrefs(kept)
    assert f"({signed[0]})" in kept.text
    assert f"({signed[1]})" in kept.text
    assert PREMIUM not in kept.text


def test_a_text_message_has_short_links_that_erasing_finds(begin: Begin) -> None:
    world = begin()
    visit(world, hrefs(mail(world))[0])
    text = world.outbox()[-1].text
    found = re.findall(r"http://127.0.0.1:8000(/s/[\w-]{28})(?=[,.])", text)
    assert len(found) == 2, text
    person = world.person("ada").person
    assert len(list(world.store.query(ShortLink, person))) == 2
    places = [visit(world, one)["headers"]["location"] for one in found]  # type: ignore[index]
    assert places == [PREMIUM, "https://shop.example/c"]
    told = events(world, "SMS Link Clicked")
    assert {one["link_id"] for one in told} == {"premium", TEXT_LINK}


def without_leaving(kept: Kept) -> tuple[str, str, str]:
    """The mail but for the link to leave, which is signed for each person."""
    return tuple(re.sub(r"/leave/[\w.-]+", "", one) for one in (kept.subject, kept.html, kept.text))  # type: ignore[return-value]


@pytest.mark.parametrize("brand", ["", "tracking: unless refused\n"])
def test_who_did_not_permit_it_gets_the_plain_mail(begin: Begin, brand: str) -> None:
    """By default without consent, else who has refused: no picture, and links as they were."""
    world = begin(brand, consents=())
    if brand:
        world.track("ada", "Consent Withdrawn", channel="email", purposes=["tracking"])
    kept = mail(world)
    assert hrefs(kept)[:3] == [
        PREMIUM,
        "https://shop.example/b?x=1&y=2#part",
        "https://shop.example/paper.pdf",
    ]
    for trace in ("/c/", "/o/", "/d/", "tante:link"):
        assert trace not in kept.html
        assert trace not in kept.text


def test_without_a_word_unless_refused_means_yes(begin: Begin) -> None:
    assert "/o/" in mail(begin("tracking: unless refused\n", consents=())).html


def test_the_trait_tracking_false_is_a_no_as_well(begin: Begin) -> None:
    world = begin()
    world.identify("ada", tracking=False)
    assert "/o/" not in mail(world).html


def test_taking_the_traces_out_gives_the_very_mail_of_who_did_not_permit_it(begin: Begin) -> None:
    plain, tracked = (mail(begin(consents=one)) for one in ((), ("tracking",)))
    html = re.sub(r'<a href="[^"]*" style="display:none".*?(?=</body>)', "", tracked.html)
    targets = iter(
        [
            *(PREMIUM, "https://shop.example/b?x=1&amp;y=2#part", "https://shop.example/paper.pdf"),
            "https://forum.rechnungswerk.example/",
        ]
    )
    html = re.sub(r"http://127.0.0.1:8000/[cd]/[\w.-]+", lambda match: next(targets), html)
    assert re.sub(r"/leave/[\w.-]+", "", html) == without_leaving(plain)[1]


def test_utm_words_are_added_where_none_stand(begin: Begin) -> None:
    world = begin("utm: yes\n", consents=())
    premium, other, *_ = hrefs(mail(world))
    assert premium == (
        f"{PREMIUM}?utm_source=rechnungswerk&utm_medium=email&utm_campaign=cart"
        "&utm_content=a%2Fpremium"
    )
    assert other.startswith("https://shop.example/b?x=1&y=2&utm_source=")
    assert other.endswith("utm_content=a%2F1#part")


def test_a_scanner_releases_nobody_and_counts_only_when_asked_for(begin: Begin) -> None:
    world = begin()
    kept = mail(world)
    visit(world, hrefs(kept)[0], {"user-agent": "curl/8.5.0"})
    [row] = world.messages("ada")
    assert not row.clicked
    assert row.robots == ["clicked"]
    assert world.outcomes("cart") == ["open"]
    assert not events(world, "Email Link Clicked")
    [told] = events(world, "Email Link Clicked by Robot")
    assert told["robot"] == ["a program's user agent"]
    assert told["user_agent"] == "curl/8.5.0"
    assert "Email Link Clicked" not in world.person("ada").events
