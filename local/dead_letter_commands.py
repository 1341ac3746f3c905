"""What `tante dead-letters` says and does."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from local.dead_letters import (
    Cloud,
    Letter,
    OneMachine,
    Unknown,
    advise,
    find,
    in_one_line,
    pretty,
    printable,
    read,
    send_back,
    shortened,
)
from local.doctor import NoAccess, Stage, look_up
from local.queue import Queue

REGION = "eu-central-1"  # the one that needs not be said
PERSONAL = "This holds personal data: no tickets, no chats."


class Commands:
    """The commands, on a folder's dead letters or, without a folder, a stage's in AWS.

    What is in the way is told in one sentence, and the exit status is 1.
    """

    def __init__(
        self, folder: Path | None, stage: str, region: str, out: Console, err: Console
    ) -> None:
        self._folder, self._stage, self._region = folder, stage, region
        self._out, self._err = out, err

    def list(self, most: int) -> None:
        """One line for each."""
        with self._place() as place:
            letters = [*self._watched(place, place.letters(most))]
            count, hidden = place.count(), place.hidden
        for line in _table(letters):
            self._say(line)
        if letters:
            do = (
                f"tante dead-letters show ID{self._options} says what to do; redrive and drop do it"
            )
            self._say(f"→ {do}", "dim")
        elif not count and not hidden:
            self._say("✓ there are no dead letters")
        if count > len(letters):
            more = f"more with --most {count}" if letters else "ask again in a minute"
            self._say(f"! {len(letters):,} of about {count:,} are shown; {more}")
        if hidden:
            self._say(
                f"! {hidden:,} more are being looked at by somebody; they return by themselves"
            )

    def show(self, name: str) -> None:
        """All of one, and what to do."""
        with self._place() as place:
            (letter,) = find(self._watched(place, place.letters()), [name])
        contents = read(letter)
        since = f"{letter.since:%Y-%m-%d %H:%M:%S} UTC" if letter.since else "unknown"
        said = {
            "id": letter.id,
            "queue": letter.queue,
            "since": since,
            "tries": str(contents.tries),
            "what": contents.what,
            "reason": contents.reason,
            "do": advise(contents).words,
        }
        for word, text in said.items():
            self._say(f"{word:<8}{printable(text)}")
        self._err.print(PERSONAL, style="dim")
        self._say(pretty(letter.body))

    def redrive(self, ids: Iterable[str], force: bool) -> None:
        """Send these back, or all that it can help. The exit status is 1 if one of these was
        left."""
        wanted, sent, left = [*ids], 0, dict[str, str]()
        try:
            with self._place() as place:
                letters = self._watched(place, place.letters())
                for letter in find(letters, wanted) if wanted else letters:
                    why = send_back(place, letter, force)
                    sent += not why
                    left.update({letter.id: why} if why else {})
        finally:  # also when it ended in the middle
            self._say_sent(sent, left)
        if not sent and not left:
            self._say("✓ there are no dead letters")
        sys.exit(1 if wanted and left else 0)

    def _say_sent(self, sent: int, left: dict[str, str]) -> None:
        if sent:
            when = "within a minute" if self._stage else "by `tante run`, now or when it starts"
            again = f"what fails again comes back: tante dead-letters list{self._options}"
            self._say(f"✓ {sent:,} sent back, to be worked off {when}; {again}")
        short, alike = shortened(left), dict[str, list[str]]()
        for one, why in left.items():
            alike.setdefault(why, []).append(short[one])
        for why, names in alike.items():
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            self._say(f"! left: {', '.join(names[:10])}{more}: {printable(why)}")
        if left:
            self._say(f"{len(left):,} left; drop ID forgets one")

    def drop(self, ids: Iterable[str], yes: bool) -> None:
        """Forget these, after asking."""
        with self._place() as place:
            letters = find(self._watched(place, place.letters()), [*ids])
            for letter in letters:
                self._say(f"{letter.id}  {in_one_line(read(letter).what)}")
            if not yes:
                typer.confirm("Nobody can bring this back. Forget it?", abort=True)
            for letter in letters:
                place.drop(letter)
        self._say(f"✓ {len(letters):,} dropped")

    @contextmanager
    def _place(self) -> Iterator[OneMachine | Cloud]:
        try:
            if self._folder is None:
                with Cloud(Stage(self._stage, self._region, "", look_up)) as cloud:
                    yield cloud
            else:
                yield OneMachine(Queue(self._folder / "queue.db"))
        except (NoAccess, Unknown) as error:
            self._err.print(Text.assemble(("✗ ", "red"), str(error)), soft_wrap=True)
            sys.exit(1)

    def _watched(self, place: OneMachine | Cloud, letters: Iterable[Letter]) -> Iterator[Letter]:
        """With a word on the screen how far it is: thousands take a while."""
        with self._err.status("Looking ...") as status:
            for number, letter in enumerate(letters, 1):
                if number % 50 == 0:
                    status.update(f"{number:,} of about {place.count():,} ...")
                yield letter

    @property
    def _options(self) -> str:
        """What to add to the next command, so that it means the same place."""
        if self._folder is not None:
            return f" --data {self._folder}"
        elsewhere = f" --region {self._region}" if self._region != REGION else ""
        return f" --stage {self._stage}{elsewhere}"

    def _say(self, line: str, style: str = "") -> None:
        """As it is: what a stranger sent is no markup."""
        self._out.print(Text(line, style), soft_wrap=True)


def _table(letters: Iterable[Letter]) -> Iterator[str]:
    """The lines of the list, the oldest of each queue first; none without letters."""
    in_order = sorted(letters, key=lambda one: (one.queue, str(one.since or "")))
    names = shortened(letter.id for letter in in_order)
    rows = [("id", "queue", "since (UTC)", "tries", "what", "reason")] if in_order else []
    for letter in in_order:
        contents = read(letter)
        since = f"{letter.since:%Y-%m-%d %H:%M}" if letter.since else ""
        what, reason = in_one_line(contents.what, 70), in_one_line(contents.reason)
        rows.append((names[letter.id], letter.queue, since, str(contents.tries), what, reason))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield line.rstrip()
