"""A session of boto3 with which nobody gets through, for tests of what asks AWS."""

from functools import cache
from typing import Any

from boto3.session import Session

REGION = "eu-central-1"


@cache
def session() -> Session:
    """Made once, and so is each of its clients: they read the descriptions of their services.
    Their time limits are boto3's own, whatever is asked for."""
    made = Session("testing", "testing", region_name=REGION)
    new_client = cache(made.client)

    def client(service: str, *, config: object = None, region_name: str = REGION) -> Any:
        return new_client(service, region_name=region_name)

    made.client = client  # type: ignore[method-assign]
    return made
