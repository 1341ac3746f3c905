"""Two handlers that meet: whichever stops for the other at whichever call, the rules hold."""

import pytest

from tests.faults.races import RACES, meetings


@pytest.mark.parametrize("name", RACES)
def test_whoever_stops_for_the_other_at_whichever_call_the_rules_hold(name: str) -> None:
    """One stop here; `make faults` enumerates those in which the other stops once as well."""
    met = 0
    for meeting, trial in meetings(RACES[name], both_stop=False):
        met += 1
        assert trial.problems == [], f"{meeting.first} stops after {meeting.until} calls"
    assert met > 10
