"""Clusters: who is alike, in what, and how good the run was; and what its fit reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from zhike.insight.models import Cluster, ClusterMember, ModelRun
from zhike.insight.queries import _clusters_sql, audiences
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries.churn import fetched, in_scope
from zhike.insight.queries.persona import HOURS
from zhike.insight.rules.clusters import KINDS, apart, interest_of
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.kernel.fragments import Sql
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy

KIND = "clusters"
RUNS_KEPT = 5
"""Who belonged is kept of so many runs, and of those that segments name."""
CLUSTER_KINDS = KINDS


class ClusterNotFound(NotFound):
    code = "cluster-not-found"


@dataclass(frozen=True, slots=True)
class ClusterView:
    """``members`` are those in the viewer's scope, ``share`` of the clustered ones in it; ``counted`` all when the run was made.

    ``means`` are averages of the figures, ``effects`` how many standard deviations from the average member's they lie, ``apart`` the
    figures that set it apart. ``categories`` and ``hours``: name or band of the day, share of purchases, against the share of all.
    """

    id: int
    run_id: int
    kin: int
    number: int
    name: str
    proposed: tuple[str, ...]
    counted: int
    members: int
    share: float
    means: dict[str, float]
    effects: dict[str, float]
    apart: tuple[str, ...]
    categories: tuple[tuple[str, float, float], ...]
    hours: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """A cluster by name only: ``name`` by staff, or "" where ``proposed`` names it."""

    id: int
    run_id: int
    kin: int
    number: int
    name: str
    proposed: tuple[str, ...]


def cluster_run_id() -> int | None:
    """The run in use: the newest that was finished."""
    return (
        ModelRun.objects.filter(kind=KIND, state="done").order_by("-id").values_list("id", flat=True).first()
    )


def clusters(viewer: Viewer, run_id: int | None = None) -> list[ClusterView]:
    """The clusters of a run, or of the one in use, by number. Raises NotAllowed."""
    require(viewer, VIEW)
    wanted = run_id or cluster_run_id()
    if wanted is None:
        return []
    statement = Sql("SELECT s.cluster_id, count(*) FROM insight_clustermember s JOIN (") + in_scope(viewer)
    counted = dict(fetched(statement + Sql(" AND s.run_id = %s GROUP BY 1", (wanted,))))
    whole = sum(counted.values()) or 1
    rows = Cluster.objects.filter(run_id=wanted).order_by("number")
    return [_view(row, counted.get(row.pk, 0), whole) for row in rows]


def cluster(viewer: Viewer, cluster_id: int) -> ClusterView:
    """Raises NotAllowed, ClusterNotFound."""
    require(viewer, VIEW)
    row = Cluster.objects.filter(pk=cluster_id).first()
    if row is None:
        raise ClusterNotFound
    return next(one for one in clusters(viewer, row.run_id) if one.id == cluster_id)


def _view(row: Cluster, members: int, whole: int) -> ClusterView:
    known = row.profile
    favourites = [
        tuple((name, share, of_all) for name, share, of_all in known[part])
        for part in ("categories", "hours")
    ]
    return ClusterView(
        row.pk, row.run_id, row.kin, row.number, row.name, tuple(row.proposed), row.members, members, members / whole,
        known["means"], known["effects"], tuple(apart(known["effects"])), *favourites,
    )  # fmt: skip


def cluster_of(member_id: int) -> ClusterRef | None:
    """In the run in use; None for who refused to be profiled or bought nothing. The caller has authorised the member."""
    rows = ClusterMember.objects.select_related("cluster", "member")
    row = rows.filter(run_id=cluster_run_id(), member_id=member_id).first()
    if row is None:
        return None
    said = privacy.decisions_on([row.member.person_id], "personalisation").get(row.member.person_id)
    return None if said in ("refused", "withdrawn") else _ref(row.cluster)


def cluster_refs() -> list[ClusterRef]:
    """Clusters whose members are known, of the newest run first; names of conditions."""
    runs = ClusterMember.objects.order_by().values("run_id").distinct()
    rows = Cluster.objects.filter(run_id__in=runs, run__state="done").order_by("-run_id", "number")
    return [_ref(row) for row in rows]


def cluster_lines() -> list[ClusterRef]:
    """Each line of clusters by its newest one that is in the run in use; a condition on ``kin`` follows it from run to run."""
    return [_ref(row) for row in Cluster.objects.filter(run_id=cluster_run_id()).order_by("number")]


def _ref(row: Cluster) -> ClusterRef:
    return ClusterRef(row.pk, row.run_id, row.kin, row.number, row.name, tuple(row.proposed))


def cluster_means(run_id: int) -> dict[str, float]:
    """The averages of all members of a run."""
    return dict(_card(run_id).parameters["means"])


def cluster_choice(run_id: int) -> dict[str, Any]:
    """What a run tried: ``tried`` with method, k, silhouette, stability and smallest; and what it used: method, k, reason."""
    return dict(_card(run_id).holdout["0"])


def _card(run_id: int) -> ModelRun:
    return ModelRun.objects.defer("model").get(pk=run_id, kind=KIND)


# --- for the fit ---------------------------------------------------------------------------------------------------


def interests() -> dict[int, str]:
    """What each trade category stands for, by its words or those of the category above it."""
    group = organization.founded_group()
    known = {one.id: one for one in organization.trade_categories(group.id)} if group else {}
    found = {}
    for one in known.values():
        names, at = [one.name, one.code], one
        for _step in range(5):
            above = known.get(at.parent_id or 0)
            if above is None:
                break
            names += [above.name, above.code]
            at = above
        if interest := interest_of(names):
            found[one.id] = interest
    return found


def cluster_rows(
    now: dt.datetime, known: Mapping[int, str], between: tuple[int, int] | None = None, thin: int = 1
) -> list[tuple[Any, ...]]:
    """The figures of members; see the statement. By joins, as the figures of churn are and for the same reason."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        rows = fetched(_clusters_sql.figures(now, audiences.zone(), known, between, thin))
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return rows


def favourites(run_id: int, now: dt.datetime) -> list[tuple[int, str, int, int]]:
    """Cluster, part, trade category or band of the day, purchases."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        rows = fetched(_clusters_sql.favourites(run_id, now, audiences.zone(), HOURS))
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
    return [(row[0], row[1], row[2] or 0, row[3]) for row in rows]


def shared(before: int, after: int) -> dict[tuple[int, int], int]:
    """How many members two runs' clusters share, by ids."""
    statement = Sql(
        """SELECT b.cluster_id, a.cluster_id, count(*) FROM insight_clustermember b JOIN insight_clustermember a
        ON a.member_id = b.member_id AND a.run_id = %s WHERE b.run_id = %s GROUP BY 1, 2""",
        (after, before),
    )
    return {(one, other): count for one, other, count in fetched(statement)}


def named_runs(definitions: Sequence[Any]) -> set[int]:
    """The runs whose clusters segments name."""
    from zhike.insight.rules.definition import leaves, parse

    ids = {
        int(value)
        for given in definitions
        for leaf in leaves(parse(given))
        if leaf.field.code == "cluster_of_run"
        for value in leaf.values
    }
    return set(Cluster.objects.filter(pk__in=ids).values_list("run_id", flat=True))
