"""SMS pumping: fraudsters who have us text numbers that earn them money are noticed and stopped.

Who signs up for text messages gets one to confirm by. Real people confirm; numbers of a fraudster's
carrier do not. So for each beginning of numbers it is counted, by the day, how many were asked and
how many confirmed (after Amazon's and Twilio's advice on artificially inflated traffic).
"""

from datetime import datetime, timedelta

from functions.doors.records import AskedNumbers
from functions.handlers.discreet import Logger
from functions.storage.store import Store, change

logger = Logger(service="pumping")
PUMPING = "numbers of one beginning are asked and do not confirm"  # an alarm looks for these words
BEGINNING = 6  # letters, the + and the country among them: about one carrier's block
ENOUGH = 20  # asked before a judgement is just
LEAST_CONFIRMED = 0.1


def may_ask(store: Store, number: str, now: datetime) -> bool:
    """Count a number (E.164) that is to be asked to confirm; False where too few of those that
    begin alike confirmed, today and yesterday: then none may be asked. Raises Contended."""
    before = _of_day(store, number, now - timedelta(days=1))
    allowed = False

    def ask(today: AskedNumbers) -> bool:
        nonlocal allowed
        asked, confirmed = before.asked + today.asked, before.confirmed + today.confirmed
        allowed = asked < ENOUGH or confirmed >= LEAST_CONFIRMED * asked
        today.asked += allowed
        return allowed

    change(store, lambda: _of_day(store, number, now), ask)
    if not allowed:
        logger.error(PUMPING, extra={"country_and_block": number[:BEGINNING]})
    return allowed


def confirmed(store: Store, number: str, now: datetime) -> None:
    """Count a number that confirmed. Raises Contended."""

    def count(today: AskedNumbers) -> bool:
        today.confirmed += 1
        return True

    change(store, lambda: _of_day(store, number, now), count)


def _of_day(store: Store, number: str, day: datetime) -> AskedNumbers:
    key = f"{number[:BEGINNING]} {day:%Y-%m-%d}"
    expires = int((day + timedelta(days=3)).timestamp())
    return store.get(AskedNumbers, key) or AskedNumbers(key=key, expires=expires)
