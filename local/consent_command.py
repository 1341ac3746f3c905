"""`tante people consent`: what somebody ever said about consent, shown or written to be printed."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from local.address import segment
from local.asking import At, In, Key, RunningData, asking, err, out


def consent(
    who: Annotated[
        str, typer.Argument(metavar="PERSON", help="An e-mail address, phone number or id.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page to print to this file.")
    ] = None,
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """What somebody ever said about consent: when, where and to which words, with its proof. The
    exit status is 1 if the proof is broken."""
    from local.find_person import find_person

    with asking(at, key, data) as asked:
        person = segment(find_person(asked, who)["id"])
        proof = asked.ask("GET", f"/api/people/{person}/consent?in={language}")
    if html:
        html.write_text(proof["html"], "utf-8")
        out.print(escape(f"written to {html}"), soft_wrap=True)
    else:
        out.print(escape("\n\n".join(proof["paragraphs"])), soft_wrap=True)
    if not proof["intact"]:
        err.print("[red]✗[/] the chain of evidence is broken")
        sys.exit(1)
