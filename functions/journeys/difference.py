"""What changed between two versions of the journeys, in sentences."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from functions.journeys.telling import Arm, Raw, arms, plain, rules, step, verb
from functions.journeys.yaml_file import read
from functions.segments.lifecycle import EARLIER
from functions.segments.sentence import sentence
from functions.segments.spoken import Language, quoted

Files = Mapping[str, str]  # file name -> text
JOURNEY_FILE = "journey.yaml"
_SUBJECT = re.compile(r"<mj-title>(.*?)</mj-title>", re.DOTALL)

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "journey added": "this journey is new",
        "journey removed": "this journey is gone",
        "added rule": "added: {}: {}",
        "removed rule": "removed: {}: {}",
        "changed rule": "{}: was {}; is now {}",
        "added": "added: {} ({})",
        "removed": "removed: {} (was {})",
        "moved": "moved: {} (was {}; is now {})",
        "changed": "changed: was {}; is now {}",
        "ways": "changed: {}: the ways were {}; are now {}",
        "first": "at the beginning",
        "first in": "first in: {}, {}",
        "after": "after: {}",
        "written": "journey.yaml is written differently",
        "file added": "{}: new",
        "file removed": "{}: gone",
        "file changed": "{}: changed",
        "subject": "{}: the subject was {}; is now {}",
        "from": "from: {}",
        "earlier": "any before it, or none yet",
        "order": "the order is now: {}",
    },
    "de": {
        "journey added": "diese Journey ist neu",
        "journey removed": "diese Journey gibt es nicht mehr",
        "added rule": "neu: {}: {}",
        "removed rule": "entfernt: {}: {}",
        "changed rule": "{}: war {}; ist jetzt {}",
        "added": "neu: {} ({})",
        "removed": "entfernt: {} (war {})",
        "moved": "verschoben: {} (war {}; ist jetzt {})",
        "changed": "geändert: war {}; ist jetzt {}",
        "ways": "geändert: {}: die Wege waren {}; sind jetzt {}",
        "first": "am Anfang",
        "first in": "als Erstes in: {}, {}",
        "after": "nach: {}",
        "written": "journey.yaml ist anders geschrieben",
        "file added": "{}: neu",
        "file removed": "{}: gibt es nicht mehr",
        "file changed": "{}: geändert",
        "subject": "{}: der Betreff war {}; ist jetzt {}",
        "from": "aus: {}",
        "earlier": "jeder davor, oder noch keiner",
        "order": "die Reihenfolge ist jetzt: {}",
    },
}


def differences(
    before: Mapping[str, Files], after: Mapping[str, Files], language: Language
) -> dict[str, list[str]]:
    """What changed in each journey, by its name; journeys that are the same are left out.

    Takes the files of each journey; both versions have passed the checks.
    """
    found = {}
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            form = "journey added" if name in after else "journey removed"
            found[name] = [_WORDS[language][form]]
        elif said := list(_of_journey(before[name], after[name], language)):
            found[name] = said
    return found


def _of_journey(before: Files, after: Files, language: Language) -> Iterator[str]:
    old, new = _raw(before), _raw(after)
    said = [*_rules(old, new, language), *_Steps(language).compare(old["steps"], new["steps"])]
    if not said and _written(old) != _written(new):
        said = [_WORDS[language]["written"]]
    yield from said
    yield from of_files(_others(before), _others(after), language)


def _raw(files: Files) -> Raw:
    raw: Raw = read(JOURNEY_FILE, files[JOURNEY_FILE]).value
    return raw


def _written(raw: Any) -> str:
    return json.dumps(raw, sort_keys=True)


def _others(files: Files) -> dict[str, str]:
    return {name: text for name, text in files.items() if name != JOURNEY_FILE}


# --- entry, exits, goal; or any mapping


def _rules(old: Raw, new: Raw, language: Language) -> Iterator[str]:
    before, after = rules(old, language), rules(new, language)
    for word in dict.fromkeys((*before, *after)):
        if word == "leave when":
            yield from _exits(before.get(word, []), after.get(word, []), language)
        elif before.get(word) != after.get(word):
            yield _changed_rule(word, before.get(word), after.get(word), language)


def _changed_rule(
    word: str, before: list[str] | None, after: list[str] | None, language: Language
) -> str:
    if before is None or after is None:
        form = "added rule" if before is None else "removed rule"
        return _WORDS[language][form].format(word, "; ".join(before or after or []))
    return _WORDS[language]["changed rule"].format(word, "; ".join(before), "; ".join(after))


def _exits(before: list[str], after: list[str], language: Language) -> Iterator[str]:
    for one in before:
        if one not in after:
            yield _WORDS[language]["removed rule"].format("leave when", one)
    for one in after:
        if one not in before:
            yield _WORDS[language]["added rule"].format("leave when", one)


def of_mapping(before: Raw, after: Raw, language: Language) -> list[str]:
    """What changed in a mapping, word by word, as in brand.yaml."""
    return [
        _changed_rule(
            word,
            [plain(before[word], language)] if word in before else None,
            [plain(after[word], language)] if word in after else None,
            language,
        )
        for word in dict.fromkeys((*before, *after))
        if _written(before.get(word)) != _written(after.get(word))
    ]


def of_segments(before: Raw, after: Raw, language: Language) -> list[str]:
    """What changed in segments.yaml, each segment as its title and its condition."""

    def said(name: str, found: Raw) -> list[str] | None:
        one = found.get(name)
        return [quoted(one["title"], language), sentence(one["who"], language)] if one else None

    return [
        _changed_rule(name, said(name, before), said(name, after), language)
        for name in dict.fromkeys((*before, *after))
        if said(name, before) != said(name, after)
    ]


def of_lifecycle(before: Raw, after: Raw, language: Language) -> list[str]:
    """What changed in lifecycle.yaml: each stage as its title, its phase, from where people come
    and its condition; and the order, of which the last stage that fits takes a person."""
    old, new = _stages(before, language), _stages(after, language)
    said = [
        _changed_rule(name, old.get(name), new.get(name), language)
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
    if [name for name in old if name in new] != [name for name in new if name in old]:
        said.append(_WORDS[language]["order"].format(", ".join(new)))
    return said


def _stages(raw: Raw, language: Language) -> dict[str, list[str]]:
    """In words, by "model" and by "model stage"."""
    found = {}
    for model, one in raw.items():
        found[model] = [quoted(one["title"], language)]
        for name, stage in one["stages"].items():
            found[f"{model} {name}"] = _stage(stage, language)
    return found


def _stage(stage: Raw, language: Language) -> list[str]:
    words = _WORDS[language]
    places = [words["earlier"] if one == EARLIER else one for one in stage.get("from", [EARLIER])]
    phase = [stage["phase"]] if "phase" in stage else []
    comes = words["from"].format(", ".join(places))
    return [quoted(stage["title"], language), *phase, comes, sentence(stage["when"], language)]


# --- texts


def of_files(before: Files, after: Files, language: Language) -> list[str]:
    """Which files are new, gone or changed, with the subject of a mail where that is another."""
    words = _WORDS[language]
    said = []
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name):
            continue
        if name not in before or name not in after:
            form = "file added" if name in after else "file removed"
            said.append(words[form].format(name))
            continue
        old, new = _subject(before[name]), _subject(after[name])
        if old != new:
            subjects = quoted(old, language), quoted(new, language)
            said.append(words["subject"].format(name, *subjects))
        if _SUBJECT.sub("", before[name]) != _SUBJECT.sub("", after[name]) or old == new:
            said.append(words["file changed"].format(name))
    return said


def _subject(text: str) -> str:
    found = _SUBJECT.search(text)
    return found[1].strip() if found else ""


# --- steps


@dataclass(eq=False)
class _Placed:
    """A step where it stands: in words, and the gap between steps that stayed."""

    raw: Raw
    key: str
    place: str
    gap: object = None
    opened: bool = False


@dataclass
class _Steps:
    """Which steps of two versions are the same one, and what that says.

    Steps that stay in their order are found first, then those that moved, then those that became
    another of their kind in the same place; the others were removed or added.
    """

    language: Language
    said: list[str] = field(default_factory=list)
    old: list[_Placed] = field(default_factory=list)
    new: list[_Placed] = field(default_factory=list)

    def compare(self, before: list[Raw], after: list[Raw]) -> list[str]:
        """The sentences."""
        self._stayed(self._placed(before, None, None), self._placed(after, None, None))
        while self._moved() or self._became() or self._open():
            pass
        words = _WORDS[self.language]
        for one in self.old:
            self.said.append(words["removed"].format(self._step(one), one.place))
        for one in self.new:
            self.said.append(words["added"].format(self._step(one), one.place))
        return self.said

    def _step(self, one: _Placed) -> str:
        return step(one.raw, self.language)

    def _placed(self, found: list[Raw], holder: Raw | None, arm: Arm | None) -> list[_Placed]:
        words, place = _WORDS[self.language], _WORDS[self.language]["first"]
        if holder and arm:
            place = words["first in"].format(step(holder, self.language), arm.when)
        placed = []
        for raw in found:
            placed.append(_Placed(raw, _key(raw, self.language), place))
            place = words["after"].format(step(raw, self.language))
        return placed

    def _stayed(self, before: list[_Placed], after: list[_Placed]) -> None:
        keys = [one.key for one in before], [one.key for one in after]
        for kind, i, j, k, m in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            if kind == "equal":
                for old, new in zip(before[i:j], after[k:m], strict=True):
                    self._same(old, new)
                continue
            gap = object()
            for one in (*before[i:j], *after[k:m]):
                one.gap = gap
            self.old += before[i:j]
            self.new += after[k:m]

    def _same(self, old: _Placed, new: _Placed) -> None:
        """Two that are the same step: what it says of itself, then what it holds."""
        was, now = self._step(old), self._step(new)
        if was != now:
            self.said.append(_WORDS[self.language]["changed"].format(was, now))
        before, after = arms(old.raw, self.language), arms(new.raw, self.language)
        self._ways(was, before, after)
        for one, other in _paired(before, after):
            left = self._placed(one.steps, old.raw, one) if one else []
            right = self._placed(other.steps, new.raw, other) if other else []
            self._stayed(left, right)

    def _ways(self, which: str, before: list[Arm], after: list[Arm]) -> None:
        """The conditions and shares of a step's ways; `then` and `otherwise` are always there."""
        was, now = (
            "; ".join(arm.when for arm in of if len(arm.place) > 1) for of in (before, after)
        )
        if was != now:
            self.said.append(_WORDS[self.language]["ways"].format(which, was, now))

    def _moved(self) -> bool:
        for old in self.old:
            new = next((one for one in self.new if one.key == old.key), None)
            if new:
                words = _WORDS[self.language]["moved"]
                self.said.append(words.format(self._step(old), old.place, new.place))
                self._take(old, new)
                return True
        return False

    def _became(self) -> bool:
        for old in self.old:
            for new in self.new:
                if old.gap is not None and old.gap is new.gap and verb(old.raw) == verb(new.raw):
                    self._take(old, new)
                    return True
        return False

    def _take(self, old: _Placed, new: _Placed) -> None:
        self.old.remove(old)
        self.new.remove(new)
        if not old.opened and not new.opened:
            self._same(old, new)
            return
        # What they hold is being looked for by itself already.
        self.old += [] if old.opened else self._held(old)
        self.new += [] if new.opened else self._held(new)
        if self._step(old) != self._step(new):
            words = _WORDS[self.language]["changed"]
            self.said.append(words.format(self._step(old), self._step(new)))

    def _open(self) -> bool:
        """What a removed or added step holds may have moved by itself."""
        closed = [one for one in (*self.old, *self.new) if not one.opened]
        for side in (self.old, self.new):
            for one in list(side):
                if not one.opened:
                    one.opened = True
                    side += self._held(one)
        return bool(closed)

    def _held(self, one: _Placed) -> list[_Placed]:
        return [
            inner
            for arm in arms(one.raw, self.language)
            for inner in self._placed(arm.steps, one.raw, arm)
        ]


def _key(raw: Raw, language: Language) -> str:
    """By what a step is known again: its name, else its verb and object."""
    if raw.get("name"):
        return f"name {raw['name']}"
    which = verb(raw)
    held = ("choose", "wait for first of", "repeat")  # what these say is what they hold
    return which if which in held else f"{which}: {plain(raw.get(which), language)}"


def _paired(before: list[Arm], after: list[Arm]) -> Iterator[tuple[Arm | None, Arm | None]]:
    """The arms of two versions of a step: by when they are taken, else by where they stand."""
    rest = list(after)
    for one in before:
        other = next((arm for arm in rest if arm.when == one.when), None)
        other = other or next((arm for arm in rest if arm.place == one.place), None)
        if other:
            rest.remove(other)
        yield one, other
    for other in rest:
        yield None, other
