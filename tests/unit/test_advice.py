"""Each rule of good mails tells a bad one, at its line, and leaves a good one alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from functions.folder import check, read_folder, warnings
from functions.messages import advice
from functions.messages.advice import RULES, contrast, no_way_out
from functions.messages.template import compile_file
from functions.messages.written import Mail, mail
from tests.support.world import JOURNEYS

FOOT = '<a href="{{ unsubscribe }}">Abmelden</a> <a href="{{ links.imprint }}">Impressum</a>'
GOOD = "Guten Tag, wir haben heute etwas für Sie: eine Schürze, von Hand genäht, aus Leinen."


def written(
    body: str = "",
    subject: str = "Ihre neue Schürze",
    head: str = "<mj-preview>Sie ist da</mj-preview>",
    top: str = '<mjml lang="de">',
    foot: str = FOOT,
    text: str | None = None,
    parts: Mapping[str, str] | None = None,
    say: str = GOOD,
) -> Mail:
    source = (
        f"{top}\n<mj-head>\n<mj-title>{subject}</mj-title>\n{head}\n</mj-head>\n<mj-body>\n"
        f"<mj-section><mj-column><mj-text>{say}</mj-text>\n{body}\n"
        f"<mj-text>{foot}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    there = parts or {}
    files = {**compile_file("new.de.mjml", source, there), "new.de.mjml": source}
    if text is not None:
        files["new.de.txt"] = text
    return mail("shop/new.de.mjml", files, there, needs_consent=True)


BODY = 8  # the line on which `body` stands
RED = '<mj-text color="#999999" container-background-color="#FFFFFF">blass</mj-text>'
DARK = '<mj-text color="#333333" container-background-color="#FFFFFF">gut</mj-text>'
PALE_TITLE = RED.replace("<mj-text", '<mj-text font-size="24px"').replace("#999999", "#888888")
PICTURE = '<mj-image src="https://x.example/a.png" />'
LINK = '<a href="{}">{}</a>'
IN_TEXT = f"<mj-text>{LINK}</mj-text>"
UTM = "https://x.example/?utm_source=a&amp;utm_medium=b"
# rule, bad, good, its line in the bad one
CASES: list[tuple[Callable[[Mail], advice.Found], Mail, Mail, int]] = [
    (no_way_out, written(foot="{{ brand.imprint }}"), written(), 1),
    (advice.no_imprint, written(foot="Tschüss"), written(foot="{{ brand.imprint }}"), 1),
    (advice.no_language, written(top="<mjml>"), written(), 1),
    (advice.no_language, written(top='<mjml lang="en">'), written(top='<mjml lang="de-AT">'), 1),
    (advice.no_preheader, written(head=""), written(), 2),
    (advice.no_preheader, written(head=f"<mj-preview>{'ja ' * 50}</mj-preview>"), written(), 4),
    (advice.no_preheader, written(head="<mj-preview>Ihre neue Schürze</mj-preview>"), written(), 4),
    (advice.long_subject, written(subject="sehr " * 15), written(subject="kurz"), 3),
    (
        advice.long_subject,
        written(subject="Wort " * 13 + "{{ person.name }}"),
        written(subject="{% if a %}" + "Wort " * 8 + "{% else %}" + "Wort " * 8 + "{% endif %}"),
        3,
    ),
    (advice.loud_subject, written(subject="GROSSE FREUDE"), written(subject="Ihre USt-IdNr."), 3),
    (advice.loud_subject, written(subject="Da! Nur heute!"), written(subject="Da!"), 3),
    (
        advice.spam_words,
        written(subject="Gewinnen Sie: kostenlos und garantiert"),
        written(subject="Kostenlos"),
        1,
    ),
    (advice.spam_words, written(say="You have won, dear friend"), written(say="You won't"), 1),
    (advice.empty_text, written(text=" \n{{ unsubscribe }}"), written(text="Guten Tag"), 1),
    (advice.only_images, written(PICTURE, say="", foot="Bild"), written(PICTURE), 1),
    (advice.too_large, written(say="Wort " * 30_000), written(), 1),
    (advice.no_alt, written(PICTURE), written(PICTURE.replace("/>", 'alt="" />')), BODY),
    (advice.low_contrast, written(RED), written(DARK), BODY),
    (advice.low_contrast, written(RED), written(PALE_TITLE), BODY),
    (
        advice.low_contrast,
        written('<mj-text><span style="color:#fff;background-color: #ff0">x</span></mj-text>'),
        written('<mj-text><span style="color:#fff">x</span></mj-text>'),
        BODY,
    ),
    (
        advice.empty_links,
        written(IN_TEXT.format("https://x.example", "Hier klicken »")),
        written(IN_TEXT.format("https://x.example", "Zum Laden")),
        BODY,
    ),
    (
        advice.empty_links,
        written('<mj-button href="https://x.example">Click here</mj-button>'),
        written('<mj-button href="https://x.example">Open the shop</mj-button>'),
        BODY,
    ),
    (
        advice.insecure_links,
        written(IN_TEXT.format("http://x.example", "Laden")),
        written(IN_TEXT.format("https://x.example", "Laden")),
        BODY,
    ),
    (
        advice.half_utm,
        written(IN_TEXT.format(UTM, "Laden")),
        written(IN_TEXT.format(f"{UTM}&amp;utm_campaign=c", "Laden")),
        BODY,
    ),
    *(
        (
            advice.foreign_tags,
            written(f"<mj-text>{bad}</mj-text>"),
            written("<mj-text>{{ a.b }}</mj-text>"),
            BODY,
        )
        for bad in ("*|FNAME|*", "%%first name%%", "[[name]]", "{person.name}", "{ name }}")
    ),
]


@pytest.mark.parametrize(("rule", "bad", "good", "line"), CASES)
def test_a_rule_tells_the_bad_mail_at_its_line_and_not_the_good_one(
    rule: Callable[[Mail], advice.Found], bad: Mail, good: Mail, line: int
) -> None:
    assert [(file, at) for file, at, _ in rule(bad)] == [("shop/new.de.mjml", line)]
    assert not list(rule(good))


def test_every_rule_has_a_good_and_a_bad_example() -> None:
    assert {rule for rule, *_ in CASES} == {no_way_out, *RULES}


def test_a_good_mail_gets_no_advice() -> None:
    assert not advice.warnings(written())


def test_what_is_wrong_in_a_part_is_told_at_the_part_s_line() -> None:
    parts = {"../parts/picture.mjml": f"\n\n{PICTURE}"}
    found = advice.warnings(written('<mj-include path="../parts/picture.mjml" />', parts=parts))
    assert [(one.file, one.line) for one in found] == [("parts/picture.mjml", 3)]


def test_who_needs_no_consent_needs_no_way_out() -> None:
    bad = written(foot="x")
    assert list(no_way_out(bad))
    without = Mail(*(getattr(bad, n) for n in Mail.__match_args__[:-1]), needs_consent=False)
    assert not list(no_way_out(without))


@pytest.mark.parametrize(
    ("front", "back", "ratio"),
    [("#000", "#ffffff", 21.0), ("#777777", "#FFFFFF", 4.48), ("#abc", "#aabbcc", 1.0)],
)
def test_contrast_is_that_of_wcag(front: str, back: str, ratio: float) -> None:
    assert contrast(front, back) == pytest.approx(ratio, abs=0.01)
    assert contrast(back, front) == contrast(front, back)


def test_no_advice_is_needed_for_the_mails_that_are_shipped() -> None:
    folder = read_folder(Path(JOURNEYS))
    assert not warnings(folder, check(folder))
