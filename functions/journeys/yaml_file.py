"""Reading YAML 1.2 (core schema) with line numbers, refusing what reads differently elsewhere."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import yaml

from functions.problem import Problem, Problems

Path = tuple[str | int, ...]
MOST_CHARACTERS = 200_000
DEEPEST = 40
MOST_DIGITS = 18  # of a number: what every store and tool can hold
_NULL, _BOOL, _INT, _FLOAT = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float")
)


class _CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """PyYAML with the resolvers of YAML 1.2's core schema: dates and clock times stay text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}


for _tag, _pattern, _first in (
    (_NULL, r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    (_BOOL, r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    (_INT, r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    (
        _FLOAT,
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        list("-+.0123456789"),
    ),
):
    _CoreLoader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


class Located:
    """A YAML document as plain values, and the line on which each of them stands."""

    def __init__(self, file: str, value: Any, lines: dict[Path, int]) -> None:
        self.file, self.value, self._lines = file, value, lines

    def line(self, path: Path) -> int:
        """The line of the value at the path, or of the nearest thing above it."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def read(file: str, text: str) -> Located:
    """Read one document. Raises Problems for bad YAML, duplicate keys, anchors and tags."""
    if len(text) > MOST_CHARACTERS:
        raise Problems([Problem(file, 0, f"longer than {MOST_CHARACTERS} characters")])
    try:
        _refuse_extras(file, text)
        node = yaml.compose(text, Loader=_CoreLoader)
    except Problems:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = f"not readable as YAML: {error.problem or error.context}"
        raise Problems([Problem(file, mark.line + 1 if mark else 1, words)]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Problems([Problem(file, 0, f"not readable as YAML: {error}")]) from None
    reader = _Reader(file)
    value = reader.build(node, ()) if node is not None else None
    if reader.problems:
        raise Problems(reader.problems)
    return Located(file, value, reader.lines)


def _refuse_extras(file: str, text: str) -> None:
    problems = [Problem(file, line, words) for line, words in _extras(text)]
    if problems:
        raise Problems(problems)


def _extras(text: str) -> Iterator[tuple[int, str]]:
    documents = depth = 0
    for event in yaml.parse(text, Loader=_CoreLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            yield line, "a second document (---) in one file; put it into a file of its own"
            return
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            yield line, f"nested more than {DEEPEST} deep"
            return
        if getattr(event, "anchor", None):
            yield line, "anchors and aliases (& and *) are not used here; write it out, or quote it"
        tag = getattr(event, "tag", None)
        if tag:
            yield line, f"tags ({tag}) are not used here; quote a text that begins with !"


class _Reader:
    """Builds plain values from nodes and notes their lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.tag == _INT and len(node.value) > MOST_DIGITS:
            words = f"a number of more than {MOST_DIGITS} digits; quote it if it is a text"
            self.problems.append(Problem(self.file, node.start_mark.line + 1, words))
            return 0
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, "a key must be a plain word"))
                continue
            key = key_node.value
            if key in result:
                self.problems.append(
                    Problem(self.file, line, f'"{key}" stands here twice; keep one of them')
                )
            self.lines[(*path, key)] = line
            result[key] = self.build(value_node, (*path, key))
        return result


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.tag == _NULL:
        return None
    if node.tag == _BOOL:
        return text.lower() == "true"
    if node.tag == _INT:
        return int(text, {"0x": 16, "0o": 8}.get(text[:2].lower(), 10))
    return float(text) if node.tag == _FLOAT else text
