"""Why (not)? What was decided at each step of a run is told, with what was known then."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import wiring
from functions.journeys.run import Decision
from tests.support.world import JOURNEYS, World

MAIL = (JOURNEYS / "upsell" / "five-reasons.en.mjml").read_text("utf-8")
HEAD = "title: A\npurpose: offers\nonce per: occasion\n"
Begin = Callable[..., World]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Makes a Tante with a journey `try` of these steps, and perhaps others (name: the rest of the
    file); its messages are copies of one."""

    def begin(
        steps: str,
        rules: str = "",
        messages: str = "hello",
        enter: str = "{event: Begun}",
        **others: str,
    ) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        (folder / "try").mkdir()
        way_in = f"enter when: {enter}\n" if enter else ""
        (folder / "try" / "journey.yaml").write_text(
            f"{HEAD}{way_in}{rules}steps:\n{steps}", "utf-8"
        )
        for name, text in others.items():
            (folder / name).mkdir()
            (folder / name / "journey.yaml").write_text(HEAD + text, "utf-8")
        for message in messages.split():
            for language in ("de", "en"):
                (folder / "try" / f"{message}.{language}.mjml").write_text(MAIL, "utf-8")
        world = World(tmp_path / "data", folder)
        world.settle()
        return world

    yield begin
    wiring.use(None)


def why(world: World, user: str = "ada", **query: str) -> Any:
    return world.api(f"/api/people/{world.person(user).person}/journeys/try/why", **query)


def came(world: World, **query: str) -> list[str]:
    [run] = why(world, **query)["runs"]
    return [station["came"] for station in run["stations"]]


BRANCH = "  - if: {person: {plan: pro}}\n    then: [{wait: 1 day}]\n  - wait: 2 days\n"


def test_a_branch_is_told_with_the_values_of_that_moment(begin: Begin) -> None:
    world = begin(BRANCH)
    world.identify("ada", plan="pro")
    world.track("ada", "Begun")
    world.advance("1 hour")
    world.identify("ada", plan="free")
    [run] = why(world)["runs"]
    first = run["stations"][0]
    assert first["says"] == "if the person's plan is “pro”"
    assert first["came"] == "true"
    assert first["asked"] == [
        {"sentence": "the person's plan is “pro”", "holds": True, "used": ["plan is “pro”"]}
    ]
    assert run["stations"][1]["came"] == "waits until 2 March 2027 at 10:00 UTC+01:00"
    assert run["began"] == "entered by “Begun”"


def test_it_is_told_in_german_as_well(begin: Begin) -> None:
    world = begin(BRANCH)
    world.identify("ada", plan="pro")
    world.track("ada", "Begun")
    [run] = why(world, **{"in": "de"})["runs"]
    assert run["began"] == "begonnen durch „Begun“"
    assert run["stations"][0]["asked"][0]["used"] == ["plan ist „pro“"]
    assert run["stations"][1]["came"].startswith("wartet bis 2. März 2027")


def test_a_false_branch_goes_on_below(begin: Begin) -> None:
    world = begin(BRANCH)
    world.identify("ada", plan="free")
    world.track("ada", "Begun")
    assert came(world) == ["none was true", "waits until 3 March 2027 at 10:00 UTC+01:00"]


def test_the_first_true_way_of_a_choice_is_told_with_those_asked_before(begin: Begin) -> None:
    steps = (
        "  - choose:\n"
        "      - if: {person: {plan: pro}}\n        then: [{end: pro}]\n"
        "      - if: {entry: {amount: {at least: 100}}}\n        then: [{end: large}]\n"
        "      - if: {entry: {amount: 1}}\n        then: [{end: one}]\n"
    )
    world = begin(steps)
    world.identify("ada", plan="free")
    world.track("ada", "Begun", amount=500)
    [run] = why(world)["runs"]
    [choice, end] = run["stations"]
    assert choice["came"] == "way number 2"
    assert [told["holds"] for told in choice["asked"]] == [False, True]
    assert end["says"] == "end as “large”"
    assert (run["outcome"], run["end"]) == ("large", "ended as “large”")


ASKS = "  - if: {did: Paid}\n    then: [{end: paid}]\n  - wait: 2 days\n"


def test_a_decision_from_which_nothing_followed_is_told_again_as_it_was_then(begin: Begin) -> None:
    world = begin(ASKS)
    world.identify("ada")
    world.track("ada", "Begun")
    world.advance("1 hour")
    world.track("ada", "Paid")
    assert not list(world.store.query(Decision, world.person("ada").person))
    [run] = why(world)["runs"]
    first, wait = run["stations"]
    assert first["came"] == "nothing followed from it (told from what is stored now)"
    assert [told["holds"] for told in first["asked"]] == [False]
    assert wait["came"].startswith("waits until 3 March 2027")


def test_a_decision_that_led_somewhere_is_written_down_once(begin: Begin) -> None:
    world = begin(ASKS)
    world.track("ada", "Paid")
    world.track("ada", "Begun")
    [noted] = world.store.query(Decision, world.person("ada").person)
    assert (noted.step, noted.arm) == ("if did Paid", "then")


MAILS = (
    "  - send: hello\n"
    "    if not sent: [{task: Write a letter, for: care}]\n"
    "  - wait for: {clicked: hello}\n"
    "    at most: 2 days\n"
    "    then: [{end: keen}]\n"
    "  - wait: 1 day\n"
)


def test_what_came_of_a_message_and_what_ended_a_wait_is_told(begin: Begin) -> None:
    world = begin(MAILS)
    world.customer("ada")
    world.track("ada", "Begun")
    assert came(world)[1] == "waits until 3 March 2027 at 10:00 UTC+01:00"
    world.advance("1 hour")
    [mail] = world.outbox()
    world.click(mail, "premium")
    sent, waited, end = came(world)
    assert sent.startswith("sent; ")
    assert "clicked “premium” 1 March 2027 at 11:00" in sent
    assert waited == "it happened: “hello”, 1 March 2027 at 11:00 UTC+01:00"
    assert end == "done"


def test_a_wait_whose_time_ran_out_is_told_so(begin: Begin) -> None:
    world = begin(MAILS)
    world.customer("ada")
    world.track("ada", "Begun")
    world.advance("50 hours")
    assert came(world)[1:] == [
        "the time ran out, 3 March 2027 at 10:00 UTC+01:00",
        "waits until 4 March 2027 at 10:00 UTC+01:00",
    ]


def test_an_unsent_message_is_told_with_its_reason_and_what_was_done_instead(begin: Begin) -> None:
    world = begin(MAILS)
    world.customer("ada", consents=False)
    world.track("ada", "Begun")
    assert came(world)[:3] == [
        "not sent: no consent",
        "given to “care”, open",
        "did not wait: none of those messages was sent",
    ]


def test_an_exit_is_told_with_its_rule_and_nothing_after_it(begin: Begin) -> None:
    world = begin(MAILS, "leave when: [{event: Order Completed, as: bought}]\n")
    world.customer("ada")
    world.track("ada", "Begun")
    world.advance("1 day")
    world.order("ada", "o-1")
    [run] = why(world)["runs"]
    assert [station["step"] for station in run["stations"]] == [
        "send hello",
        "wait for clicked hello",
    ]
    assert run["stations"][1]["came"] == "would have waited until 3 March 2027 at 10:00 UTC+01:00"
    assert run["end"] == "left as “bought”, because “Order Completed” happens"


def test_the_arm_of_a_split_is_told(begin: Begin) -> None:
    steps = (
        "  - split: last call\n    arms:\n"
        "      all: {share: 99.99 percent, then: [{wait: 1 day}]}\n"
        "      none: {share: 0.01 percent}\n"
    )
    world = begin(steps)
    world.identify("ada")
    world.track("ada", "Begun")
    assert came(world)[0] == "by chance “all”"


# --- why not


def missing(world: World, user: str = "ada") -> list[str]:
    answer = why(world, user)
    assert answer["runs"] == []
    found: list[str] = answer["missing"]["reasons"]
    return found


def test_who_never_did_what_lets_in_is_told_so(begin: Begin) -> None:
    world = begin(BRANCH)
    world.identify("ada")
    assert missing(world) == ["this has not happened: “Begun” happens"]


def test_a_rule_at_the_entry_that_fails_is_told_with_its_values(begin: Begin) -> None:
    world = begin(BRANCH, "only if: {person: {plan: pro}}\n")
    world.identify("ada", plan="free")
    world.track("ada", "Begun")
    assert missing(world) == [
        "the rule at the entry is not fulfilled now: the person's plan is “pro”"
    ]
    assert why(world)["missing"]["asked"][0]["used"] == ["plan is “free”"]


STAY = "  - wait: 9 days\n"
PRO = "{person: {plan: pro}}"


def test_a_condition_that_is_not_true_is_told_with_its_values_and_one_that_was_true_before_too(
    begin: Begin,
) -> None:
    world = begin(STAY, "only if: {did: Paid}\n", enter=PRO)
    world.identify("ada", plan="free")
    assert missing(world) == [
        "this is not true now: the person's plan is “pro”",
        "the rule at the entry is not fulfilled now: the person has done “Paid”",
    ]
    [plan, _] = why(world)["missing"]["asked"]
    assert (plan["holds"], plan["used"]) == (False, ["plan is “free”"])
    world.advance("1 minute")
    world.identify("ada", plan="pro")
    world.track("ada", "Paid")
    assert missing(world) == [
        "this is true, but was so before the person could enter: the person's plan is “pro”"
    ]


@pytest.mark.parametrize(
    ("word", "phrase", "time", "german"),
    [
        (
            "date",
            "3 days before person.trial_ends 8:00",
            "7 March 2027 at 08:00 UTC-05:00",
            "7. März 2027 um 08:00 UTC-05:00: 3 Tage vor person.trial_ends 8:00 Uhr",
        ),
        (
            "every",
            "Monday 9:00",
            "8 March 2027 at 09:00 UTC-05:00",
            "8. März 2027 um 09:00 UTC-05:00: an jedem Montag 9:00 Uhr",
        ),
    ],
)
def test_the_next_time_is_told_by_the_clock_where_the_person_is(
    begin: Begin, word: str, phrase: str, time: str, german: str
) -> None:
    world = begin(STAY, enter=f"{{{word}: {phrase}}}")
    world.advance("12 hours")
    world.identify("ada", trial_ends="2027-03-10", timezone="America/New_York")
    assert missing(world) == [f"the next time is {time}: {phrase}"]
    [said] = why(world, **{"in": "de"})["missing"]["reasons"]
    assert said == f"der nächste Zeitpunkt ist {german}"


@pytest.mark.parametrize("word", ["date", "every"])
def test_who_has_no_such_date_is_told_so(begin: Begin, word: str) -> None:
    world = begin(STAY, enter=f"{{{word}: person.birthday 9:00}}")
    world.identify("ada")
    assert missing(world) == ["the person has no such date: person.birthday 9:00"]


def test_a_date_that_has_passed_is_told(begin: Begin) -> None:
    world = begin(STAY, enter="{date: person.trial_ends}")
    world.identify("ada", trial_ends="2026-12-01")
    [said] = missing(world)
    assert said.startswith("the time was 1 December 2026 at 09:00 UTC+01:00, and had passed")


def test_a_share_a_group_and_a_pause_are_told_each(begin: Begin) -> None:
    other = "enter when: {event: Begun}\ngroup: offers\npriority: 1\nsteps: [{wait: 9 days}]\n"
    rules = "limit: {share: 0.01 percent}\ngroup: offers\npriority: 1\n"
    world = begin(STAY, rules, other=other)
    world.track("ada", "Begun")
    share = "the person is not in the share of people that the limit lets in"
    group = "the person is in “other” of the same group, which has at least the same priority"
    assert missing(world) == [share, group]
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    assert world.request("POST", "/api/journeys/try/pause", {}, key)["statusCode"] == 200
    assert missing(world) == [
        "nobody enters for now: the journey is paused or stopped",
        share,
        group,
    ]


def test_a_lower_journey_of_the_group_is_no_reason(begin: Begin) -> None:
    other = "enter when: {event: Seen}\ngroup: offers\nsteps: [{wait: 9 days}]\n"
    world = begin(STAY, "group: offers\npriority: 1\n", other=other)
    world.track("ada", "Seen")
    assert missing(world) == ["this has not happened: “Begun” happens"]


def test_an_event_against_which_nothing_speaks_is_told_so(begin: Begin) -> None:
    world = begin(STAY, "only if: {person: {plan: pro}}\n")
    world.identify("ada", plan="free")
    world.track("ada", "Begun")
    world.identify("ada", plan="pro")
    [said] = missing(world)
    assert said.startswith("“Begun”, of 1 March 2027, would let the person in now; when it came")


def test_a_journey_without_a_way_in_says_who_starts_it(begin: Begin) -> None:
    world = begin(STAY, enter="")
    world.identify("ada")
    assert missing(world) == ["nobody enters it by an event; another journey or the API starts it"]


def test_who_is_held_out_has_a_run_that_is_told(begin: Begin) -> None:
    world = begin(MAILS, "hold out: 100 percent\ngoal: {event: Paid}\n")
    world.customer("ada")
    world.track("ada", "Begun")
    assert came(world)[0] == "not sent: hold-out group"


def began(world: World, journey: str = "try", **query: str) -> str:
    person = world.person("ada").person
    [run] = world.api(f"/api/people/{person}/journeys/{journey}/why", **query)["runs"]
    said: str = run["began"]
    return said


@pytest.mark.parametrize(
    ("enter", "said"),
    [
        (PRO, "entered because this became true: the person's plan is “pro”"),
        ("{date: person.trial_ends}", "entered because the time had come: person.trial_ends"),
        ("{every: day 8:00}", "entered because the time had come: day 8:00"),
    ],
)
def test_how_somebody_entered_without_an_event_is_told(begin: Begin, enter: str, said: str) -> None:
    started = "steps: [{wait: 9 days}]\n"
    world = begin("  - start journey: other\n  - wait: 1 day\n", enter=enter, other=started)
    world.identify("ada", plan="pro", trial_ends="2027-03-02")
    world.advance("23 hours")
    assert began(world) == said
    assert began(world, "other") == "entered by way of the journey “try”"


def test_who_was_let_in_by_the_api_is_told_so(begin: Begin) -> None:
    world = begin(STAY, enter="")
    world.identify("ada")
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    world.request("POST", "/api/journeys/try/enter", {"user_id": "ada"}, key)
    world.settle()
    assert began(world) == "entered by a call of the API"
    assert began(world, **{"in": "de"}) == "begonnen durch einen Aufruf der API"


def test_an_event_of_the_shop_that_is_called_as_ours_is_told_by_its_name(begin: Begin) -> None:
    world = begin(STAY, enter="{event: Entered}")
    world.track("ada", "Entered")
    assert began(world) == "entered by “Entered”"


def test_an_unknown_journey_and_language_are_refused(begin: Begin) -> None:
    world = begin(BRANCH)
    world.identify("ada")
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    at = f"/api/people/{world.person('ada').person}/journeys"
    assert world.request("GET", f"{at}/nothing/why", headers=key)["statusCode"] == 404
    assert world.request("GET", f"{at}/try/why?in=fr", headers=key)["statusCode"] == 400


# --- loops


LOOP = (
    "  - repeat:\n"
    "      - send: hello\n"
    "      - wait: 1 day\n"
    "    times: 3\n"
    "    until: {did: Paid, since: entry}\n"
    "  - wait: 5 days\n"
)


def test_each_pass_of_a_loop_is_told_and_why_it_ended(begin: Begin) -> None:
    world = begin(LOOP)
    world.customer("ada")
    world.track("ada", "Begun")
    world.advance("25 hours")
    told = came(world)
    assert [told[0], told[3]] == ["pass number 1", "pass number 2"]
    assert [told[1][:4], told[4][:4]] == ["sent", "sent"]
    world.track("ada", "Paid")
    world.advance("1 day")
    [run] = why(world)["runs"]
    *_, enough, wait = run["stations"]
    assert enough["came"] == "enough: it is not done once more"
    assert enough["asked"][0]["holds"]
    assert wait["came"].startswith("waits until 8 March 2027")


def test_the_first_of_several_happenings_is_told_with_its_way(begin: Begin) -> None:
    steps = (
        "  - wait for first of:\n"
        "      - {event: Paid, then: [{end: paid}]}\n"
        "      - {event: Called, then: [{end: called}]}\n"
        "    at most: 3 days\n"
    )
    world = begin(steps)
    world.identify("ada")
    world.track("ada", "Begun")
    world.advance("1 hour")
    world.track("ada", "Called")
    assert came(world) == ["it happened: “Called”, 1 March 2027 at 11:00 UTC+01:00", "done"]
