"""Writing points into a scoring.yaml, of which every other letter stays as it was written."""

from collections.abc import Iterator, Mapping

import yaml

from functions.journeys.yaml_file import read
from functions.segments.rules import SCORING_FILE
from functions.segments.scoring import OF_RULE, rule_of


def with_points(text: str, points: Mapping[str, float]) -> str:
    """The file with these points for the rules with these keys. Raises Problems if it is no YAML,
    KeyError when a rule is not there."""
    places = {key: (start, end) for key, start, end in _places(text)}
    changes = sorted(((*places[key], new) for key, new in points.items()), reverse=True)
    for start, end, new in changes:  # the last first, so that the places of the others hold
        text = f"{text[:start]}{new:g}{text[end:]}"
    return text


def _places(text: str) -> Iterator[tuple[str, int, int]]:
    """Each rule's key, and from where to where its points stand in the text."""
    raw = read(SCORING_FILE, text).value or {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    for word in OF_RULE:
        for number, one in enumerate(raw.get(word) or ()):
            node = _below(_below(_below(root, word), number), "points")
            yield rule_of(word, one).key, node.start_mark.index, node.end_mark.index


def _below(node: yaml.Node | None, step: str | int) -> yaml.Node:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        found: yaml.Node = node.value[step]
        return found
    assert isinstance(node, yaml.MappingNode)
    here: yaml.Node = next(value for key, value in node.value if key.value == step)
    return here
