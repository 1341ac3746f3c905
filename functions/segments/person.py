"""A person as journeys, templates and the API see them: traits and computed fields."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from functions.segments import account, origin, population, referrals, shopping
from functions.segments.census_records import Cuts
from functions.segments.operators import Kind, find
from functions.segments.score import score_at, shown
from functions.tracking.own_event import NO_SIGN_OF_LIFE
from functions.tracking.profile import Profile


def _last_seen(profile: Profile, now: datetime) -> Any:
    """What we found out or did ourselves is no sign of the person."""
    times = (one.last for name, one in profile.events.items() if name not in NO_SIGN_OF_LIFE)
    return max(times, default=None)


# A conversation, with whoever of us and by whatever means; what a journey sends is none.
CONTACTS = ("Call Logged", "Meeting Held", "Visit Held", "Email Answered")


def _last_contact(profile: Profile, now: datetime) -> Any:
    held = [profile.events[name].last for name in CONTACTS if name in profile.events]
    return max(held, default=None)


def _score(profile: Profile, now: datetime) -> float:
    """Whole where it is whole: 15 is told as 15."""
    points = score_at(profile, now)
    return int(points) if points == int(points) else points


ALSO = {"first_name": "firstName", "last_name": "lastName"}  # our name for a trait of Segment's
COMPANY = "company"  # of whom no trait says it: the name of their account
TAG = "tag:"  # before the name of a tag: the trait that says whether the person has it


def _tags(profile: Profile, now: datetime) -> Any:
    """The tags that a shop sent as a trait, changed by those that journeys added and removed."""
    sent = profile.trait("tags")
    ours = {
        name.removeprefix(TAG): bool(trait.value)
        for name, trait in profile.traits.items()
        if name.startswith(TAG)
    }
    if not ours:
        return sent
    theirs = sent if isinstance(sent, list) else [] if sent is None else [sent]
    kept = [tag for tag in theirs if not (isinstance(tag, str) and tag in ours)]
    return sorted([*kept, *(tag for tag, has in ours.items() if has)], key=str)


COMPUTED: dict[str, Callable[[Profile, datetime], Any]] = {
    **origin.COMPUTED,
    **shopping.COMPUTED,
    **referrals.COMPUTED,
    "score": _score,
    "first_seen": lambda profile, now: profile.created,
    "last_seen": _last_seen,
    "tags": _tags,
    "last_contact": _last_contact,
}
KINDS: dict[str, Kind] = {
    **origin.KINDS,
    **shopping.KINDS,
    **referrals.KINDS,
    **population.KINDS,
    "score": "number",
    "first_seen": "date",
    "last_seen": "date",
    "last_contact": "date",
    "stage_since": "date",
}
SETTABLE = ("country", "city")  # computed where the person did not say it: a trait goes before


STAGED = ("stage", "phase", "stage_since", "stages")
KEPT = ("score", *STAGED)  # what changes while a person is kept


def _stages(profile: Profile) -> dict[str, Any]:
    """Where the person stands in each model of lifecycle.yaml, and in the first by itself. As long
    as there is none, a stage is a trait like any other."""
    if not profile.stages:
        return {}
    first = next(iter(profile.stages.values()))
    return {
        "stage": first.stage or None,
        "phase": first.phase or None,
        "stage_since": first.since if first.stage else None,
        "stages": {model: stay.stage for model, stay in profile.stages.items() if stay.stage},
    }


def fields(
    profile: Profile,
    now: datetime,
    cuts: Cuts | None = None,
    asked: Collection[str] | None = None,
) -> dict[str, Any]:
    """All fields of a person as they are `now`: traits by their names, computed fields on top,
    among them those that go by cut points where these are given. Where it is known what is
    `asked`, the other computed ones are left out."""
    computed = {
        name: compute(profile, now)
        for name, compute in COMPUTED.items()
        if asked is None or name in asked
    }
    among = population.COMPUTED.items() if cuts else ()
    relative = {
        name: compute(profile, now, cuts)
        for name, compute in among
        if cuts and (asked is None or name in asked)
    }
    return {**_traits(profile), **computed, **relative, **_stages(profile)}


def field_of(profile: Profile, now: datetime, name: str) -> Any:
    """One of `fields` (without a dot in its name), or None; the others are not worked out."""
    return next(iter(values(profile, now, name)), None)


def _traits(profile: Profile) -> dict[str, Any]:
    traits = {
        name: trait.value for name, trait in profile.traits.items() if not name.startswith(TAG)
    }
    for ours, theirs in ALSO.items():
        if theirs in traits:
            traits.setdefault(ours, traits[theirs])
    if profile.groups:
        traits.setdefault(COMPANY, account.fields(profile).get("name"))
    return traits


def shown_fields(
    profile: Profile,
    now: datetime,
    cuts: Cuts | None = None,
    asked: Collection[str] | None = None,
) -> dict[str, Any]:
    """The same as messages and colleagues read them: the score is a whole number."""
    found = fields(profile, now, cuts, asked)
    if asked is None or "score" in asked:
        found["score"] = shown(found["score"])
    return found


def values(profile: Profile, now: datetime, path: str, cuts: Cuts | None = None) -> list[Any]:
    """The values of one field at a dotted path, as `find` gives them from all `fields`."""
    name = path.partition(".")[0]
    if name in population.COMPUTED and cuts:
        return find({name: population.COMPUTED[name](profile, now, cuts)}, path)
    if name in COMPUTED:
        return find({name: COMPUTED[name](profile, now)}, path)
    if name in STAGED and profile.stages:
        return find(_stages(profile), path)
    if name.startswith(TAG):
        return []
    said = profile.traits.get(name) or profile.traits.get(ALSO.get(name, ""))
    if said is None and name == COMPANY and profile.groups:
        return find({name: account.fields(profile).get("name")}, path)
    return find({name: said.value}, path) if said else []
