"""The step types, one file each, found by looking into this folder."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec

from functions.journeys.step import Step

NOT_YET: tuple[str, ...] = ()


@cache
def types() -> dict[str, type[Step]]:
    """Every step type by its verb."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    found = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Step)
        and kind.verb
        and kind.__module__ == module.__name__
    ]
    return {kind.verb: kind for kind in sorted(found, key=lambda kind: kind.verb)}


def verb_of(raw: dict[str, Any]) -> str:
    """The verb of a step in YAML; "" when it has none or several."""
    verbs = [verb for verb in types() if verb in raw]
    return verbs[0] if len(verbs) == 1 else ""


def read(raw: list[dict[str, Any]], before: Step | None = None) -> list[Step]:
    """Typed and named steps from YAML that fits the schema."""
    steps: list[Step] = []
    for item in raw:
        step = msgspec.convert(item, types()[verb_of(item)])
        step.name = step.name or step.label(before)
        for _, arm in step.ways():
            below: list[Any] = list(arm)  # until now as it stands in the file
            arm[:] = read(below, step)
        steps.append(step)
        before = step
    return steps
