"""A journey told in sentences, and what changed between two versions of it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.journeys import steps
from functions.journeys.difference import differences
from functions.journeys.telling import STEPS, Line, arms, step, tell
from functions.journeys.yaml_file import read
from functions.segments.sentence import sentence
from functions.segments.spoken import LANGUAGES, Language
from local.command_line import main
from tests.support.journeys import SHIPPED, raw_journeys

FEW = settings(max_examples=40)
languages = st.sampled_from(LANGUAGES)


ONBOARDING = """
title: Onboarding of a new basic licence
purpose: product tips
enter when: {event: Order Completed, where: {products.sku: basic-1y}}
once per: order_id
leave when:
  - {event: Order Completed, where: {products.sku: premium-1y}, as: upgraded}
  - {event: Order Refunded, same: order_id, as: refunded}
steps:
  - send: welcome
    purpose: transactional
  - wait: 5 days
  - send: guide
  - wait for: {clicked: [welcome, guide]}
    at most: 7 days
    then: [{start journey: upsell}]
    otherwise:
      - task: Call and ask whether everything works
        for: owner
        due: 2 working days
"""
RECOVERY = """
title: Three months without an order
purpose: offers
enter when: {event: Order Completed}
once per: occasion
leave when:
  - {event: Order Completed, as: bought again}
steps:
  - wait: 90 days
  - send: win-back
  - wait for: {opened: win-back}
    at most: 5 days
    otherwise:
      - if: {may get: sms, purpose: offers}
        then: [{send: come-back, by: sms}]
"""


def lines(line: Line, depth: int = 0) -> Iterator[str]:
    yield "  " * depth + line.text
    for below in line.below:
        yield from lines(below, depth + 1)


# --- one journey


def test_a_journey_reads_aloud_in_english() -> None:
    assert list(lines(tell(read("onboarding", ONBOARDING).value, "en"))) == [
        "Onboarding of a new basic licence",
        "  purpose: “product tips”",
        "  enters when: “Order Completed” (where products.sku is “basic-1y”) happens",
        "  enters: once for each order_id",
        "  leaves when:",
        "    “Order Completed” (where products.sku is “premium-1y”) happens (as “upgraded”)",
        "    “Order Refunded” (with the same order_id as at entry) happens (as “refunded”)",
        "  steps:",
        "    send “welcome”, for the purpose “transactional”",
        "    wait 5 days",
        "    send “guide”",
        "    wait until the person has clicked in “welcome” or “guide” (at most 7 days)",
        "      when it happens:",
        "        start the journey “upsell”",
        "      when the time runs out:",
        "        task for the owner: “Call and ask whether everything works”, due in "
        "2 working days",
    ]


def test_a_journey_reads_aloud_in_german() -> None:
    assert list(lines(tell(read("recovery", RECOVERY).value, "de"))) == [
        "Three months without an order",
        "  Zweck: „offers“",
        "  beginnt, wenn: „Order Completed“ geschieht",
        "  beginnt: jedes Mal",
        "  endet, wenn: „Order Completed“ geschieht (als „bought again“)",
        "  Schritte:",
        "    90 Tage warten",
        "    „win-back“ senden",
        "    warten auf: die Person hat „win-back“ geöffnet (höchstens 5 Tage)",
        "      wenn die Zeit abläuft:",
        "        wenn gilt: die Person darf SMS für den Zweck „offers“ bekommen",
        "          dann:",
        "            „come-back“ senden, per SMS",
    ]


@pytest.mark.parametrize(
    ("raw", "english", "german"),
    [
        (
            {"send only": "Monday to Friday 9:00 to 18:00"},
            "sends only: Monday to Friday 9:00 to 18:00",
            "sendet nur: Montag bis Freitag von 9:00 bis 18:00 Uhr",
        ),
        (
            {"send only": "9:00 to 20:00"},
            "sends only: 9:00 to 20:00",
            "sendet nur: von 9:00 bis 20:00 Uhr",
        ),
        (
            {"send only": "Saturday 10:00 to 14:00"},
            "sends only: Saturday 10:00 to 14:00",
            "sendet nur: Samstag von 10:00 bis 14:00 Uhr",
        ),
        (
            {"hold out": "12.5 percent"},
            "held out: 12.5 percent of the people, always the same; they get no message that "
            "needs consent",
            "Vergleichsgruppe: 12,5 Prozent der Personen, immer dieselben; sie bekommen nichts, "
            "was eine Einwilligung braucht",
        ),
    ],
)
def test_who_gets_messages_and_when_reads_aloud(raw: Any, english: str, german: str) -> None:
    journey = {"title": "A", **raw, "steps": [{"end": "b"}]}
    assert english in [line.text for line in tell(journey, "en").below]
    assert german in [line.text for line in tell(journey, "de").below]


def test_every_step_type_says_itself() -> None:
    assert set(steps.types()) <= set(STEPS)


@pytest.mark.parametrize(
    ("raw", "english", "german"),
    [
        ({"wait until": "Monday 9:00"}, "wait until Monday 9:00", "warten bis Montag 9:00 Uhr"),
        (
            {"wait until": "2027-01-31 9:00"},
            "wait until 31 January 2027 9:00",
            "warten bis zum 31. Januar 2027 9:00 Uhr",
        ),
        ({"wait until": "18:30"}, "wait until 18:30", "warten bis 18:30 Uhr"),
        (
            {"wait until": "working day"},
            "wait until working day",
            "warten bis zum nächsten Arbeitstag",
        ),
        (
            {"send": "a", "by": "sms", "skip after": "12 hours"},
            "send “a”, by text message, skipped after 12 hours",
            "„a“ senden, per SMS, entfällt nach: 12 Stunden",
        ),
        (
            {"wait until": "1 day before entry.licence_ends"},
            "wait until 1 day before entry.licence_ends",
            "warten bis 1 Tag vor entry.licence_ends",
        ),
        (
            {"split": "last call", "arms": {"plain": {"share": "45 percent"}}},
            "split by chance: “last call”",
            "nach Zufall teilen: „last call“",
        ),
        (
            {"task": "Call", "for": "sales", "due": "1 day", "name": "call"},
            "task for “sales”: “Call”, due in 1 day, called “call”",
            "Aufgabe für „sales“: „Call“, fällig in: 1 Tag, genannt „call“",
        ),
        (
            {"task": "Call", "for": "owner", "pause marketing": "until done"},
            "task for the owner: “Call”, marketing to the person is paused until that is done",
            "Aufgabe für den Zuständigen: „Call“, Werbung an die Person ruht, bis das erledigt ist",
        ),
        (
            {"task": "Call", "for": "owner", "pause marketing": "2 weeks"},
            "task for the owner: “Call”, marketing to the person is paused for 2 weeks",
            "Aufgabe für den Zuständigen: „Call“, Werbung an die Person ruht so lange: 2 Wochen",
        ),
        ({"finish task": "Call"}, "take the task “Call” back", "die Aufgabe „Call“ zurücknehmen"),
        (
            {"task": "Call", "for": "owner", "hand over": True},
            "task for the owner: “Call”, the person is handed over to sales",
            "Aufgabe für den Zuständigen: „Call“, die Person wird dem Vertrieb übergeben",
        ),
        (
            {"task": "Call", "for": "owner", "hand over": False},
            "task for the owner: “Call”",
            "Aufgabe für den Zuständigen: „Call“",
        ),
        (
            {"send": "a", "by": "best channel"},
            "send “a”, by the person's best channel",
            "„a“ senden, auf dem besten Weg für die Person",
        ),
        (
            {"send": "a", "best time": "within 24 hours"},
            "send “a”, in the person's best hour within 24 hours",
            "„a“ senden, zur besten Stunde der Person innerhalb von 24 Stunden",
        ),
        (
            {"stop journey": "upsell", "as": "won"},
            "stop the journey “upsell”, as “won”",
            "die Journey „upsell“ beenden, als „won“",
        ),
        (
            {"update": {"set": {"plan": "pro", "vip": True}, "add tag": "fan", "remove tag": "x"}},
            "change the person: plan becomes “pro”, vip becomes true, gets the tag “fan”, "
            "loses the tag “x”",
            "die Person ändern: plan wird „pro“, vip wird wahr, bekommt das Kennzeichen „fan“, "
            "verliert das Kennzeichen „x“",
        ),
        (
            {"update": {"add to score": 5}},
            "change the person: score +5",
            "die Person ändern: Punkte +5",
        ),
        (
            {"update": {"add to score": -2.5}},
            "change the person: score -2.5",
            "die Person ändern: Punkte -2,5",
        ),
        (
            {"wait": "4 hours", "after the last": {"event": ["A", "B"], "same": "cart_id"}},
            "wait 4 hours after the last “A” or “B” (with the same cart_id as at entry)",
            "warten, bis 4 Stunden seit dem letzten „A“ oder „B“ "
            "(mit dem gleichen Wert von cart_id wie beim Start) vergangen sind",
        ),
        (
            {"wait for first of": [{"event": "A"}], "at most": "2 days"},
            "wait for the first of these (at most 2 days)",
            "auf das Erste hiervon warten (höchstens 2 Tage)",
        ),
        (
            {"repeat": [{"send": "a"}], "times": 20},
            "repeat 20 times",
            "20-mal wiederholen",
        ),
        (
            {"repeat": [{"send": "a"}], "times": 1, "until": {"sent": "a"}, "name": "x"},
            "repeat up to once, until “a” was sent, called “x”",
            "höchstens einmal wiederholen, bis gilt: „a“ wurde gesendet, genannt „x“",
        ),
        ({"call webhook": "crm"}, "tell the system “crm”", "dem System „crm“ melden"),
        (
            {"call webhook": "crm", "with": {"plan": "pro", "a b": 3}},
            "tell the system “crm”: plan = “pro”, a b = 3",
            "dem System „crm“ melden: plan = „pro“, a b = 3",
        ),
    ],
)
def test_a_step_reads_aloud(raw: Any, english: str, german: str) -> None:
    assert (step(raw, "en"), step(raw, "de")) == (english, german)


def test_the_ways_of_a_step_say_when_they_are_taken() -> None:
    choose = {"choose": [{"if": {"sent": "a"}, "then": [{"end": "b"}]}], "otherwise": []}
    assert [arm.when for arm in arms(choose, "en")] == ["if “a” was sent", "otherwise"]
    split = {"split": "x", "arms": {"plain": {"share": "4.5 percent", "then": [{"end": "b"}]}}}
    assert [arm.when for arm in arms(split, "de")] == ["„plain“ (4,5 Prozent)"]
    first = {"wait for first of": [{"event": "A", "then": []}], "otherwise": [{"end": "b"}]}
    assert [arm.when for arm in arms(first, "en")] == ["“A” happens", "when the time runs out"]
    loop = {"repeat": [{"send": "a"}], "times": 2}
    assert [arm.when for arm in arms(loop, "en")] == ["each time"]
    call = {"call webhook": "crm", "if it fails": [{"end": "b"}]}
    assert [arm.when for arm in arms(call, "de")] == ["wenn das scheitert"]
    late = {"wait until": "2027-01-31", "otherwise": [{"end": "late"}]}
    assert [arm.when for arm in arms(late, "en")] == ["when that has passed already"]


def test_a_way_without_steps_is_shown_all_the_same() -> None:
    choose = {"choose": [{"if": {"sent": "a"}}, {"if": {"sent": "b"}, "then": [{"end": "c"}]}]}
    raw = {"title": "x", "purpose": "y", "once per": "person", "steps": [choose]}
    assert list(lines(tell(raw, "en")))[-4:] == [
        "    go the first way that is open",
        "      if “a” was sent:",
        "      if “b” was sent:",
        "        end as “c”",
    ]


def test_goal_entry_and_repetition_are_said() -> None:
    raw = {
        "title": "Cart",
        "purpose": "offers",
        "once per": "30 days",
        "only if": {"person": {"vip": True}},
        "goal": {"event": "Order Completed", "same": "cart_id", "within": "1 day", "stay": True},
        "steps": [{"send": "a"}],
    }
    assert list(lines(tell(raw, "en")))[2:6] == [
        "  enters when: nobody enters by an event; another journey starts it",
        "  enters: again after 30 days",
        "  only if: the person's vip is true",
        "  goal: “Order Completed” (with the same cart_id as at entry) happens "
        "(until 1 day after the last message; the person stays)",
    ]


def every_step(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in found:
        yield one
        for arm in arms(one, "en"):
            yield from every_step(arm.steps)


@given(raw_journeys(), languages)
@FEW
def test_any_journey_is_told_step_by_step_in_the_order_of_the_file(
    raw: dict[str, Any], language: Language
) -> None:
    told = [line.strip() for line in lines(tell(raw, language))]
    wanted = [step(one, language) for one in every_step(raw["steps"])]
    assert [line for line in told if line in wanted] == wanted


# --- two versions of one


def told(
    before: dict[str, Any], after: dict[str, Any], language: Language = "en", **texts: Any
) -> list[str]:
    """What changed in a journey; `texts` are files as (before, after)."""
    files = [{"journey.yaml": json.dumps(raw)} for raw in (before, after)]
    for name, versions in texts.items():
        for version, text in zip(files, versions, strict=True):
            if text is not None:
                version[name.replace("_", ".")] = text
    return differences({"cart": files[0]}, {"cart": files[1]}, language).get("cart", [])


def with_steps(*found: Any) -> dict[str, Any]:
    return {"title": "Any", "purpose": "offers", "once per": "person", "steps": list(found)}


A, B, C = {"send": "a"}, {"send": "b"}, {"wait": "5 days"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([A, C], [A, C, B], ["added: send “b” (after: wait 5 days)"]),
        ([A, C, B], [C, B], ["removed: send “a” (was at the beginning)"]),
        ([A, C, B], [A, {"wait": "6 days"}, B], ["changed: was wait 5 days; is now wait 6 days"]),
        (
            [A, B, C],
            [B, C, A],
            ["moved: send “a” (was at the beginning; is now after: wait 5 days)"],
        ),
        (
            [{"if": {"sent": "a"}, "then": [B]}],
            [{"if": {"opened": "a"}, "then": [B]}],
            ["changed: was if “a” was sent; is now if the person has opened “a”"],
        ),
        (
            [A, B],
            [A, {"if": {"sent": "a"}, "then": [B]}],
            [
                "moved: send “b” (was after: send “a”; is now first in: if “a” was sent, then)",
                "added: if “a” was sent (after: send “a”)",
            ],
        ),
        (
            [{"split": "x", "arms": {"p": {"share": "45 percent"}, "q": {"share": "55 percent"}}}],
            [{"split": "x", "arms": {"p": {"share": "40 percent"}, "q": {"share": "60 percent"}}}],
            [
                "changed: split by chance: “x”: the ways were “p” (45 percent); “q” (55 percent); "
                "are now “p” (40 percent); “q” (60 percent)"
            ],
        ),
        (
            [{"choose": [{"if": {"sent": "a"}, "then": [A]}]}],
            [{"choose": [{"if": {"sent": "b"}, "then": [A]}]}],
            [
                "changed: go the first way that is open: the ways were if “a” was sent; "
                "are now if “b” was sent"
            ],
        ),
        (
            [A, {"wait for": {"sent": "a"}, "at most": "7 days", "then": [B]}],
            [A, {"wait for": {"sent": "a"}, "at most": "9 days", "then": []}],
            [
                "changed: was wait until “a” was sent (at most 7 days); "
                "is now wait until “a” was sent (at most 9 days)",
                "removed: send “b” (was first in: wait until “a” was sent (at most 7 days), "
                "when it happens)",
            ],
        ),
    ],
)
def test_what_changed_in_the_steps_is_said(before: Any, after: Any, said: list[str]) -> None:
    assert told(with_steps(*before), with_steps(*after)) == said


def test_what_changed_beside_the_steps_is_said() -> None:
    before = with_steps(A) | {"enter when": {"event": "x"}, "only if": {"person": {"vip": True}}}
    before["leave when"] = [{"event": "y", "as": "done"}]
    after = with_steps(A) | {"title": "Other", "enter when": {"event": "z"}, "once per": "occasion"}
    after["leave when"] = [{"event": "y", "as": "gone"}]
    assert told(before, after) == [
        "title: was “Any”; is now “Other”",
        "enter when: was “x” happens; is now “z” happens",
        "once per: was once, never again; is now every time",
        "removed: only if: the person's vip is true",
        "removed: leave when: “y” happens (as “done”)",
        "added: leave when: “y” happens (as “gone”)",
    ]


def test_texts_are_compared_and_subjects_said() -> None:
    mail = "<mj-title>{}</mj-title> {}"
    same = with_steps(A)
    said = told(
        same,
        same,
        a_mjml=(mail.format("One", "x"), mail.format("Two", "x")),
        b_mjml=(mail.format("One", "x"), mail.format("One", "y")),
        c_sms=("x", None),
        d_sms=(None, "x"),
        e_sms=("x", "x"),
    )
    assert said == [
        "a.mjml: the subject was “One”; is now “Two”",
        "b.mjml: changed",
        "c.sms: gone",
        "d.sms: new",
    ]


def test_journeys_that_are_new_or_gone_are_said() -> None:
    files = {"journey.yaml": json.dumps(with_steps(A))}
    assert differences({"x": files, "z": files}, {"y": files, "z": files}, "en") == {
        "x": ["this journey is gone"],
        "y": ["this journey is new"],
    }


@given(raw_journeys(), raw_journeys(), languages)
@FEW
def test_a_difference_is_said_exactly_when_there_is_one(
    one: dict[str, Any], other: dict[str, Any], language: Language
) -> None:
    assert told(one, one, language) == []
    assert bool(told(one, other, language)) == (one != other)


@given(raw_journeys(), raw_journeys())
@FEW
def test_every_step_stays_or_is_removed_or_added(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    said = told(one, other)
    removed = sum(line.startswith("removed: ") for line in said)
    added = sum(line.startswith("added: ") for line in said)
    before, after = (len(list(every_step(raw["steps"]))) for raw in (one, other))
    assert before - removed + added == after


@given(raw_journeys(), st.data())
@FEW
def test_a_step_that_was_taken_out_is_all_that_was_removed(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(raw["steps"]) - 1))
    rest = [*raw["steps"][:place], *raw["steps"][place + 1 :]]
    out = list(every_step([raw["steps"][place]]))
    said = told(raw, {**raw, "steps": rest})
    assert len(said) == len(out)
    for one in out:
        assert any(line.startswith(f"removed: {step(one, 'en')} (was ") for line in said)


# --- the commands


def run(*words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status."""
    monkeypatch.setattr("sys.argv", ["tante", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "copy"))


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_show_prints_the_journey_in_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "onboarding", "--journeys", str(SHIPPED), monkeypatch=monkeypatch) == 0
    shown = capsys.readouterr().out
    wanted = sentence({"clicked": ["guide", "hacks"]}, "en")
    assert f"wait until {wanted} (at most 7 days)\n" in shown
    words = ["show", "recovery", "--journeys", str(SHIPPED), "--in", "de"]
    assert run(*words, monkeypatch=monkeypatch) == 0
    assert "└── „come-back“ senden, per SMS\n" in capsys.readouterr().out


def test_show_names_file_and_line_of_what_is_wrong(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_in(copy / "upsell" / "journey.yaml", "at most: 10 days", "at most: ten days")
    assert run("show", "upsell", "--journeys", str(copy), monkeypatch=monkeypatch) == 1
    assert "upsell/journey.yaml:13: 'ten days' does not fit" in capsys.readouterr().err
    assert run("show", "onboarding", "--journeys", str(copy), monkeypatch=monkeypatch) == 0


def test_show_says_which_journeys_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "onbording", "--journeys", str(SHIPPED), monkeypatch=monkeypatch) == 2
    assert "there are: onboarding, " in capsys.readouterr().err


def test_diff_ends_like_diff_does(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("diff", str(SHIPPED), str(copy), monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out == ""
    replace_in(copy / "onboarding" / "journey.yaml", "wait: 9 days", "wait: 8 days")
    replace_in(copy / "brand.yaml", "product tips", "tips and tricks")
    replace_in(copy / "onboarding" / "journey.yaml", "product tips", "tips and tricks")
    assert run("diff", str(SHIPPED), str(copy), monkeypatch=monkeypatch) == 1
    shown = capsys.readouterr().out
    assert "onboarding\n  purpose: was “product tips”; is now “tips and tricks”\n" in shown
    assert "  changed: was wait 9 days; is now wait 8 days\n" in shown
    assert shown.startswith("brand.yaml\n  ")
    (copy / "onboarding" / "journey.yaml").write_text("title: [", "utf-8")
    assert run("diff", str(SHIPPED), str(copy), monkeypatch=monkeypatch) == 2
    assert f"{copy}/onboarding/journey.yaml:2: not" in capsys.readouterr().err
