"""Answers about the lifecycle: its models, where people stand and why, and how stages weigh."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    LIMIT,
    NEXT,
    PERSON,
    chosen_language,
    operation,
    page_size,
    profile_of_id,
    query,
)
from functions.segments.lifecycle import NONE_YET, Model, Stage
from functions.segments.sentence import sentence
from functions.segments.spoken import Language
from functions.segments.stage_reasons import because
from functions.tracking import orders
from functions.tracking.profile import Move, Profile, Stay


class StageView(msgspec.Struct, kw_only=True):
    """A stage: from which others people come to it ("" is none yet), and when, in words."""

    name: str
    title: str
    phase: str
    comes_from: list[str]
    when: str


class ModelView(msgspec.Struct):
    """A model with its stages, in the order of lifecycle.yaml."""

    name: str
    title: str
    stages: list[StageView]


class LifecycleView(msgspec.Struct):
    """The models in force, in the order of lifecycle.yaml; the first is what `stage` means."""

    models: list[ModelView]


class MoveView(msgspec.Struct):
    """A change of stage ("" is none), and why."""

    time: datetime
    stage: str
    title: str
    because: str


class StandsView(msgspec.Struct, kw_only=True):
    """Where a person stands in a model, since when, and how they came there, newest first."""

    model: str
    stage: str
    title: str
    phase: str
    since: datetime | None
    history: list[MoveView]


class StagesPage(msgspec.Struct):
    """Where a person stands in each model."""

    stages: list[StandsView]


class Weight(msgspec.Struct, kw_only=True):
    """How many people stand in a stage, and what they have brought in, by currency."""

    model: str
    stage: str
    phase: str
    people: int
    revenue: dict[str, Decimal]


class WeightsPage(msgspec.Struct):
    """The weights among the people of one page: add those of all pages up."""

    people: int
    weights: list[Weight]
    next: str = ""


@operation(
    "/api/lifecycle",
    "The models of lifecycle.yaml with their stages",
    LifecycleView,
    LANGUAGE,
)
def _lifecycle() -> LifecycleView:
    language = chosen_language()
    return LifecycleView([_model(model, language) for model in _models().values()])


def _models() -> dict[str, Model]:
    return dict(wiring.parts().library.rules().lifecycle.models)


def _model(model: Model, language: Language) -> ModelView:
    order = [NONE_YET, *model.stages]
    stages = [
        StageView(
            name=stage.name,
            title=stage.title,
            phase=stage.phase,
            comes_from=[name for name in order if name in stage.comes_from],
            when=sentence(dict(stage.when), language),
        )
        for stage in model.stages.values()
    ]
    return ModelView(model.name, model.title, stages)


@operation(
    "/api/people/{person_id}/stages",
    "In which stage a person is, since when, and how they came there",
    StagesPage,
    PERSON,
    LANGUAGE,
)
def _stages(person_id: str) -> StagesPage:
    language, profile, models = chosen_language(), profile_of_id(person_id), _models()
    return StagesPage(
        [
            _stands(name, stay, dict(models[name].stages) if name in models else {}, language)
            for name, stay in profile.stages.items()
        ]
    )


def _stands(model: str, stay: Stay, stages: dict[str, Stage], language: Language) -> StandsView:
    history = sorted(stay.history, key=lambda move: move.time, reverse=True)
    return StandsView(
        model=model,
        stage=stay.stage,
        title=_title(stages.get(stay.stage)),
        phase=stay.phase,
        since=stay.since if stay.stage else None,
        history=[_move(move, stages.get(move.stage), language) for move in history],
    )


def _move(move: Move, stage: Stage | None, language: Language) -> MoveView:
    return MoveView(move.time, move.stage, _title(stage), because(move, stage, language))


def _title(stage: Stage | None) -> str:
    return stage.title if stage else ""


@operation(
    "/api/lifecycle/weights",
    "How many people stand in each stage and what they have brought in, page by page",
    WeightsPage,
    LIMIT,
    NEXT,
)
def _weights() -> WeightsPage:
    store = wiring.parts().store
    profiles, after = store.listing(Profile, limit=page_size(), after=query("after"))
    return WeightsPage(len(profiles), list(_weighed(profiles)), after)


def _weighed(profiles: Iterable[Profile]) -> Iterable[Weight]:
    found: dict[tuple[str, str], Weight] = {}
    for profile in profiles:
        for model, stay in profile.stages.items():
            weight = found.setdefault(
                (model, stay.stage),
                Weight(model=model, stage=stay.stage, phase=stay.phase, people=0, revenue={}),
            )
            weight.people += 1
            for currency, amount in orders.revenue(profile).items():
                before = weight.revenue.get(currency, Decimal(0))
                weight.revenue[currency] = before + amount
    return found.values()
