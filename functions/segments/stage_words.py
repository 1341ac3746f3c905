"""What conditions say of stages: the fields of a person, and the events of their changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from functions.segments.condition import Path, did_you_mean, names, parts_of
from functions.tracking.own_event import STAGE_CHANGED

PHASES = ("recruitment", "retention", "recovery")
OF_THE_FIRST = ("stage", "phase", "stage_since")  # fields of a person: of the first model
OF_EACH = "stages"  # stages.sales: of the model with this name
_OF_NAMES = ("", "not", "one of", "none of")
StageNames = Mapping[str, Mapping[str, str]]  # model -> stage -> its phase; in the file's order
NO_STAGES: StageNames = {}


def stage_names(raw: Any) -> dict[str, dict[str, str]]:
    """The stages of each model with their phases, as far as lifecycle.yaml can be read."""
    return {
        name: {stage: str(mapping(one).get("phase", "")) for stage, one in stages_below(m).items()}
        for name, m in mapping(raw).items()
    }


def stages_below(model: Any) -> dict[str, Any]:
    """The stages of a model as the file has it; none where there are none."""
    return mapping(mapping(model).get("stages"))


def mapping(raw: Any) -> dict[str, Any]:
    """What was read if it is a mapping, else an empty one."""
    return raw if isinstance(raw, dict) else {}


def models_spoken_of(raw: Any, models: Sequence[str]) -> set[str]:
    """Of which of these models' stages a condition speaks itself. Events of changes may be of
    any."""
    found: set[str] = set()
    for _, one in parts_of(raw):
        if "did" in one and STAGE_CHANGED in names(one["did"]):
            found |= set(models)
        for path in mapping(one.get("person")):
            first, _, rest = path.partition(".")
            if first in OF_THE_FIRST:
                found |= set(models[:1])
            elif first == OF_EACH:
                found |= {rest} & set(models) if rest else set(models)
    return found


def unknown_stages(one: dict[str, Any], stages: StageNames) -> Iterator[tuple[Path, str]]:
    """Stages, phases and models in one condition or event that lifecycle.yaml does not have;
    where it has no model, a stage is a trait like any other."""
    if not stages:
        return
    first = next(iter(stages))
    for path, test in mapping(one.get("person")).items():
        field, _, model = path.partition(".")
        if field == "stage":
            yield from _tested(("person", path), test, stages[first], f'in "{first}"')
        elif field == "phase":
            phases = dict.fromkeys(filter(None, stages[first].values()))
            yield from _tested(("person", path), test, phases, f'in "{first}"', "phase")
        elif field == OF_EACH and model not in stages:
            hint = did_you_mean(model, stages)
            yield ("person", path), f'say which model, like "{OF_EACH}.{first}"; {hint}'
        elif field == OF_EACH:
            yield from _tested(("person", path), test, stages[model], f'in "{model}"')
    yield from _of_changes(one, stages)


def _of_changes(one: dict[str, Any], stages: StageNames) -> Iterator[tuple[Path, str]]:
    """The same of what is asked of the events that tell of changes."""
    word = next((word for word in ("event", "did") if word in one), "")
    if not word or names(one[word]) != (STAGE_CHANGED,):
        return
    where = mapping(one.get("where"))
    yield from _tested(("where", "model"), where.get("model", {}), stages, "", "model")
    model = where.get("model")
    chosen = [model] if isinstance(model, str) and model in stages else list(stages)
    there = {stage: phase for name in chosen for stage, phase in stages[name].items()}
    place = f'in "{chosen[0]}"' if len(chosen) == 1 else "in lifecycle.yaml"
    for field in ("stage", "before"):
        allowed = {**there, "": ""} if field == "before" else there
        yield from _tested(("where", field), where.get(field, {}), allowed, place)


def _tested(
    path: Path, test: Any, there: Mapping[str, Any], place: str, what: str = "stage"
) -> Iterator[tuple[Path, str]]:
    """Values that the field is compared with and that it never has."""
    tests = test if isinstance(test, dict) else {"": test}
    for word, wanted in tests.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        for value in values if word in _OF_NAMES else ():
            if value not in list(there):
                where = f" {place}" if place else ""
                hint = did_you_mean(str(value), filter(None, there))
                yield path, f'there is no {what} "{value}"{where}; {hint}'
