"""The environment that AWS gives a Lambda, for as long as a test needs it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


@contextmanager
def aws(**more: str) -> Iterator[None]:
    """Credentials that are none, a region, and what else the test sets."""
    said = {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **more,
    }
    with patch.dict(os.environ, said):
        yield
