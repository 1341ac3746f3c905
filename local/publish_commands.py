"""What `tante publish` and `tante journeys` say and do."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from functions.folder import read_folder
from local.asking import told
from local.client import Client, Refusal

PAUSE = 1.0  # seconds between two looks at how far it is
PATIENCE = 15.0  # seconds without a change after which nobody waits any longer
KEEP = "[dim]nothing was published[/]"


class Commands:
    """The commands, on a running system. What is in the way is told, and the exit status is 1."""

    def __init__(self, make: Callable[[], Client], out: Console, err: Console) -> None:
        self._out, self._err = out, err
        with told():
            self._client = make()

    # --- publishing

    def publish(
        self, folder: Path, under_way: str, journeys: list[str], maps: list[str], yes: bool
    ) -> None:
        """Show what publishing the folder does, ask, do it, and say how far it is."""
        files = _files(folder, journeys)
        names = sorted({path.partition("/")[0] for path in files if path.endswith("/journey.yaml")})
        missing = sorted(set(journeys) - set(names))
        if missing:
            self._fail(f'there is no journey "{missing[0]}" in "{folder}"')
        if maps and len(names) != 1:
            self._fail("--map is about one journey: say which with --journey")
        choice = {"under_way": under_way, "map": self._mapping(maps)}
        body = {"files": files, "choices": dict.fromkeys(names, choice)}
        self._carry_out("/api/publish", body, yes)

    def roll_back(
        self, name: str, version: str, under_way: str, maps: list[str], yes: bool
    ) -> None:
        """The same for an older version."""
        body = {"version": version, "under_way": under_way, "map": self._mapping(maps)}
        self._carry_out(self._client.journey(name, "/rollback"), body, yes)

    def _carry_out(self, path: str, body: dict[str, Any], yes: bool) -> None:
        with told():
            found = self._client.ask("POST", path, {**body, "dry_run": True})
        shown, shared = found["journeys"], found.get("shared", {})
        doing = [one for one in shown if one["is_new"] or (one["people"] and _moves(one))]
        if not doing and not shared:
            self._out.print("nothing has changed; nothing to publish")
            return
        self._show_shared(shared)
        for one in doing:
            self._show(one)
        self._advise(found.get("warnings", []))
        if any(one["problems"] for one in doing):
            self._out.print(KEEP)
            sys.exit(1)
        self._ask(yes)
        with told():
            done = self._client.ask("POST", path, body)["journeys"]
        self._say_done(done, shared)

    def _advise(self, warnings: list[dict[str, Any]]) -> None:
        for one in warnings:
            place = escape(f"{one['file']}:{one['line']}: {one['message']}")
            self._out.print(f"[yellow]![/] {place}", soft_wrap=True)

    def _show_shared(self, shared: dict[str, list[str]]) -> None:
        for file, changes in shared.items():
            self._out.print(f"[bold]{file}[/], for everybody at once")
            for change in changes:
                self._line(f"  {change}")

    def _say_done(self, done: list[dict[str, Any]], shared: dict[str, list[str]]) -> None:
        for file in shared:
            self._out.print(f"[green]✓[/] {file}: in force within ten seconds")
        for one in done:
            if one["is_new"]:
                self._out.print(f"[green]✓[/] {one['journey']}: {one['version']} is the newest now")
            if one["under_way"] == "migrate" and one["people"]:
                self._watch(one)

    def _show(self, one: dict[str, Any]) -> None:
        before = f" (was {one['before']})" if one["before"] else ""
        self._out.print(f"[bold]{one['journey']}[/] {one['version']}{before}")
        for change in one["changes"]:
            self._line(f"  {change}")
        self._out.print(f"  those under way: {one['under_way']}")
        for sentence in one["says"]:
            self._line(f"    {sentence}")
        for problem in one["problems"]:
            self._err.print(f"  [red]✗[/] {escape(problem)}", soft_wrap=True)

    def _ask(self, yes: bool) -> None:
        if yes:
            return
        if not sys.stdin.isatty():
            self._err.print("[red]✗[/] this is no terminal to ask at: add --yes to publish")
            sys.exit(2)
        if not typer.confirm("Publish?"):
            self._out.print(KEEP)
            sys.exit(1)

    def _watch(self, one: dict[str, Any]) -> None:
        """Follow the people to the new version until all are there, or no more come."""
        total, name = one["people"], one["journey"]
        left, since = total, monotonic()
        with Progress(console=self._out) as progress:
            bar = progress.add_task(f"{name}: people moved", total=total)
            while left and monotonic() - since < PATIENCE:
                sleep(PAUSE)
                with told():
                    now = self._left(name, one["version"])
                if now != left:
                    left, since = now, monotonic()
                progress.update(bar, completed=max(0, total - left))
        said = f"{max(0, total - left)} moved or left"
        more = f"; {left} still have an older version: tante journeys show {name}" if left else ""
        self._line(f"  {said}{more}")

    def _left(self, name: str, version: str) -> int:
        found = self._client.ask("GET", self._client.journey(name))["standing"]
        return sum(one["people"] for one in found if one["version"] != version)

    def _mapping(self, maps: Iterable[str]) -> dict[str, str]:
        found = {}
        for text in maps:
            old, equals, new = text.partition("=")
            if not equals or not old.strip() or not new.strip():
                self._fail(f'"{text}": write --map "old step=new step", or "old step=end"')
            found[old.strip()] = new.strip()
        return found

    # --- the journeys there are

    def list(self) -> None:
        """One line for each."""
        with told():
            found = self._client.ask("GET", "/api/journeys")["journeys"]
        table = Table("journey", "state", "version", "title", box=None)
        for one in found:
            table.add_row(one["name"], one["state"], one["version"], escape(one["title"]))
        self._out.print(table)

    def show(self, name: str) -> None:
        """Where the people of each version stand."""
        with told():
            self._say(self._client.ask("GET", self._client.journey(name)))

    def change(self, name: str, what: str, body: dict[str, Any]) -> None:
        """Pause, resume or stop, and show what is then."""
        with told():
            self._say(self._client.ask("POST", self._client.journey(name, f"/{what}"), body))

    def _say(self, found: dict[str, Any]) -> None:
        since = f" since {found['since'][:16]}" if found["since"] else ""
        self._line(f"{found['name']}: {found['title']}")
        self._line(f"  {found['state']}{since}; published by the {found['owner']}")
        for one in found["standing"]:
            newest = ", the newest" if one["is_newest"] else ""
            follows = f", follows {one['follows']}" if one["follows"] else ""
            looked = "" if one["looked_at"] >= one["people"] else f" (of {one['looked_at']} asked)"
            self._line(f"  {one['version']}{newest}{follows}: {one['people']} under way{looked}")
            for place in one["places"]:
                self._line(f"    {place['people']:>6} at {place['step'] or 'no step just now'}")
        if not found["standing"]:
            self._line(f"  {found['version']}, the newest; nobody is under way")
        older = [one["version"] for one in found["versions"] if one["version"] != found["version"]]
        if older:
            self._line(f"  other versions, newest first: {', '.join(older)}")

    # --- drafts

    def drafts(self) -> None:
        """Their names."""
        with told():
            found = self._client.ask("GET", "/api/drafts")["drafts"]
        for name in found or ["there are no drafts"]:
            self._line(name)

    def save_draft(self, name: str, folder: Path) -> None:
        """A journey's folder becomes its draft."""
        files = read_folder(folder).journeys.get(name)
        if files is None:
            self._fail(f'there is no journey "{name}" in "{folder}"')
        with told():
            self._client.ask("PUT", self._client.journey(name, "/draft"), {"files": files})
        self._line(f"{name}: saved as a draft")

    def check_draft(self, name: str) -> None:
        """What is wrong with it."""
        with told():
            found = self._client.ask("POST", self._client.journey(name, "/draft/check"), {})
            if found["problems"]:
                raise Refusal("it cannot be published yet", found["problems"])
        self._advise(found.get("warnings", []))
        self._line(f"{name}: nothing is wrong with the draft")

    def drop_draft(self, name: str) -> None:
        """Forget it."""
        with told():
            self._client.ask("DELETE", self._client.journey(name, "/draft"))
        self._line(f"{name}: the draft is gone")

    def publish_draft(self, name: str, under_way: str, maps: Iterable[str], yes: bool) -> None:
        """Publish it like a folder."""
        choice = {"under_way": under_way, "map": self._mapping(maps)}
        self._carry_out("/api/publish", {"drafts": [name], "choices": {name: choice}}, yes)

    # --- words

    def _line(self, text: str) -> None:
        self._out.print(escape(text), soft_wrap=True)

    def _fail(self, text: str) -> None:
        self._err.print(f"[red]✗[/] {escape(text)}", soft_wrap=True)
        sys.exit(2)


def _moves(one: dict[str, Any]) -> bool:
    return bool(one["under_way"] != "pin")


def _files(folder: Path, journeys: list[str]) -> dict[str, str]:
    """The folder as the admin API takes it, of the journeys only these (none: all). Raises
    Problems."""
    found = read_folder(folder)
    chosen = {name: texts for name, texts in found.journeys.items() if name in journeys}
    return {
        **found.shared,
        **{name.removeprefix("../"): text for name, text in found.parts.items()},
        **{
            f"{name}/{file}": text
            for name, texts in (chosen if journeys else found.journeys).items()
            for file, text in texts.items()
        },
    }
