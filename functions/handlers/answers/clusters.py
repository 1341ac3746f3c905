"""Answers about clusters: which there are and why, what they are called, and to learn them anew."""

from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    chosen_language,
    operation,
    read_as,
)
from functions.handlers.openapi import Parameter
from functions.segments.cluster_records import (
    ClusterChoices,
    ClusterFigures,
    ClusterReport,
    Difference,
    Within,
)
from functions.segments.cluster_words import figure, judgement, sentence
from functions.segments.condition import did_you_mean
from functions.segments.spoken import Language
from functions.storage import clusters

MOST_LETTERS = 60
CLUSTER = Parameter("cluster", "path", "the cluster's id, such as c2, which stays")


class DifferenceView(msgspec.Struct, kw_only=True):
    """How a feature sets a cluster apart from all other customers: medians (of shares means), the
    standardised difference, and the same in words."""

    feature: str
    inside: float
    outside: float
    difference: float
    says: str


class ClusterView(msgspec.Struct, kw_only=True):
    """A cluster: its id, what marketers call it ("" for nothing), its part of the customers and
    about how many these are, what it is like, some ids, and the segments it shares most with."""

    cluster: str
    name: str
    share: float
    people: int
    says: str
    apart: list[DifferenceView]
    sample: list[str]
    segments: list[Within]


class ClustersView(msgspec.Struct, kw_only=True):
    """The clusters in force, the greatest first; `made` null: nothing was learned yet.

    `silhouette`: how distinct they are, from -1 to 1. `stability`: how much they are like those
    before (adjusted Rand index, 1: the same), null where there were none. `asked`: when somebody
    asked to learn anew, as long as it was not done.
    """

    made: datetime | None = None
    customers: int = 0
    sampled: int = 0
    silhouette: float = 0.0
    stability: float | None = None
    says: str = ""
    clusters: list[ClusterView] = []
    gone: list[str] = []
    asked: datetime | None = None


class ClusterName(msgspec.Struct):
    """What to call a cluster; "" takes the name away."""

    name: str


class Named(msgspec.Struct):
    """The cluster, and what it is called now."""

    cluster: str
    name: str


class Asked(msgspec.Struct):
    """Since when clusters are to be learned anew; it is done within the hour."""

    asked: datetime


@operation(
    "/api/clusters",
    "Customers who behave alike: the clusters in force, and what sets each apart",
    ClustersView,
    LANGUAGE,
)
def _clusters() -> ClustersView:
    store, language = wiring.parts().store, chosen_language()
    found, chosen = clusters.newest_report(store), clusters.choices(store)
    if found is None:
        return ClustersView(says=judgement(None, language), asked=chosen.asked)
    is_open = chosen.asked is not None and chosen.asked > found.made
    return ClustersView(
        made=found.made,
        customers=found.customers,
        sampled=found.sampled,
        silhouette=found.silhouette,
        stability=found.stability,
        says=judgement(found, language),
        clusters=[_view(one, chosen, language) for one in found.clusters],
        gone=found.gone,
        asked=chosen.asked if is_open else None,
    )


def _view(one: ClusterFigures, chosen: ClusterChoices, language: Language) -> ClusterView:
    return ClusterView(
        cluster=one.cluster,
        name=chosen.names.get(one.cluster, ""),
        share=one.share,
        people=one.people,
        says=sentence(one.apart, language),
        apart=[_difference(apart, language) for apart in one.apart],
        sample=one.sample,
        segments=one.segments,
    )


def _difference(one: Difference, language: Language) -> DifferenceView:
    return DifferenceView(
        feature=one.feature,
        inside=one.inside,
        outside=one.outside,
        difference=one.difference,
        says=figure(one, language),
    )


@operation(
    "/api/clusters/{cluster}",
    "Call a cluster by a name; the id stays what conditions name it by",
    Named,
    CLUSTER,
    method="put",
    body=ClusterName,
)
def _name(cluster: str) -> Named:
    store, name = wiring.parts().store, read_as(ClusterName).name.strip()
    found = clusters.newest_report(store)
    known = _ids(found)
    if cluster not in known:
        hint = did_you_mean(cluster[:20], known)
        raise NotFoundError(f'there is no cluster "{cluster[:20]}"; {hint}')
    if len(name) > MOST_LETTERS or not (name.isprintable()):
        raise BadRequestError(f"a name has at most {MOST_LETTERS} printable letters")

    def alter(chosen: ClusterChoices) -> bool:
        chosen.names = {**chosen.names, cluster: name}
        return True

    clusters.choose(store, alter)
    return Named(cluster, name)


def _ids(found: ClusterReport | None) -> list[str]:
    return [one.cluster for one in found.clusters] if found else []


@operation(
    "/api/clusters/learn",
    "Learn the clusters anew, within the hour; by itself that is done once a week",
    Asked,
    method="post",
)
def _learn() -> Asked:
    parts = wiring.parts()
    now = parts.now()

    def alter(chosen: ClusterChoices) -> bool:
        chosen.asked = now
        return True

    clusters.choose(parts.store, alter)
    return Asked(now)
