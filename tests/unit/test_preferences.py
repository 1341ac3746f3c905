"""The page where people choose: it shows what is so, and what they choose holds at once."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.handlers.pages import preferences
from functions.messages.link import sign
from functions.storage.packing import pack, unpack
from functions.tracking.permission import Permission, refusal
from functions.tracking.wishes import HOW_OFTEN, OWN_CHANNEL, Wishes, stricter_wishes
from tests.support.world import World

FORM = {"content-type": "application/x-www-form-urlencoded", "user-agent": "Firefox"}


class Form(HTMLParser):
    """What a browser would send: `open` are the boxes that can be ticked, `on` those that are."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        assert answer["statusCode"] == 200, answer
        self.on: list[tuple[str, str]] = []
        self.open: set[str] = set()
        self.words, self.language, self.tags = "", "", set[str]()
        self.labelled = 0
        self.feed(answer["body"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.labelled += tag == "label"
        self.language = values.get("lang") or self.language
        if tag != "input":
            return
        name, value = str(values["name"]), str(values["value"])
        if values["type"] == "hidden" or "checked" in values:
            self.on.append((name, value))
        if values["type"] == "checkbox" and "disabled" not in values:
            self.open.add(value)

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def topics(self) -> set[str]:
        return {value for name, value in self.on if name == "topic"}


class Reader:
    """Ada with the link of a mail, or of a text."""

    def __init__(self, world: World, channel: str = "email") -> None:
        self.world, self.channel = world, channel
        address = world.permission("ada").addresses[channel][:8]
        said = (world.person("ada").person, channel, address)
        token = sign("preferences", said, world.system.parts.settings.link_keys)
        self.path = f"/preferences/{token}"

    def look(self) -> Form:
        return Form(self.world.request("GET", self.path))

    def send(self, form: list[tuple[str, str]]) -> Form:
        answer = self.world.request("POST", self.path, urlencode(form), FORM)
        return Form(answer)

    def choose(self, *more: str, without: str = "", **chosen: str) -> Form:
        """Change some of what the form shows and send it."""
        before = self.look().on
        kept = [pair for pair in before if pair != ("topic", without) and pair[0] not in chosen]
        return self.send([*kept, *(("topic", one) for one in more), *chosen.items()])

    def may_get(self, channel: str, purpose: str) -> bool:
        return not refusal(self.world.permission("ada"), channel, purpose, True)


@pytest.fixture
def reader(world: World) -> Reader:
    world.customer("ada", consents=False, language="en")
    world.track("ada", "Consent Given", channel="email", purposes=["offers", "product tips"])
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    return Reader(world)


def test_the_page_shows_what_the_permission_says(reader: Reader) -> None:
    form = reader.look()
    assert form.topics == {"email/offers", "email/product tips", "sms/offers"}
    assert "News and offers" in form.words
    assert ("often", "any") in form.on
    assert ("pause", "none") in form.on


def test_looking_changes_nothing(reader: Reader) -> None:
    before = reader.world.permission("ada")
    for method in ("GET", "HEAD", "PUT"):
        reader.world.request(method, reader.path)
    assert reader.world.permission("ada") == before
    assert not reader.world.system.queue.size()


def test_what_is_unticked_is_withdrawn_at_once_and_nothing_else_is(reader: Reader) -> None:
    form = reader.choose(without="email/offers")
    assert form.topics == {"email/product tips", "sms/offers"}
    assert not reader.may_get("email", "offers")
    assert reader.may_get("email", "product tips")
    assert reader.may_get("sms", "offers")


def test_what_is_ticked_is_given_with_evidence(reader: Reader) -> None:
    reader.choose("email/customer care")
    assert reader.may_get("email", "customer care")
    reader.world.settle()
    person = reader.world.person("ada").person
    [event, *_] = reader.world.api(f"/api/people/{person}/timeline")["events"]
    assert (event["event"], event["source"]) == ("Consent Given", "preference page")
    said = event["properties"]
    assert said["purposes"] == ["customer care"]
    assert "Questions about how you are doing" in said["wording"]
    assert said["text"] == reader.world.permission("ada").consents["email/customer care"].text
    assert reader.may_get("email", "customer care"), "processed, it still holds"


def test_a_mail_s_link_proves_nothing_about_a_telephone(reader: Reader) -> None:
    """Consent to text messages needs a word from that very number."""
    form = reader.look()
    assert "sms/product tips" not in form.open
    assert "email/customer care" in form.open
    assert "sms/offers" in form.open, "who has agreed can always leave"
    reader.choose("sms/product tips")
    assert not reader.may_get("sms", "product tips")
    by_text = Reader(reader.world, "sms")
    by_text.choose("sms/product tips")
    assert reader.may_get("sms", "product tips")


def test_a_link_to_an_address_of_old_can_only_take_away(reader: Reader) -> None:
    reader.world.identify("ada", email="new@example.com")
    assert reader.look().open == {"email/offers", "email/product tips", "sms/offers"}
    reader.choose("email/customer care", without="email/offers")
    assert not reader.may_get("email", "customer care")
    assert not reader.may_get("email", "offers")


def test_a_form_that_was_open_meanwhile_brings_nothing_back(reader: Reader) -> None:
    old = reader.look().on
    reader.world.track("ada", "Consent Withdrawn", channel="email", purposes=["offers"])
    reader.world.advance("1 minute")
    reader.send(old)
    assert not reader.may_get("email", "offers")


def test_one_button_leaves_everything_on_every_way(reader: Reader) -> None:
    form = reader.send([*reader.look().on, ("leave", "all")])
    assert form.topics == set()
    for channel in ("email", "sms"):
        for purpose in ("offers", "product tips", "customer care"):
            assert not reader.may_get(channel, purpose)
    reader.world.advance("1 minute")
    reader.choose("email/offers")
    assert reader.may_get("email", "offers"), "and one can come back"


def test_who_can_be_reached_both_ways_says_which_they_like_best(reader: Reader) -> None:
    assert ("way", "any") in reader.look().on
    for way, kept in (("sms", "sms"), ("email", "email"), ("any", "")):
        form = reader.choose(way=way)
        assert ("way", way) in form.on
        assert "Saved" in form.words
        reader.world.settle()
        assert reader.world.person("ada").trait(OWN_CHANNEL) == kept
        assert ("way", way) in reader.look().on
        reader.world.advance("1 minute")


def test_the_way_that_is_liked_best_allows_nothing(reader: Reader) -> None:
    before = reader.world.permission("ada").consents
    reader.choose(way="sms")
    reader.world.settle()
    assert reader.world.permission("ada").consents == before
    assert not reader.may_get("sms", "product tips")


@pytest.mark.parametrize(
    "left", [{"channel": "sms", "purposes": ["offers"]}, {"channel": "sms"}, {"channel": "email"}]
)
def test_who_gets_nothing_on_one_way_is_not_asked_which(
    reader: Reader, left: dict[str, Any]
) -> None:
    reader.world.track("ada", "Consent Withdrawn", **left)
    reader.world.advance("1 minute")
    assert "way" not in {name for name, _ in reader.look().on}


@pytest.mark.parametrize("often", ["weekly", "monthly"])
def test_how_often_is_kept_as_the_person_s_own_wish(reader: Reader, often: str) -> None:
    form = reader.choose(often=often)
    assert ("often", often) in form.on
    wishes = reader.world.permission("ada").wishes
    assert wishes
    assert wishes.how_often == often
    reader.world.advance("1 minute")
    reader.choose(often="any")
    again = reader.world.permission("ada").wishes
    assert again
    assert again.how_often == ""


def test_a_pause_keeps_marketing_back_until_it_is_over(reader: Reader) -> None:
    world = reader.world
    world.order("ada", "o1", "basic-1y")
    reader.choose(pause="30")
    world.advance("6 days")
    assert world.sent("ada") == ["welcome"], "what belongs to the contract comes"
    row = next(one for one in world.messages("ada") if one.message == "guide")
    assert row.reason == "marketing is paused"
    form = reader.look()
    assert ("pause", "keep") in form.on
    assert "2027-03-31" in form.words
    world.advance("25 days")
    assert ("pause", "none") in reader.look().on


def test_a_pause_can_be_ended(reader: Reader) -> None:
    reader.choose(pause="90")
    reader.world.advance("1 minute")
    reader.choose(often="weekly")
    kept = reader.world.permission("ada").wishes
    assert kept
    assert kept.pauses_until(reader.world.now), "saying something else does not end it"
    reader.world.advance("1 minute")
    reader.choose(pause="none")
    ended = reader.world.permission("ada").wishes
    assert ended
    assert not ended.pauses_until(reader.world.now)


def test_sending_the_form_as_it_is_changes_nothing_and_says_so(reader: Reader) -> None:
    form = reader.send(reader.look().on)
    assert "Nothing has changed" in form.words
    assert not reader.world.system.queue.size()


def test_what_is_processed_again_later_changes_nothing_that_was_said_since(reader: Reader) -> None:
    world = reader.world
    reader.choose(often="monthly")
    world.settle()
    world.advance("1 hour")
    reader.choose(often="weekly")
    world.advance("1 day")
    wishes = world.permission("ada").wishes
    assert wishes
    assert wishes.how_often == "weekly"


@pytest.mark.parametrize("ending", ["", "x", "%00"])
def test_a_bad_link_changes_nothing(reader: Reader, ending: str) -> None:
    path = reader.path[:-1] + ending
    for method in ("GET", "POST"):
        assert reader.world.request(method, path, "leave=all", FORM)["statusCode"] == 404
    assert reader.may_get("email", "offers")


def test_of_somebody_who_is_gone_the_page_knows_nothing(world: World) -> None:
    token = sign("preferences", ("p" * 32, "email", "x"), world.system.parts.settings.link_keys)
    world.settle()
    answer = world.request("POST", f"/preferences/{token}", "leave=all", FORM)
    assert answer["statusCode"] == 404
    assert not world.system.queue.size()


@pytest.mark.parametrize(
    "form", ["topic=email/none&topic=x", "often=daily", "pause=1", "way=fax", "%ff=%fe"]
)
def test_nonsense_in_the_form_changes_nothing(reader: Reader, form: str) -> None:
    reader.world.request("POST", reader.path, form, FORM)
    assert not reader.world.system.queue.size()


def test_every_field_has_its_label_and_there_is_no_script(reader: Reader) -> None:
    form = reader.look()
    body = reader.world.request("GET", reader.path)["body"]
    visible = len(re.findall(r'<input type="(?:checkbox|radio)"', body))
    assert form.labelled == visible
    assert {"fieldset", "legend"} <= form.tags
    assert not form.tags & {"script", "img", "link", "iframe"}


def test_the_page_speaks_the_person_s_language(world: World) -> None:
    world.customer("ada", language="de")
    form = Reader(world).look()
    assert form.language == "de"
    assert "Was möchten Sie von uns bekommen?" in form.words
    assert "Neues und Angebote" in form.words


def test_every_language_of_the_page_has_the_same_words() -> None:
    assert len({frozenset(words) for words in preferences.WORDS.values()}) == 1


def test_the_page_to_leave_leads_to_it(world: World) -> None:
    world.customer("ada", language="en")
    world.order("ada", "o1", "basic-1y")
    world.advance("5 days")
    kept = next(kept for kept in world.outbox() if "List-Unsubscribe" in kept.headers)
    path = kept.headers["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    for method in ("GET", "POST"):
        body = world.request(method, path)["body"]
        [more] = re.findall(r'href="(/preferences/[^"]+)"', body)
        assert "email/customer care" in Form(world.request("GET", more)).open


TIMES = st.datetimes(datetime(2027, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WISHES = st.builds(Wishes, st.sampled_from(HOW_OFTEN), st.one_of(st.none(), TIMES), TIMES)


@given(WISHES, WISHES, TIMES)
def test_of_two_people_who_become_one_the_stricter_wishes_hold(
    one: Wishes, other: Wishes, now: datetime
) -> None:
    both = stricter_wishes(one, other)
    assert both
    assert both == stricter_wishes(other, one)
    for each in (one, other):
        assert HOW_OFTEN.index(both.how_often) >= HOW_OFTEN.index(each.how_often)
        assert both.pauses_until(now) or not each.pauses_until(now)
    assert stricter_wishes(None, one) == one


def test_wishes_are_kept_in_the_permission_item() -> None:
    wishes = Wishes("weekly", datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    item = pack(Permission(person="p", wishes=wishes))
    assert unpack(Permission, "p", item.body, 1).wishes == wishes
