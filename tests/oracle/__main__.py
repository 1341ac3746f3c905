"""`make oracle`: a year of everybody kept event by event, against SQL; 1 on a difference."""

import os
import sys
import time
from typing import Annotated

import typer
from rich.console import Console

from tests.oracle.compare import Asked, compare
from tests.oracle.population import Size

out = Console(highlight=False, soft_wrap=True)
SHOWN = 20


def main(
    people: Annotated[int, typer.Option(help="How many people, 101,229 at most.")] = 100_000,
    conditions: Annotated[int, typer.Option(help="How many generated conditions.")] = 200,
    moments: Annotated[int, typer.Option(help="At how many moments both are compared.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, another year.")] = 1,
    groups: Annotated[
        int,
        typer.Option(
            help="Spread the generated conditions over so many groups of people: 1 takes days."
        ),
    ] = 10,
    workers: Annotated[int, typer.Option(help="Processes that follow people.")] = 0,
) -> None:
    """Compare memberships kept event by event with those that SQL computes from all events."""
    begun = time.monotonic()

    def say(words: str) -> None:
        out.print(f"{time.monotonic() - begun:7.0f} s  {words}")

    asked = Asked(conditions, moments, groups)
    found = compare(Size(people, seed), asked, workers or os.cpu_count() or 1, say)
    say("done\n")
    out.print(f"people                    {found.people:>15,}")
    out.print(f"events                    {found.events:>15,}")
    out.print(f"segments                  {found.segments:>15,}")
    out.print(f"moments                   {found.moments:>15,}")
    out.print(f"answers compared          {found.compared:>15,}")
    out.print(f"memberships among them    {found.memberships:>15,}")
    out.print(f"looks without an event    {found.looks:>15,}")
    out.print(f"  of them in vain         {found.looks_in_vain:>15,}")
    out.print(f"differences               {len(found.differences):>15,}")
    for difference in found.differences[:SHOWN]:
        out.print(f"  {difference}")
    sys.exit(1 if found.differences else 0)


if __name__ == "__main__":
    typer.run(main)
