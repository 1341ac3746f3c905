"""The reviewed text of each stack is the stack that there is."""

import pytest

from tests.infra.snapshot import file_of, snapshot
from tests.infra.stacks import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_the_snapshot_shows_what_is_deployed(stage: str) -> None:
    """After a change that is meant: python -m tests.infra.snapshot, and read the difference."""
    assert snapshot(stage) == file_of(stage).read_text("utf-8")
