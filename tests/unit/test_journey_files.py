"""Reading and checking a journey's files: what is read how, and each mistake at its line."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.folder import check, read_folder
from functions.journeys.check import journey_schema, load
from functions.journeys.journey import Journey
from functions.journeys.steps import types
from functions.journeys.yaml_file import read
from functions.problem import Problem, Problems

SHIPPED = Path(__file__).parents[2] / "statemachines"
PURPOSES = {"transactional": False, "product tips": True, "offers": True, "customer care": True}
MESSAGES = [
    *("welcome.de.mjml", "guide.de.mjml", "hacks.de.mjml", "five-reasons.de.mjml"),
    *("come-back.de.sms", "both.de.mjml", "both.de.sms", "thank-you.de.mjml", "survey.de.mjml"),
    *("loyalty-news.de.mjml", "reminder.de.mjml", "last-call.de.mjml", "renewal.de.mjml"),
]
HEAD = "title: A journey\npurpose: offers\nonce per: person\n"  # steps begin on line 5


def journey(text: str, name: str = "cart") -> Journey:
    return load(name, {**dict.fromkeys(MESSAGES, ""), "journey.yaml": text}, PURPOSES)


def problems(text: str) -> list[str]:
    """What the checker says of this file."""
    try:
        journey(text)
    except Problems as found:
        return [str(problem) for problem in found.found]
    return []


def with_steps(steps: str) -> str:
    return f"{HEAD}steps:\n{steps}"


# --- YAML 1.2


def value(text: str) -> Any:
    return read("cart/journey.yaml", text).value


@pytest.mark.parametrize(
    "text",
    [
        *("18:00", "no", "No", "NO", "on", "off", "yes", "y", "2027-01-31", "0b1", "1_000", "<<"),
        *("2027-01-31T09:00:00Z", "190:20:30", ".inf", ".nan", "1,5", "0o8", "0xg", "+", "=", "1e"),
    ],
)
def test_dates_clock_times_and_words_that_older_tools_misread_stay_text(text: str) -> None:
    assert value(f"at: {text}") == {"at": text}
    assert value(f"- {text}") == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("5", 5),
        ("-7", -7),
        ("010", 10),
        ("0o10", 8),
        ("0xFF", 255),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("'5'", "5"),
        ('"true"', "true"),
        ('"a\\nb"', "a\nb"),
    ],
)
def test_the_core_schema_of_yaml_1_2_is_read(text: str, expected: Any) -> None:
    found = value(f"at: {text}")["at"]
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_texts_whatever_they_look_like() -> None:
    assert value("1: a\ntrue: b\n2027-01-31: c\n") == {"1": "a", "true": "b", "2027-01-31": "c"}


def test_every_value_knows_its_line() -> None:
    located = read("j", "a:\n  - b: 1\n    c:\n      - d\n  - e\n")
    assert located.line(("a",)) == 1
    assert located.line(("a", 0, "b")) == 2
    assert located.line(("a", 0, "c", 0)) == 4
    assert located.line(("a", 1)) == 5
    assert located.line(("a", 1, "nothing there")) == 5
    assert located.line(()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 'j:3: "a" stands here twice; keep one of them'),
        ("x:\n  - a: 1\n    a: 1\n", 'j:3: "a" stands here twice; keep one of them'),
        (
            "a: &x 1\nb: 2\n",
            "j:1: anchors and aliases (& and *) are not used here; write it out, or quote it",
        ),
        (
            "a: 2\nb: *x\n",
            "j:2: anchors and aliases (& and *) are not used here; write it out, or quote it",
        ),
        (
            "a: 1\nb: !!str 2\n",
            "j:2: tags (tag:yaml.org,2002:str) are not used here; quote a text that begins with !",
        ),
        ("b: !x 2\n", "j:1: tags (!x) are not used here; quote a text that begins with !"),
        (
            "a: 1\n---\nb: 2\n",
            "j:2: a second document (---) in one file; put it into a file of its own",
        ),
        ("a: 1\n{b: 2}: 3\n", "j:2: a key must be a plain word"),
        ("a: [1\n", "j:2: not readable as YAML: did not find expected ',' or ']'"),
        (
            "a: 1\n\tb: 2\n",
            "j:2: not readable as YAML: found a tab character that violates indentation",
        ),
        ("[" * 41 + "]" * 41, "j:1: nested more than 40 deep"),
        ("x" * 200_001, "j: longer than 200000 characters"),
    ],
)
def test_what_reads_differently_elsewhere_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(Problems) as refused:
        read("j", text)
    assert says in [str(problem) for problem in refused.value.found]


def test_a_number_of_thousands_of_digits_is_a_problem_and_no_crash() -> None:
    assert problems(f"{HEAD}x: {'1' * 5000}\nsteps: [{{send: welcome}}]\n")


def test_one_document_may_begin_with_three_hyphens() -> None:
    assert value("---\na: 1\n...\n") == {"a": 1}


@settings(max_examples=150)
@given(st.text(max_size=60) | st.text(alphabet="a:-[]{}&*!|>'\"#%@`\n 1?,~", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Problems):
        read("j", text)


# --- mistakes, each at its line

VERBS = (
    "call webhook, choose, end, finish task, if, repeat, send, split, start journey, stop journey, "
    "task, update, wait, wait for, wait for first of, wait until"
)
DURATION = (
    'does not fit: a duration is written like "30 minutes", "5 days", "1 month", "2 working days"'
)

WRONG: dict[str, tuple[str, list[str]]] = {
    "a misspelt key gets the right one": (
        "  - wait for: {clicked: welcome}\n    atmost: 3 days\n",
        [
            '5: "at most" is missing beside "wait for"',
            '6: "atmost" is unknown beside "wait for"; did you mean "at most"?',
        ],
    ),
    "a key of another step": (
        "  - send: welcome\n    due: 3 days\n",
        [
            '6: "due" is unknown beside "send"; here go: send, by, purpose, best time, '
            "skip after, if not sent, name"
        ],
    ),
    "a misspelt verb": ("  - sned: welcome\n", ['5: "sned" is not a step; did you mean "send"?']),
    "an unknown verb": ("  - jump: welcome\n", [f'5: "jump" is not a step; there are: {VERBS}']),
    "an empty step": ("  - {}\n", [f'5: "" is not a step; there are: {VERBS}']),
    "no verb": ("  - name: x\n", [f'5: "name" is not a step; there are: {VERBS}']),
    "two verbs": (
        "  - send: welcome\n    wait: 5 days\n",
        ["5: a step has exactly one verb; here are: send, wait"],
    ),
    "a step that is a text": (
        "  - send welcome\n",
        [f"5: a step is a mapping that starts with one of: {VERBS}"],
    ),
    "no message of that name": (
        "  - send: welcom\n",
        [
            '5: there is no message "welcom" in this folder (a file welcom.de.mjml or .sms); '
            'did you mean "welcome"?'
        ],
    ),
    "a message in another channel": (
        "  - send: welcome\n    by: sms\n",
        ['6: "welcome" exists only for: email'],
    ),
    "a message in two channels": (
        "  - send: both\n",
        ['5: "both" exists for several channels; say "by: email", "by: sms" or "by: best channel"'],
    ),
    "an unknown channel": (
        "  - send: both\n    by: fax\n",
        ["6: \"by\": 'fax' is not one of: best channel, email, sms"],
    ),
    "a name with capitals": (
        "  - start journey: Upsell\n",
        [
            "5: 'Upsell' does not fit: a name is written in small letters, digits and hyphens, "
            'like "welcome-back"'
        ],
    ),
    "an unknown purpose of a message": (
        "  - send: welcome\n    purpose: ofers\n",
        [
            '6: "ofers" is not a purpose in brand.yaml; there are: customer care, offers, '
            "product tips, transactional"
        ],
    ),
    "an unknown purpose in a condition": (
        "  - if: {may get: sms, purpose: ofers}\n    then: [{send: come-back}]\n",
        [
            '5: "ofers" is not a purpose in brand.yaml; there are: customer care, offers, '
            "product tips, transactional"
        ],
    ),
    "a bad duration": ("  - wait: 5 dayz\n", [f"5: '5 dayz' {DURATION}"]),
    "a duration with a line break": ("  - wait: |\n      5 days\n", [f"5: '5 days\\n' {DURATION}"]),
    "a number as a duration": ("  - wait: 5\n", ['5: "wait": 5 is not a text']),
    "a duration of a thousand years": (
        "  - wait: 1000 years\n",
        ["5: '1000 years' is longer than 30 years"],
    ),
    "a due date in a thousand years": (
        "  - task: Call\n    for: owner\n    due: 1000 years\n",
        ["7: '1000 years' is longer than 30 years"],
    ),
    "a skip after of a thousand years": (
        "  - send: welcome\n    skip after: 1000 years\n",
        ["6: '1000 years' is longer than 30 years"],
    ),
    "a best time of a month": (
        "  - send: welcome\n    best time: within 30 days\n",
        [
            "6: 'within 30 days' does not fit: a best time is written like "
            '"within 24 hours", of 2 to 99 hours or 1 to 7 days'
        ],
    ),
    "a patience of a thousand years": (
        "  - wait for: {event: X}\n    at most: 99999 days\n",
        ["6: '99999 days' is longer than 30 years"],
    ),
    "no at most": (
        "  - wait for: {event: X}\n",
        ['5: "at most" is missing beside "wait for"'],
    ),
    "an at most that is not exact": (
        "  - wait for: {event: X}\n    at most: 1 month\n",
        ["6: '1 month' is not exact; write days or weeks, like \"30 days\""],
    ),
    "nothing to wait for": ("  - wait for:\n    at most: 5 days\n", ['5: "wait for" is empty']),
    "nothing to ask": ("  - if:\n    then: [{send: welcome}]\n", ['5: "if" is empty']),
    "an unknown condition": (
        "  - if: {click: welcome}\n    then: [{end: a}]\n",
        [
            "5: a condition has exactly one of: person, account, entry, cart, did, sent, opened, "
            "clicked, bounced, may get, unconfirmed, in segment, in journey, left journey, "
            "all of, any of, none of; here: click"
        ],
    ),
    "a condition on a message that is not there": (
        "  - if: {opened: gide}\n    then: [{end: a}]\n",
        [
            '5: there is no message "gide" in this folder (a file gide.de.mjml or .sms); '
            'did you mean "guide"?'
        ],
    ),
    "a best channel where there is only one": (
        "  - send: welcome\n    by: best channel\n",
        ['6: "welcome" exists only for: email; "by: best channel" needs several'],
    ),
    "a pause that is none": (
        "  - task: Call\n    for: owner\n    pause marketing: for a while\n",
        ['7: \'for a while\' does not fit: a pause is "until done" or a duration, like "2 weeks"'],
    ),
    "a pause that is too long": (
        "  - task: Call\n    for: owner\n    pause marketing: 40 years\n",
        ["7: '40 years' is longer than 30 years"],
    ),
    "no team for a task": ("  - task: Call\n", ['5: "for" is missing beside "task"']),
    "an empty list of steps": (
        "  - if: {opened: welcome}\n    then: []\n",
        ['6: "then": must not be empty'],
    ),
    "a mistake deep in the arms": (
        "  - if: {opened: welcome}\n    then:\n      - wait for: {event: X}\n"
        "        at most: 1 day\n        otherwise:\n          - wait: 5\n",
        ['10: "wait": 5 is not a text'],
    ),
    "the same name twice": (
        "  - send: welcome\n  - wait: 1 day\n  - send: welcome\n",
        ['7: two steps are called "send welcome" (the other on line 5); give one of them a name:'],
    ),
    "the same name given twice": (
        "  - send: welcome\n    name: hello\n  - send: guide\n    name: hello\n",
        ['7: two steps are called "hello" (the other on line 5); give one of them a name:'],
    ),
    "a name that the compiler needs": (
        "  - send: welcome\n    name: left\n  - wait: 1 day\n  - send: guide\n",
        ['4: a state called "left" is made already; give the step of that name another name:'],
    ),
    "a name that is too long": (
        f"  - send: welcome\n    name: {'x' * 80}\n",
        [f'4: "hold {"x" * 80}" is longer than 80 characters; give the steps a shorter name:'],
    ),
    "steps after the end": (
        "  - end: a\n  - send: welcome\n",
        ["6: this step is never reached: the run has ended before"],
    ),
    "steps after arms that both end": (
        "  - if: {opened: welcome}\n    then: [{end: a}]\n    otherwise: [{end: b}]\n"
        "  - send: welcome\n",
        ["8: this step is never reached: the run has ended before"],
    ),
    "several at a time": (
        "  - sned: welcome\n  - wait: soon\n  - send: nothing\n",
        [
            '5: "sned" is not a step; did you mean "send"?',
            f"6: 'soon' {DURATION}",
            '7: there is no message "nothing" in this folder (a file nothing.de.mjml or .sms); '
            "there are: both, come-back, five-reasons, guide, hacks, last-call, loyalty-news, "
            "reminder, renewal, survey, thank-you, welcome",
        ],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_step_is_reported_at_its_line_with_what_is_right(case: str) -> None:
    steps, expected = WRONG[case]
    assert problems(with_steps(steps)) == [f"cart/journey.yaml:{line}" for line in expected]


STEPS = "steps: [{send: welcome}]\n"
WRONG_HEADS: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["1: a journey is a mapping with title, purpose, once per and steps"]),
    "a list": ("- a\n", ["1: a journey is a mapping with title, purpose, once per and steps"]),
    "sending hours that are none": (
        f"{HEAD}send only: at work\n{STEPS}",
        [
            "4: 'at work' does not fit: hours are written like \"Monday to Friday 9:00 to 18:00\", "
            '"Saturday 10:00 to 14:00" or "9:00 to 20:00"'
        ],
    ),
    "sending hours that end when they begin": (
        f"{HEAD}send only: 9:00 to 9:00\n{STEPS}",
        [
            "4: '9:00 to 9:00' begin and end at the same time; hours are written like \"Monday to "
            'Friday 9:00 to 18:00", "Saturday 10:00 to 14:00" or "9:00 to 20:00"'
        ],
    ),
    "a hold-out group that is no share": (
        f"{HEAD}hold out: 10%\n{STEPS}",
        [
            '4: \'10%\' does not fit: a share is written like "45 percent" or "33.33 percent", '
            "more than 0, at most 100"
        ],
    ),
    "words missing": (
        STEPS,
        ['1: "once per" is missing', '1: "purpose" is missing', '1: "title" is missing'],
    ),
    "no steps": (HEAD, ['1: "steps" is missing']),
    "steps empty": (f"{HEAD}steps: []\n", ['4: "steps": must not be empty']),
    "steps no list": (
        f"{HEAD}steps: {{send: welcome}}\n",
        ["4: \"steps\": {'send': 'welcome'} is not a list"],
    ),
    "a title that is a number": (
        f"title: 5\npurpose: offers\nonce per: person\n{STEPS}",
        ['1: "title": 5 is not a text'],
    ),
    "an empty title": (
        f"title: ''\npurpose: offers\nonce per: person\n{STEPS}",
        ['1: "title": must not be empty'],
    ),
    "an unknown purpose": (
        f"title: A\npurpose: ofers\nonce per: person\n{STEPS}",
        [
            '2: "ofers" is not a purpose in brand.yaml; there are: customer care, offers, '
            "product tips, transactional"
        ],
    ),
    "an unknown word": (
        f"{HEAD}enter whn: {{event: A}}\n{STEPS}",
        ['4: "enter whn" is unknown; did you mean "enter when"?'],
    ),
    "a duration misspelt in once per": (
        f"title: A\npurpose: offers\nonce per: 30 dayz\n{STEPS}",
        [
            "3: '30 dayz' is not a duration; a duration is written like "
            '"30 minutes", "5 days", "1 month", "2 working days"'
        ],
    ),
    "leave without as": (
        f"{HEAD}leave when:\n  - {{event: A}}\n  - {{event: B, as: b}}\n{STEPS}",
        ['5: "as" is missing: the name of the outcome'],
    ),
    "leave as a list": (
        f"{HEAD}leave when:\n  - {{event: A, as: [b]}}\n{STEPS}",
        ["5: \"as\" takes a text, the name of the outcome, not ['b']"],
    ),
    "leave as what is ours": (
        f"{HEAD}leave when:\n  - {{event: A, as: merged}}\n{STEPS}",
        ['5: "merged" is our own word, for a run that gave way to another of the same person'],
    ),
    "a task that nobody makes is finished": (
        f"{HEAD}steps:\n  - {{task: Call, for: owner}}\n  - finish task: Cal\n",
        ['6: no step here makes the task "Cal"; did you mean "Call"?'],
    ),
    "stop journey as what is ours": (
        f"{HEAD}steps:\n  - stop journey: other\n    as: merged\n",
        [
            '6: "merged" is our own word, for a run that gave way to another of the same '
            "person; choose another"
        ],
    ),
    "leave is no list": (
        f"{HEAD}leave when: {{event: A, as: b}}\n{STEPS}",
        ["4: is a list; begin each item with a hyphen"],
    ),
    "an empty item of leave": (f"{HEAD}leave when:\n  -\n{STEPS}", ["5: is empty"]),
    "an empty enter when": (f"{HEAD}enter when:\n{STEPS}", ['4: "enter when" is empty']),
    "an empty only if": (f"{HEAD}only if:\n{STEPS}", ['4: "only if" is empty']),
    "an empty goal": (f"{HEAD}goal:\n{STEPS}", ['4: "goal" is empty']),
    "enter when is a text": (
        f"{HEAD}enter when: Signed Up\n{STEPS}",
        ["4: 'Signed Up' is not a way in, which is written like {event: Signed Up}"],
    ),
    "a wrong test in where": (
        f"{HEAD}enter when: {{event: A, where: {{total: {{over: 5}}}}}}\n{STEPS}",
        [
            '4: total: "over" is not a test; use a value or one of: not, one of, none of, '
            "at least, at most, more than, less than, contains, starts with, before, after, "
            "in the last, in the next, known"
        ],
    ),
    "a goal within five": (
        f"{HEAD}goal: {{event: A, within: 5}}\n{STEPS}",
        [
            '4: 5 is not a duration; a duration is written like "30 minutes", "5 days", '
            '"1 month", "2 working days"'
        ],
    ),
    "a goal that stays maybe": (
        f"{HEAD}goal: {{event: A, stay: maybe}}\n{STEPS}",
        ['4: "stay" is true or false'],
    ),
    "a goal on a message that is not there": (
        f"{HEAD}goal: {{clicked: gide}}\n{STEPS}",
        [
            '4: there is no message "gide" in this folder (a file gide.de.mjml or .sms); '
            'did you mean "guide"?'
        ],
    ),
}


@pytest.mark.parametrize("case", WRONG_HEADS)
def test_a_wrong_head_is_reported_at_its_line_with_what_is_right(case: str) -> None:
    text, expected = WRONG_HEADS[case]
    assert problems(text) == [f"cart/journey.yaml:{line}" for line in expected]


def test_a_folder_without_a_journey_says_so() -> None:
    with pytest.raises(Problems) as refused:
        load("cart", {"welcome.de.mjml": ""}, PURPOSES)
    assert str(refused.value) == "cart/journey.yaml: is missing"


ONBOARDING = """\
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
  - wait: 9 days
  - send: hacks
  - wait for: {clicked: [guide, hacks]}
    at most: 7 days
    then: [{start journey: upsell}]
    otherwise:
      - task: Call and ask whether everything works
        for: owner
        due: 2 working days
"""


def test_the_onboarding_journey_of_the_grammar_is_right() -> None:
    found = journey(ONBOARDING, "onboarding")
    assert [step.name for step in found.every_step()] == [
        "send welcome",
        "wait 5 days after send welcome",
        "send guide",
        "wait 9 days after send guide",
        "send hacks",
        "wait for clicked guide or hacks",
        "start journey upsell",
        "task Call and ask whether everything works",
    ]
    assert found.allows_several_runs
    assert [outcome for outcome, _ in found.leave_when] == ["upgraded", "refunded"]


OTHER_JOURNEYS = {
    "upsell": (
        """\
title: Five good reasons for premium
purpose: offers
once per: person
goal: {event: Order Completed, where: {products.sku: premium-1y}, within: 30 days}
steps:
  - send: five-reasons
  - wait for: {clicked: five-reasons, link: premium}
    at most: 10 days
    then:
      - task: High interest in premium, please close the deal
        for: owner
        due: 1 working day
        pause marketing: until done
""",
        [],
    ),
    "loyalty": (
        """\
title: Thank you for upgrading
purpose: customer care
enter when: {event: Order Completed, where: {products.sku: premium-1y}}
once per: person
leave when: [{person: {stage: lost}, as: lost}]
steps:
  - update: {add tag: upgrader}
  - send: thank-you
  - wait: 1 month
  - send: survey
  - wait for: {event: Survey Answered, where: {score: {at most: 6}}}
    at most: 14 days
    then:
      - task: Unhappy after the upgrade, please call
        for: owner
  - repeat:
      - send: loyalty-news
      - wait: 3 months
    times: 20
""",
        [],
    ),
}


@pytest.mark.parametrize("name", OTHER_JOURNEYS)
def test_the_grammars_later_journeys_fail_only_for_what_is_not_built(name: str) -> None:
    text, expected = OTHER_JOURNEYS[name]
    found = problems(text)
    assert len(found) == len(expected)
    for problem, (line, word) in zip(found, expected, strict=True):
        assert problem.startswith(f"cart/journey.yaml:{line}: ")
        assert problem.endswith(f'"{word}" is not built yet')


# --- any value anywhere

words = st.sampled_from(
    [
        *("send", "wait", "wait for", "if", "task", "start journey", "end", "then", "otherwise"),
        *("if not sent", "at most", "by", "purpose", "name", "for", "due", "event", "where"),
        *("same", "clicked", "person", "did", "may get", "any of", "as", "within", "stay", "x"),
        *("title", "once per", "steps", "enter when", "only if", "leave when", "goal", "since"),
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["welcome", "both", "5 days", "1 month", "offers", "owner", "a", "", "sms"])
    | st.text(max_size=8)
)
json_like = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(words | st.text(max_size=4), below, max_size=3)
    ),
    max_leaves=6,
)
WHOLE: dict[str, Any] = {
    "title": "A",
    "purpose": "offers",
    "once per": "person",
    "enter when": {"event": "A", "where": {"x": 1}, "same": "x"},
    "only if": {"person": {"plan": {"at least": 1}}},
    "leave when": [{"event": "B", "as": "b"}],
    "goal": {"event": "C", "within": "5 days", "stay": True},
    "steps": [
        {"send": "both", "by": "sms", "purpose": "offers", "if not sent": [{"end": "no"}]},
        {"wait for": {"clicked": "both"}, "at most": "3 days", "then": [{"wait": "1 month"}]},
        {"if": {"any of": [{"did": "A", "times": 2}]}, "otherwise": [{"start journey": "x"}]},
        {"task": "Call", "for": "owner", "due": "1 day", "name": "call"},
    ],
}


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in the tree."""
    if not isinstance(tree, dict | list):
        return [path]
    below = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [path, *(one for key, item in below for one in places(item, (*path, key)))]


def put(tree: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The tree with `new` at the path."""
    if not path:
        return new
    first, *rest = path
    changed = put(tree[first], tuple(rest), new)
    if isinstance(tree, dict):
        return {**tree, first: changed}
    return [*tree[:first], changed, *tree[first + 1 :]]


def test_the_whole_journey_that_is_changed_below_is_right() -> None:
    assert problems(json.dumps(WHOLE)) == []


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(WHOLE)), json_like)
def test_any_value_in_any_place_is_right_or_a_problem_and_never_a_crash(
    path: tuple[Any, ...], new: Any
) -> None:
    text = json.dumps(put(WHOLE, path, new))
    for problem in problems(text):
        assert re.match(r"cart/journey\.yaml(:1)?: .", problem, re.DOTALL)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(json_like, json_like)
def test_any_file_is_right_or_a_problem_and_never_a_crash(steps: Any, rest: Any) -> None:
    problems(json.dumps({**WHOLE, "steps": steps}))
    problems(json.dumps(rest))
    problems(json.dumps({**WHOLE, "steps": [*WHOLE["steps"], rest]}))


# --- the schema


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = (SHIPPED / "journey.schema.json").read_text("utf-8")
    assert json.loads(committed) == journey_schema(), "write it again: tante schema > ..."
    assert committed == json.dumps(journey_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_is_one_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(journey_schema())


@pytest.mark.parametrize("name", ["onboarding", "upsell", "recovery"])
def test_a_shipped_journey_fits_the_committed_schema_and_points_to_it(name: str) -> None:
    text = (SHIPPED / name / "journey.yaml").read_text("utf-8")
    schema = json.loads((SHIPPED / "journey.schema.json").read_text("utf-8"))
    jsonschema.validate(value(text), schema, jsonschema.Draft202012Validator)
    assert text.startswith("# yaml-language-server: $schema=../journey.schema.json\n")


def test_the_schema_knows_every_verb() -> None:
    step = journey_schema()["$defs"]["step"]
    assert [one["required"][0] for one in step["oneOf"]] == list(types())
    assert len(step["allOf"]) == len(types())


def test_a_phrase_in_the_schema_shows_a_right_one() -> None:
    schema = json.dumps(journey_schema())
    assert schema.count('"patternErrorMessage"') == schema.count('"pattern"') > 0


# --- the folder


def test_the_shipped_folder_is_right() -> None:
    found = check(read_folder(SHIPPED))
    assert {one.journey.name for one in found} >= {"onboarding", "upsell", "recovery"}


def folder_with(tmp_path: Path, name: str, text: str) -> Path:
    """The shipped brand, and one journey that sends nothing."""
    (tmp_path / "brand.yaml").write_text((SHIPPED / "brand.yaml").read_text("utf-8"), "utf-8")
    (tmp_path / name).mkdir()
    (tmp_path / name / "journey.yaml").write_bytes(text.encode("cp1252"))
    return tmp_path


def problems_of_folder(folder: Path) -> list[Problem]:
    try:
        check(read_folder(folder))
    except Problems as found:
        return found.found
    return []


TASK = "  - task: Call\n    for: {0}\n"


@pytest.mark.parametrize("name", ["cart", "cart-2"])
def test_a_folder_is_called_like_a_message(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, name, with_steps(TASK.format("owner")))
    assert problems_of_folder(folder) == []


@pytest.mark.parametrize("name", ["brand", "Cart", "my cart", "warenkörbe", "c" * 61])
def test_a_folder_whose_name_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, name, with_steps(TASK.format("owner")))
    [problem] = problems_of_folder(folder)
    assert problem.file == f"{name}/journey.yaml"
    assert "cannot be the name of a journey" in problem.text


def test_a_task_for_somebody_who_is_in_neither_file_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "cart", with_steps(TASK.format("salse")))
    assert [str(problem) for problem in problems_of_folder(folder)] == [
        'cart/journey.yaml:6: "for: salse" is no team of brand.yaml and nobody in sales.yaml; '
        'did you mean "sales"?'
    ]


def test_a_task_may_be_for_a_colleague_of_sales_yaml_and_a_misspelt_one_is_told(
    tmp_path: Path,
) -> None:
    colleagues = "people: {anna: {name: Anna, email: anna@shop.example}}\n"
    folder = folder_with(tmp_path, "cart", with_steps(TASK.format("anna")))
    (folder / "sales.yaml").write_text(colleagues, "utf-8")
    assert problems_of_folder(folder) == []
    (folder / "cart" / "journey.yaml").write_text(with_steps(TASK.format("ana")), "utf-8")
    [problem] = problems_of_folder(folder)
    assert (problem.file, problem.line) == ("cart/journey.yaml", 6)
    assert 'did you mean "anna"?' in problem.text


def test_a_journey_that_starts_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "cart", with_steps("  - start journey: upsel\n"))
    assert [str(problem) for problem in problems_of_folder(folder)] == [
        'cart/journey.yaml:5: "start journey: upsel": there is no such folder; there are: cart'
    ]


def test_a_file_that_is_not_utf_8_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "cart", "title: Körbe\n")
    assert [str(problem) for problem in problems_of_folder(folder)] == [
        "cart/journey.yaml: is not written in UTF-8; save it as UTF-8"
    ]
