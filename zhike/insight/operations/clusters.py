"""Members who are alike are found, kept apart, called by a name, and found again week by week."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight import _churn as drifts
from zhike.insight import _clusters as models
from zhike.insight.events import ClusterRenamed, ClustersFitted
from zhike.insight.models import Cluster, ClusterMember, ModelRun, Segment
from zhike.insight.queries import churn
from zhike.insight.queries import clustering as queries
from zhike.insight.rules import clusters as rules
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.organization import queries as organization

if TYPE_CHECKING:
    from zhike.insight._clusters import Model, Sums, Vector

EDIT = "segments.edit"
JOB = "zhike.insight.jobs.fit_clusters"
LEARNT_MOST = 30_000
CHUNK = 20_000
FAVOURITES = 5


class ClusterRunUnusable(Invalid):
    code = "cluster-run-unusable"
    title = _(
        "A run asks for K-means, Ward or the better of both, and for three to nine clusters or the best number."
    )


class ClusterNameUnusable(Invalid):
    code = "cluster-name-unusable"
    title = _("A name has at most 40 characters, and no two clusters of a run have the same one.")


def fit_clusters(*, actor: Viewer, method: str = "auto", k: int = 0, now: dt.datetime) -> int:
    """Find the clusters anew and put every member into one; the run's id.

    ``method`` auto: K-means or Ward, whichever keeps members apart better; ``k`` 0: the number by the rule of
    ``rules.clusters.chosen``. The same members on the same day give the same clusters. A cluster that shares 30 of 100 members
    with one of the run before continues it and keeps the name that staff gave it. Who may not be profiled is in no row.
    Raises NotAllowed, ClusterRunUnusable.
    """
    require_touch(actor, EDIT)
    _require_usable(method, k)
    known = queries.interests()
    thin = 1 + churn.last_member_id() // LEARNT_MOST
    rows = queries.cluster_rows(now, known, thin=thin)
    run = ModelRun(
        kind=queries.KIND, state="failed", ran_at=now, ran_by=actor.label, last_on=now.date(),
        first_on=now.date() - dt.timedelta(days=rules.WINDOW_DAYS),
        parameters={"asked": {"method": method, "k": k}, "rows": {"learnt": len(rows)}},
    )  # fmt: skip
    fitted: Model | None = None
    if len(rows) < rules.MEMBERS_MIN:
        run.fault = "too-few"
    else:
        fitted = _fitted(run, models.figures_of(rows), method, k)
        run.state = "done"
    with transaction.atomic():
        run.save()
        if fitted is not None:
            _keep(run, fitted, known, now)
        _tell(actor, run, now)
    return run.pk


def renew_clusters(*, actor: Viewer, now: dt.datetime) -> int:
    """Every night: put members into the clusters of the run in use by what they do now, and say how far things moved.

    A run that is a week old is made again, as it was ordered; so is a first one. The run's id. Raises NotAllowed.
    """
    require_touch(actor, EDIT)
    run = ModelRun.objects.filter(kind=queries.KIND, state="done").order_by("-id").first()
    if run is None:
        return fit_clusters(actor=actor, now=now)
    if run.ran_at <= now - dt.timedelta(days=rules.REFIT_DAYS) or not run.model:
        asked = run.parameters["asked"]
        return fit_clusters(actor=actor, method=asked["method"], k=asked["k"], now=now)
    with transaction.atomic():
        run = ModelRun.objects.select_for_update().get(pk=run.pk)
        _keep(run, models.unpacked(bytes(run.model or b"")), queries.interests(), now, again=True)
        _tell(actor, run, now)
    return run.pk


def order_cluster_fit(*, actor: Viewer, method: str = "auto", k: int = 0, now: dt.datetime) -> None:
    """Have a worker do it soon; while one waits, another order changes nothing. Raises NotAllowed, ClusterRunUnusable."""
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    require_touch(actor, EDIT)
    _require_usable(method, k)
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(JOB, queue="default", lock="insight.clusters", queueing_lock=JOB).defer(
            method=method, k=k
        )


def _require_usable(method: str, k: int) -> None:
    if method not in ("auto", *rules.METHODS) or not (k == 0 or rules.K_MIN <= k <= rules.K_MAX):
        raise ClusterRunUnusable


@transaction.atomic
def rename_cluster(*, actor: Viewer, cluster_id: int, name: str, now: dt.datetime) -> None:
    """What staff call a cluster and those that continue it; "" gives it back the name from its figures.

    Raises ClusterNotFound, ClusterNameUnusable, NotAllowed.
    """
    require_touch(actor, EDIT)
    row = Cluster.objects.select_for_update().filter(pk=cluster_id).first()
    if row is None:
        raise queries.ClusterNotFound
    name = " ".join(name.split())
    others = Cluster.objects.filter(run_id=row.run_id).exclude(pk=row.pk)
    if len(name) > rules.NAME_MAX or (name and others.filter(name=name).exists()):
        raise ClusterNameUnusable
    if name == row.name:
        return
    before, row.name = row.name, name
    row.save(update_fields=["name"])
    audit.record(
        actor=actor, action="clusters.rename", subject=("cluster", row.pk), before={"name": before},
        after={"name": name}, now=now,
    )  # fmt: skip
    events.publish(ClusterRenamed(row.pk, row.run_id, name), actor=actor, now=now)


# --- fitting -------------------------------------------------------------------------------------------------------


def _fitted(run: ModelRun, figures: Vector, method: str, k: int) -> Model:
    """The clustering that is used; the card says what was tried and why it is this one."""
    scale = models.scale_of(figures)
    points = models.scaled(figures, scale)
    found = models.fits(points)
    tried = models.candidates(points, found)
    used, reason = rules.chosen(tried, len(points), method, k)
    fitted = models.model_of(found[used.method, used.k], scale, used.k)
    run.model = fitted.packed()
    run.holdout = {
        "0": {
            "tried": rules.stored_candidates(tried), "method": used.method, "k": used.k, "reason": reason,
            "silhouette": used.silhouette, "stability": used.stability, "winner": used.method,
        }
    }  # fmt: skip
    run.parameters |= _described(figures)
    return fitted


def _described(figures: Vector) -> dict[str, Any]:
    """How the figures lay when the clusters were made."""
    edges = {code: drifts.edges_of(figures[:, at]) for at, code in enumerate(rules.CODES)}
    return {
        "edges": edges,
        "shares": {
            code: drifts.shares_of(figures[:, at], edges[code]) for at, code in enumerate(rules.CODES)
        },
    }


# --- everybody's cluster -------------------------------------------------------------------------------------------


def _keep(
    run: ModelRun, fitted: Model, known: Mapping[int, str], now: dt.datetime, again: bool = False
) -> None:
    """Everybody into their cluster, piece by piece; what the clusters are like; names; old runs put away."""
    k = max(fitted.cluster) + 1
    rows = {row.number: row for row in Cluster.objects.filter(run=run)}
    for number in range(1, k + 1):
        if number not in rows:
            rows[number] = Cluster.objects.create(run=run, number=number, proposed=[], members=0, profile={})
    sums, drifted = models.Sums(k, fitted.scale), _Parts(run.parameters)
    start, last = 0, churn.last_member_id()
    while start < last:
        found = queries.cluster_rows(now, known, (start, start + CHUNK))
        ids: list[int] = []
        if found:
            figures = models.figures_of(found)
            numbers = models.assigned(fitted, figures)
            sums.add(figures, numbers)
            drifted.add(figures)
            ids = [rows[int(one) + 1].pk for one in numbers]
        _write(run.pk, (start, start + CHUNK), [row[0] for row in found], ids)
        start += CHUNK
    _describe(run, rows, sums, now)
    if not again:
        _continue(run, rows)
    _drift(run, rows, drifted, again)
    run.members = int(sums.members.sum())
    run.finished_at = now
    run.save()
    _put_away(run)


def _write(run_id: int, between: tuple[int, int], member_ids: list[int], cluster_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM insight_clustermember WHERE run_id = %s AND member_id > %s AND member_id <= %s AND NOT member_id = ANY(%s)",
            [run_id, *between, member_ids],
        )
        cursor.execute(
            """INSERT INTO insight_clustermember AS c (run_id, member_id, cluster_id)
            SELECT %s, u.member_id, u.cluster_id FROM unnest(%s::bigint[], %s::bigint[]) u(member_id, cluster_id)
            ON CONFLICT (run_id, member_id) DO UPDATE SET cluster_id = excluded.cluster_id
            WHERE c.cluster_id <> excluded.cluster_id""",
            [run_id, member_ids, cluster_ids],
        )


def _describe(run: ModelRun, rows: Mapping[int, Cluster], sums: Sums, now: dt.datetime) -> None:
    means, whole = sums.means()
    effects = sums.effects()
    names = rules.proposed(effects)
    liked = _liked(run.pk, now)
    for number, row in rows.items():
        at = number - 1
        row.members, row.proposed = int(sums.members[at]), list(names[at])
        row.profile = {"means": means[at], "effects": effects[at], **liked.get(row.pk, _NOTHING)}
        row.save(update_fields=["members", "proposed", "profile"])
    run.parameters |= {"means": whole}


_NOTHING: dict[str, list[Any]] = {"categories": [], "hours": []}


def _liked(run_id: int, now: dt.datetime) -> dict[int, dict[str, list[Any]]]:
    """Each cluster's trade categories and times of day: name, share of its purchases, share of everybody's."""
    group = organization.founded_group()
    names = {one.id: one.name for one in organization.trade_categories(group.id)} if group else {}
    counts: dict[tuple[int, str], dict[int, int]] = {}
    for cluster_id, part, key, count in queries.favourites(run_id, now):
        for who in (cluster_id, 0):
            of = counts.setdefault((who, part), {})
            of[key] = of.get(key, 0) + count
    found: dict[int, dict[str, list[Any]]] = {}
    for (cluster_id, part), of in counts.items():
        if cluster_id:
            lines = _shares(of, counts[0, part])
            if part == "category":
                lines = [(names[key], share, usual) for key, share, usual in lines if key in names][
                    :FAVOURITES
                ]
            else:
                lines.sort()
            place = "categories" if part == "category" else "hours"
            found.setdefault(cluster_id, {"categories": [], "hours": []})[place] = [
                (str(key), share, usual) for key, share, usual in lines
            ]
    return found


def _shares(of: Mapping[int, int], everybody: Mapping[int, int]) -> list[tuple[Any, float, float]]:
    """The largest share first."""
    mine, all_ = sum(of.values()), sum(everybody.values())
    lines = [(key, round(count / mine, 4), round(everybody[key] / all_, 4)) for key, count in of.items()]
    return sorted(lines, key=lambda line: (-line[1], line[0]))


def _continue(run: ModelRun, rows: Mapping[int, Cluster]) -> None:
    """Which of them continue clusters of the run before, with their names."""
    before = ModelRun.objects.filter(kind=queries.KIND, state="done", pk__lt=run.pk).order_by("-id").first()
    old = list(Cluster.objects.filter(run=before).order_by("number")) if before else []
    new = [rows[number] for number in sorted(rows)]
    common = queries.shared(before.pk, run.pk) if before else {}
    shared = [[common.get((one.pk, other.pk), 0) for other in new] for one in old]
    follows = models.kin(shared, [one.members for one in old], [one.members for one in new], rules.KIN_FROM)
    for at, row in enumerate(new):
        row.kin = old[follows[at]].kin if at in follows else row.pk
        row.name = old[follows[at]].name if at in follows else ""
        row.save(update_fields=["kin", "name"])


class _Parts:
    """How the figures lie now, in the parts that were made with the run, added up piece by piece."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.edges = parameters["edges"]
        self.members = 0
        self.counts: dict[str, list[float]] = {}

    def add(self, figures: Vector) -> None:
        size = len(figures)
        self.members += size
        for at, code in enumerate(rules.CODES):
            part = [share * size for share in drifts.shares_of(figures[:, at], self.edges[code])]
            known = self.counts.get(code, [0.0] * len(part))
            self.counts[code] = [one + other for one, other in zip(known, part, strict=True)]

    def shares(self) -> dict[str, list[float]]:
        return {code: [one / max(self.members, 1) for one in counts] for code, counts in self.counts.items()}


def _drift(run: ModelRun, rows: Mapping[int, Cluster], parts: _Parts, again: bool) -> None:
    """How far the sizes of the clusters and the figures have moved since the clusters were made."""
    whole = sum(row.members for row in rows.values()) or 1
    sizes = [rows[number].members / whole for number in sorted(rows)]
    if not again:
        run.parameters |= {"sizes": sizes}
        return
    moved = {code: drifts.psi(run.parameters["shares"][code], now) for code, now in parts.shares().items()}
    run.drift = {
        "run": run.pk,
        "score": drifts.psi(run.parameters["sizes"], sizes),
        "figures": dict(sorted(moved.items(), key=lambda item: (-item[1], item[0]))),
    }


def _put_away(run: ModelRun) -> None:
    """Who belonged is kept of the newest runs and of those that segments name; the model of the run in use only."""
    runs = ModelRun.objects.filter(kind=queries.KIND, state="done").order_by("-id")
    kept = set(runs.values_list("id", flat=True)[: queries.RUNS_KEPT])
    kept |= queries.named_runs(
        list(Segment.objects.filter(archived_at=None).values_list("definition", flat=True))
    )
    ClusterMember.objects.exclude(run_id__in=kept).delete()
    ModelRun.objects.filter(kind=queries.KIND).exclude(pk=run.pk).update(model=None)


def _tell(actor: Viewer, run: ModelRun, now: dt.datetime) -> None:
    k = run.holdout["0"]["k"] if run.holdout else 0
    after = {"members": run.members, "clusters": k, "fault": run.fault}
    audit.record(actor=actor, action="clusters.fit", subject=("model_run", run.pk), after=after, now=now)
    events.publish(ClustersFitted(run.pk, run.members, k, run.fault), actor=actor, now=now)
