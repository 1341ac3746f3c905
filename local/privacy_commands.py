"""`tante people erase` and `export`, `tante restore` and `tante register`: data protection."""

import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, Client, Key, RunningData, asking, out, wide

PATIENCE, PAUSE = 15.0, 0.5  # seconds for which an erasure is waited for, between two looks at it
GONE = "nothing goes to them any more. The rest takes some 20 minutes; then it is proven by"

Who = Annotated[
    str, typer.Argument(metavar="PERSON", help="An e-mail address, phone number, user id or id.")
]


def register_people(app: typer.Typer) -> None:
    """The commands below `tante people`."""
    app.command("erase")(erase)
    app.command("erasures")(erasures)
    app.command("export")(export)


def register(app: typer.Typer) -> None:
    """The commands that are about everybody."""
    app.command("restore")(restore)
    app.command("register")(processing)


def erase(
    who: Who,
    why: Annotated[str, typer.Option(help="A word for the proof, such as the ticket.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Erase a person everywhere, for good, and print the proof.

    Nothing goes to them from this moment on, and journeys under way end. Whoever comes again
    later under the same address is somebody new.
    """
    from local.find_person import find_person

    with asking(at, key, data) as asked:
        person = find_person(asked, who)
        name = " ".join(filter(None, (person["email"], person["phone"], person["user_id"])))
        out.print(escape(f"{person['id']}  {name}"), soft_wrap=True)
        if not yes and not typer.confirm("Erase all that is known of this person, for good?"):
            out.print("[dim]nothing was changed[/]")
            sys.exit(1)
        told = urlencode({"why": why}) if why else ""
        person_id = segment(person["id"])
        asked.ask("DELETE", f"/api/people/{person_id}{'?' if told else ''}{told}")
        proof = _proof(asked, person_id)
    if proof["done"]:
        return _print_proof(proof)
    out.print(f"[green]✓[/] {GONE}: tante people erasures {person['id']}", soft_wrap=True)


def erasures(
    person: Annotated[str, typer.Argument(metavar="[ID]", help="Of this person alone.")] = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Who was erased when, by ids; with an id: the proof."""
    with asking(at, key, data) as asked:
        path = f"/api/erasures/{segment(person)}" if person else "/api/erasures"
        found = asked.ask("GET", path)["erasures"]
    for one in found:
        if person:
            _print_proof(one)
        else:
            state = f"done {one['done']}" if one["done"] else "under way"
            out.print(escape(f"{one['person']}  {one['asked']}  {state}  {one['why']}"))
    if not found:
        out.print("nobody was erased")


def export(
    who: Who,
    folder: Annotated[Path, typer.Option("--out", help="The folder; made where there is none.")],
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Write all that is known of a person into a folder: JSON, and tables for a spreadsheet."""
    from local.export import write

    with asking(at, key, data) as asked:
        from local.find_person import person_segment

        files = write(asked, person_segment(asked, who), folder)
    for file, number in files.items():
        out.print(f"[green]✓[/] {escape(str(file))}  [dim]{number}[/]", soft_wrap=True)


def restore(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """After tables were restored from a backup: erase again whom that brought back."""
    looked = again = 0
    after = ""
    with asking(at, key, data) as asked:
        while True:
            query = f"?{urlencode({'after': after})}" if after else ""
            page = asked.ask("POST", f"/api/erasures/replay{query}")
            looked, again, after = looked + page["looked"], again + page["again"], page["next"]
            if not after:
                break
    out.print(f"[green]✓[/] {looked} erasures were looked at, {again} are carried out again")


def processing(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """The register of processing activities: what is kept of people, why, and for how long."""
    with asking(at, key, data) as asked:
        found = asked.ask("GET", "/api/register")
    table = Table("what", "holds", "what for", "kept", box=None, pad_edge=False)
    for one in found["processing"]:
        if one["holds"] != "nothing about a person":
            kept = f"{one['days']} days" if one["days"] else "until the person is erased"
            table.add_row(one["what"], one["holds"], one["purpose"], kept)
    wide().print(table)
    out.print(escape(f"kept in the region {found['region']}; what goes to others:"))
    for recipient in found["recipients"]:
        out.print(escape(f"- {recipient}"), soft_wrap=True)


def _proof(asked: Client, person_id: str) -> dict[str, Any]:
    until = monotonic() + PATIENCE
    while True:
        proof: dict[str, Any] = asked.ask("GET", f"/api/erasures/{person_id}")["erasures"][0]
        if proof["done"] or monotonic() > until:
            return proof
        sleep(PAUSE)


def _print_proof(proof: dict[str, Any]) -> None:
    done = f"[green]✓[/] erased {proof['done']}" if proof["done"] else "under way"
    out.print(f"{done}, asked for {proof['asked']} {escape(proof['why'])}".rstrip())
    if proof["replayed"]:
        out.print(f"carried out again {proof['replayed']}, after a restore")
    out.print("known under these keyed hashes:")
    for one in proof["keys"]:
        out.print(f"  {one}")
    for words, counts in (("deleted", proof["found"]), ("found again", proof["found_again"])):
        for what, number in sorted(counts.items()):
            out.print(f"  {words}: {number} × {escape(what)}", soft_wrap=True)
    if proof["done"] and not proof["found_again"]:
        out.print("  a second look found nothing")
