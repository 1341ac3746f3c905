"""forms.yaml: what is wrong in it is told where it stands, and an answer is read or refused."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from functions.folder import check_brand
from functions.messages.confirming import check as check_messages
from functions.messages.confirming import mentions
from functions.messages.form_page import form as page
from functions.messages.forms import Wrong, allows, answers, build, chosen, mistakes
from tests.support.pack import JOURNEYS

BRAND = check_brand((JOURNEYS / "brand.yaml").read_text("utf-8"))
RIGHT = """
news:
  purposes: [offers, product tips]
  channels: [email, sms]
  fields: {email: {required: true}, phone: {}, city: {label: {de: Ort, en: Town}}}
  text: {de: Ja bitte., en: Yes please.}
"""
NEWS = build(yaml.safe_load(RIGHT))["news"]


def test_the_example_is_right() -> None:
    assert list(mistakes(yaml.safe_load(RIGHT), BRAND)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "path", "words"),
    [
        ("[offers, product tips]", "[ofers]", ("news", "purposes", 0), '"ofers" is not a purpose'),
        ("offers, ", "transactional, ", ("news", "purposes", 0), "needs consent"),
        ("[offers, product tips]", "[]", ("news", "purposes"), "names no purpose"),
        (", en: Yes please.", "", ("news", "text"), "missing in en"),
        (", phone: {}", "", ("news", "fields"), 'a form for sms needs the field "phone"'),
        ("required: true", "required: false", ("news", "fields"), "email or phone has to be"),
        ("city:", "website:", ("news", "fields", "website"), "cannot be the name of a field"),
        ("channels:", "chanels:", ("news", "chanels"), 'did you mean "channels"?'),
        ("  text:", "  incentive: guide\n  text:", ("news", "incentive"), 'under "assets"'),
        ("[email, sms]", "[fax]", ("news", "channels"), "fax"),
        ("news:", "News:", ("News",), "small letters"),
        ("  text:", "  thanks: shop.example\n  text:", ("news", "thanks"), "https://"),
        (
            "  text:",
            "  origins: [https://a.example/x]\n  text:",
            ("news", "origins", 0),
            "without anything behind it",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands_with_what_is_right(
    right: str, wrong: str, path: tuple[str | int, ...], words: str
) -> None:
    assert right in RIGHT
    found = list(mistakes(yaml.safe_load(RIGHT.replace(right, wrong)), BRAND))
    assert [one[0] for one in found] == [path]
    assert words in found[0][1]


def test_an_incentive_is_one_of_the_brand_s_assets() -> None:
    brand = check_brand(
        (JOURNEYS / "brand.yaml").read_text("utf-8")
        + "\nassets: {guide: 'https://a.example/g.pdf'}"
    )
    right = yaml.safe_load(RIGHT.replace("  text:", "  incentive: guide\n  text:"))
    assert list(mistakes(right, brand)) == []
    right["news"]["incentive"] = "giude"
    [(path, words)] = mistakes(right, brand)
    assert path == ("news", "incentive")
    assert 'did you mean "guide"?' in words


@given(
    st.dictionaries(
        st.sampled_from(["email", "phone", "city", "purpose", "x"]),
        st.lists(st.text(max_size=250), max_size=3),
    )
)
def test_whatever_is_sent_is_taken_whole_or_refused_with_its_field(
    sent: dict[str, list[str]],
) -> None:
    found, refused = {}, ""
    try:
        found = answers(NEWS, sent)
    except Wrong as wrong:
        refused = wrong.field
    assert refused in NEWS.fields or found["email"]
    assert all(value.isprintable() and len(value) <= 254 for value in found.values())
    html = page(NEWS, "en", dict.fromkeys(NEWS.purposes, "T"), sent)
    assert html.count("<input") == len(NEWS.fields) + len(NEWS.purposes) + 2


def test_nobody_agrees_to_what_they_did_not_tick() -> None:
    assert chosen(NEWS, {"purpose": ["offers", "transactional"]}) == ["offers"]
    with pytest.raises(Wrong):
        chosen(NEWS, {"purpose": ["transactional"]})
    assert "checked" not in page(NEWS, "en", dict.fromkeys(NEWS.purposes, "T"), {})


def test_another_wording_is_another_version() -> None:
    other = build(yaml.safe_load(RIGHT.replace("Yes please.", "Oh yes.")))["news"]
    assert NEWS.version("en") != other.version("en")
    assert NEWS.version("de") == other.version("de")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("", True),
        ("https://tante.example", True),
        ("https://www.a.example", True),
        ("https://www.a.example.evil.example", False),
        ("http://www.a.example", False),
        ("https://evil.example/https://www.a.example", False),
    ],
)
def test_a_form_is_taken_from_the_named_websites_only(origin: str, allowed: bool) -> None:
    form = build(yaml.safe_load(RIGHT + "  origins: [https://www.a.example]\n"))["news"]
    assert allows(form, origin, "https://tante.example/x") == allowed


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("{{ confirm }}", True),
        ("{{confirm}}", True),
        ("{% if confirm %}x{% endif %}", True),
        ("{{ links.confirm }}", False),
        ("{{ 'confirm' }}", False),
        ("please confirm", False),
        ("{{ confirmed }}", False),
    ],
)
def test_the_link_is_found_where_a_template_shows_it(text: str, mentioned: bool) -> None:
    assert mentions(text) == mentioned


@pytest.mark.parametrize(
    ("enters_by", "free", "words"),
    [
        (("Consent Requested",), True, ""),
        (("Order Completed",), True, 'enter by "Consent Requested"'),
        ((), True, 'enter by "Consent Requested"'),
        (("Consent Requested",), False, "needs consent, which nobody has given then"),
    ],
)
def test_a_confirmation_is_asked_only_where_somebody_signed_up_and_without_advertising(
    enters_by: tuple[str, ...], free: bool, words: str
) -> None:
    found = list(check_messages("j", {"m.en.sms": "\n{{ confirm }}"}, enters_by, free))
    assert bool(found) == bool(words)
    if words:
        assert (found[0].file, found[0].line) == ("j/m.en.sms", 2)
        assert words in found[0].text
