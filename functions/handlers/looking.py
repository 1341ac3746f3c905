"""Looking at people because a time has come, or because journeys were published."""

from datetime import timedelta

import msgspec

from functions.handlers.again import Delay, send_again
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.handlers.keeping import RowsOnTheirWay, keep_up, note_backfill
from functions.handlers.wiring import Parts
from functions.journeys.desk import Desk
from functions.journeys.look import is_looked_at, look
from functions.journeys.standing import Everybody, Look, Standing, Sweep
from functions.storage import people
from functions.storage.store import Contended, Unavailable, change
from functions.tracking.profile import Profile

logger = Logger(service="looking")
PAGE = 100  # people of a message
TOMORROW = timedelta(days=1)
MOST_WAITS = 5  # for a version that is being published
SOON = 20  # seconds
ONCE_MORE = 60  # seconds: by then every Lambda has heard of the publish
_encode = msgspec.json.Encoder().encode
_looks, _pages = msgspec.json.Decoder(Look), msgspec.json.Decoder(Everybody)


def is_look(body: str) -> bool:
    """Whether a queue message asks for a look at people."""
    return body.startswith(('{"look"', '{"everybody"'))


def read(body: str) -> Look | Everybody:
    """Raises msgspec.DecodeError."""
    return (_looks if body.startswith('{"look"') else _pages).decode(body)


def look_at(parts: Parts, asked: Look | Everybody, again: Delay, put_off: Delay) -> None:
    """Look at these people, or at a page of everybody.

    A person whose look fails comes again by themselves, as events do. Raises Busy when what is
    left can neither be done nor passed on.
    """
    if isinstance(asked, Look):
        return _each(parts, asked, again, put_off)
    try:
        _page(parts, asked, again, put_off)
    except (Contended, Unavailable) as error:
        delay = put_off(asked.put_off + 1, asked.everybody)
        send_again(parts, _later(asked), str(error), delay)


def _each(parts: Parts, asked: Look, again: Delay, put_off: Delay) -> None:
    desk = journey_desk(parts)
    for number, person in enumerate(asked.look):
        try:
            _one(parts, desk, person, asked)
        except RowsOnTheirWay as error:
            alone = msgspec.structs.replace(asked, look=[person], keep=True)
            _put_off(parts, alone, error, put_off)
        except (Contended, Unavailable) as error:
            left = msgspec.structs.replace(asked, look=asked.look[number:])
            return _put_off(parts, left, error, put_off)
        except Exception as error:
            _send_on(parts, msgspec.structs.replace(asked, look=[person]), error, again)


def _one(parts: Parts, desk: Desk, person: str, asked: Look) -> None:
    standing = parts.store.get(Standing, person)
    is_due = standing is not None and standing.is_due(parts.now())
    if not (is_due or asked.first or asked.attempt or asked.keep):
        return  # somebody was here before us
    profile = people.profile_of(parts.store, person)
    is_there = profile.version > 0 and not profile.is_gone
    if is_there:  # perhaps another one's by now, who takes over how this one stood
        is_asked = bool(asked.first or asked.attempt or asked.keep)
        profile = keep_up(parts, desk, profile.person, asked.sweeps, is_asked)
        # Also where no journey asks any more: then there is something to be let go of.
        if is_looked_at(desk) or (standing and standing.due):
            look(desk, profile, desk.permission(person), first=asked.first)
    if standing and (profile.person != person or not is_there):
        parts.store.delete(standing)


def _put_off(parts: Parts, left: Look, error: Exception, put_off: Delay) -> None:
    """Nothing is wrong with these people: they come again. Those who are due are found again."""
    if left.first or left.attempt or left.keep:
        times = left.put_off + 1
        later = msgspec.structs.replace(left, put_off=times, reason=str(error)[:500])
        send_again(parts, _encode(later), later.reason, put_off(times, left.look[0]))
    logger.warning("looks are put off", extra={"people": len(left.look), "reason": str(error)})


def _send_on(parts: Parts, asked: Look, error: Exception, again: Delay) -> None:
    """Try once more after a while, or bury it; meanwhile nobody finds the person as due."""
    reason = f"{type(error).__name__}: {error}"[:500]
    [person] = asked.look
    attempt = asked.attempt + 1
    logger.warning("a look failed", extra={"attempt": attempt, "reason": reason})
    later = msgspec.structs.replace(asked, attempt=attempt, reason=reason)
    _keep_back(parts, person)
    send_again(parts, _encode(later), reason, again(attempt, person))


def _keep_back(parts: Parts, person: str) -> None:
    """A day without a look: long enough for all tries, and for somebody to mend what is wrong."""
    tomorrow = parts.now() + TOMORROW

    def move(standing: Standing | None) -> bool:
        now = parts.now()
        if standing is None or not standing.is_due(now):
            return False
        if standing.due and standing.due <= now:
            standing.due, standing.overdue = tomorrow, True
        if standing.kept and standing.kept <= now:
            standing.kept = tomorrow
        return True

    change(parts.store, lambda: parts.store.get(Standing, person), move)


def _page(parts: Parts, asked: Everybody, again: Delay, put_off: Delay) -> None:
    """A page of all people, newest first; then the next one; at the end it is noted that
    everybody was looked at."""
    parts.library.forget()
    if asked.rules is not None:
        return _page_by_rules(parts, asked, again, put_off)
    ways = {p.journey.name: p.journey.looked for p in parts.library.journeys()}
    journeys = {
        name: way
        for name, way in asked.journeys.items()
        if (found := ways.get(name)) and found.hash == way
    }
    if len(journeys) < len(asked.journeys) and asked.put_off < MOST_WAITS:
        # The version is not the newest yet; or no longer, and then it is given up in the end.
        return parts.send_events([_later(asked)], SOON)
    if not journeys:
        return
    profiles, after = parts.store.listing(Profile, limit=PAGE, after=asked.everybody)
    page = Look(look=[profile.person for profile in profiles], first=sorted(journeys))
    _each(parts, page, again, put_off)
    if after:
        parts.send_events([_encode(Everybody(everybody=after, journeys=journeys))], 0)
        return
    for name, way in journeys.items():
        _note(parts, name, way)


def _page_by_rules(parts: Parts, asked: Everybody, again: Delay, put_off: Delay) -> None:
    """A page of all people, who are brought up to date with rules that were just published. A
    minute after the last page a second round sees to those whom a Lambda that still had the rules
    from before has written."""
    rules = parts.library.rules()
    if rules.hash != asked.rules:
        if asked.put_off < MOST_WAITS:  # not in force yet; or no longer, and then it is given up
            parts.send_events([_later(asked)], SOON)
        return
    profiles, after = parts.store.listing(Profile, limit=PAGE, after=asked.everybody)
    behind = [
        one.person
        for one in profiles
        if one.ruled != rules.hash or not one.segments.keys() <= rules.segments.keys()
    ]
    if behind:
        _each(parts, Look(look=behind, keep=True, sweeps=True), again, put_off)
    done = asked.done + len(profiles)
    note_backfill(parts, asked, done, is_last=not after)
    if after:
        next_page = msgspec.structs.replace(asked, everybody=after, done=done, put_off=0)
        parts.send_events([_encode(next_page)], 0)
    elif not asked.again:
        second = Everybody(everybody="", rules=asked.rules, again=True)
        parts.send_events([_encode(second)], ONCE_MORE)


def _later(asked: Everybody) -> bytes:
    return _encode(msgspec.structs.replace(asked, put_off=asked.put_off + 1))


def _note(parts: Parts, journey: str, way: str) -> None:
    def note(sweep: Sweep) -> bool:
        changed, sweep.hash = sweep.hash != way, way
        return changed

    change(parts.store, lambda: parts.store.get(Sweep, journey) or Sweep(journey=journey), note)
