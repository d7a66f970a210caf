"""Who may be leaving: a model is fitted and tried, everybody is scored in pieces, and a run that broke off goes on."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from zhike.insight import _churn as models
from zhike.insight import _lifetime as lifetime
from zhike.insight._lifetime import BgNbd, NotFitted
from zhike.insight.events import ChurnScored
from zhike.insight.models import ChurnScore, ModelRun
from zhike.insight.queries import churn as queries
from zhike.insight.rules import churn as rules
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch

if TYPE_CHECKING:
    from zhike.insight._churn import Table, Vector

EDIT = "segments.edit"
JOB = "zhike.insight.jobs.fit_churn"
KIND = "churn"
TAKEN_UP_WITHIN = dt.timedelta(days=1)
ROWS_MOST = 200_000
CHUNK = 50_000
PLACE_MIN = 400
"""A mall with so many members in the hold-out is judged by itself; the others together with all."""
ALL = "0"


@dataclass(frozen=True)
class _Asked:
    """Whose scores by which model: what is needed to ask it again after a break."""

    trees: models.Trees
    base: models.Baseline
    winners: Mapping[str, str]
    horizons: Mapping[int | None, int]
    valuable_fen: int


def fit_churn(*, actor: Viewer, now: dt.datetime) -> int:
    """Fit, try and ask the model of leaving; the run's id. A run of the last day that broke off while scoring goes on instead.

    The trees learn from members as they were two horizons ago and who came in the horizon after it; they are tried on members as they
    were one horizon ago. Where they do not rank better than BG/NBD there (the lower bound of 95 of 100 resamples above
    nothing), BG/NBD is kept. What is used is fitted anew with the days that were kept back. Who may not be profiled is in no
    row. Raises NotAllowed.
    """
    require_touch(actor, EDIT)
    broken = ModelRun.objects.filter(kind=KIND, state="scoring", ran_at__gt=now - TAKEN_UP_WITHIN)
    run = broken.order_by("-id").first() or _fitted(actor, now)
    while run.state == "scoring" and _score_more(actor, run.pk, now):
        pass
    return run.pk


def order_churn_fit(*, actor: Viewer, now: dt.datetime) -> None:
    """Have a worker do it soon; while one waits, another order changes nothing. Raises NotAllowed."""
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    require_touch(actor, EDIT)
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(JOB, queue="default", lock="insight.lifetime", queueing_lock=JOB).defer(
            timestamp=int(now.timestamp())
        )


# --- fitting and trying ----------------------------------------------------------------------------------------------


def _fitted(actor: Viewer, now: dt.datetime) -> ModelRun:
    """A run that waits for its scores, or says why there are none."""
    first, members = queries.history(now)
    run = ModelRun(
        kind=KIND, state="failed", ran_at=now, ran_by=actor.label, first_on=first.date() if first else None,
        last_on=now.date(),
    )  # fmt: skip
    days = (now - first).days if first else 0
    horizons = {mall: rules.horizon_within(policy, days) for mall, policy in queries.churn_policies().items()}
    run.parameters = {
        "horizons": {str(mall or 0): one for mall, one in horizons.items()},
        "history_days": days,
    }
    if min(horizons.values()) < rules.HORIZON_MIN:
        run.fault = "too-short"
    else:
        thin = 1 + members // ROWS_MOST
        tables = [
            models.table_of(queries.feature_rows(now, steps, horizons, thin=thin)) for steps in (2, 1, 0)
        ]
        if not tables[0].is_enough or not tables[1].is_enough:
            run.fault = "too-few"
        else:
            try:
                _try(run, tables, horizons)
            except NotFitted:
                run.fault = "not-fitted"
    if not run.fault:
        run.state = "scoring"
    _tell_of_failure(actor, run, now)
    return run


@transaction.atomic
def _tell_of_failure(actor: Viewer, run: ModelRun, now: dt.datetime) -> None:
    run.save()
    if run.fault:
        _tell(actor, run, now)


def _try(run: ModelRun, tables: list[Table], horizons: Mapping[int | None, int]) -> None:
    """Everything that the card says, and the model to ask. Raises NotFitted."""
    learnt, kept_back, present = tables
    horizon = horizons[None]
    trees, base = models.fit_trees(learnt), models.fit_baseline(learnt, horizon)
    run.holdout = _judged(trees, base, kept_back, horizon)
    every = models.together([learnt, kept_back])
    trees, base = models.fit_trees(every), models.fit_baseline(kept_back, horizon)
    run.members = len(present.members)
    run.parameters |= {
        "rows": {
            "learnt": len(learnt.members),
            "holdout": len(kept_back.members),
            "now": len(present.members),
        },
        "steps": asdict(trees.steps),
        "baseline": {"model": asdict(base.model), "steps": asdict(base.steps)},
        "valuable_fen": queries.valuable_fen(),
        **_described(trees, present),
    }
    run.model = trees.raw
    before = ModelRun.objects.filter(kind=KIND, state="done").order_by("-id").first()
    run.drift = _drift(before, run.parameters, present) if before else {}


def _judged(
    trees: models.Trees, base: models.Baseline, kept_back: Table, horizon: int
) -> dict[str, dict[str, Any]]:
    """For all (``ALL``) and for each mall that is large enough: both models' figures, the gain, and which one is used."""
    import numpy as np

    chance = models.chances(trees, kept_back.figures)
    coming = models.expected(base.model, kept_back.figures, horizon)
    alive = lifetime.alive(base.model, models.buyers_of(kept_back.figures))
    usual = base.steps(-coming)
    found = {}
    for place in (0, *np.unique(kept_back.malls).tolist()):
        here = np.ones(len(chance), bool) if place == 0 else kept_back.malls == place
        gone = kept_back.gone[here]
        if place and (len(gone) < PLACE_MIN or min(gone.sum(), len(gone) - gone.sum()) < models.OF_EACH_MIN):
            continue
        better, low, high = models.gain(chance[here], -coming[here], gone)
        found[str(place)] = {
            "members": len(gone),
            "gone": int(gone.sum()),
            "trees": models.judged(chance[here], gone) | {"brier": models.brier(chance[here], gone)},
            "baseline": models.judged(-coming[here], gone) | {"brier": models.brier(usual[here], gone)},
            "alive": models.judged(-alive[here], gone),
            "gain": [better, low, high],
            "reliability": models.reliability(chance[here], gone),
            "winner": "trees" if low > 0 else "baseline",
        }
    return found


def _described(trees: models.Trees, present: Table) -> dict[str, Any]:
    """Of the members now: how the figures lie, what weighs in the model, how the scores lie."""
    import numpy as np

    if not len(present.members):
        return {"edges": {}, "shares": {}, "medians": {}, "weights": [], "scores": []}
    edges = {code: models.edges_of(present.figures[:, at]) for at, code in enumerate(rules.CODES)}
    shares = {
        code: models.shares_of(present.figures[:, at], edges[code]) for at, code in enumerate(rules.CODES)
    }
    weight = np.abs(models.contributions(trees, present.figures)).mean(axis=0)
    medians = np.nan_to_num(np.nanmedian(np.vstack([present.figures, np.zeros(len(rules.CODES))]), axis=0))
    order = np.argsort(-weight, kind="stable")
    return {
        "edges": edges,
        "shares": shares,
        "medians": {code: round(float(medians[at]), 3) for at, code in enumerate(rules.CODES)},
        "weights": [[rules.CODES[at], round(float(weight[at]), 4)] for at in order],
        "scores": models.shares_of(models.chances(trees, present.figures), _BANDS),
    }


_BANDS = [rules.MIDDLE / 10_000, rules.HIGH / 10_000]
"""Scores are compared by band: steps of a calibration that move a little would look like a shift in finer parts."""


def _drift(before: ModelRun, after: Mapping[str, Any], present: Table) -> dict[str, Any]:
    """How far the figures and the scores have moved since the run before, by the parts of the run before."""
    known = before.parameters
    moved = {
        code: models.psi(
            known["shares"][code], models.shares_of(present.figures[:, at], known["edges"][code])
        )
        for at, code in enumerate(rules.CODES)
        if code in known["shares"]
    }
    figures = dict(sorted(moved.items(), key=lambda item: (-item[1], item[0])))
    return {"run": before.pk, "score": models.psi(known["scores"], after["scores"]), "figures": figures}


# --- scoring ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def _score_more(actor: Viewer, run_id: int, now: dt.datetime) -> bool:
    """The next piece of members; whether there are more. The last piece puts the scores of the runs before away."""
    run = ModelRun.objects.select_for_update().get(pk=run_id)
    last = queries.last_member_id()
    if run.state != "scoring":
        return False
    if run.scored_to >= last:
        _finish(actor, run, now)
        return False
    until = run.scored_to + CHUNK
    asked = _asked(run)
    rows = queries.feature_rows(run.ran_at, 0, asked.horizons, between=(run.scored_to, until))
    if rows:
        _keep(run, asked, models.table_of(rows))
    run.scored_to = until
    run.save(update_fields=["scored_to"])
    return True


def _asked(run: ModelRun) -> _Asked:
    known = run.parameters
    base = known["baseline"]
    return _Asked(
        models.Trees(bytes(run.model or b""), models.Steps(**known["steps"])),
        models.Baseline(BgNbd(**base["model"]), models.Steps(**base["steps"])),
        {place: one["winner"] for place, one in run.holdout.items()},
        {int(mall) or None: days for mall, days in known["horizons"].items()},
        known["valuable_fen"],
    )


def _keep(run: ModelRun, asked: _Asked, table: Table) -> None:
    risk, moved, sources = _scored(asked, table)
    worth = queries.expected_fen(table.members.tolist())
    columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
    for at, member_id in enumerate(table.members.tolist()):
        figures = {
            code: float(one)
            for code, one in zip(rules.CODES, table.figures[at], strict=True)
            if one == one  # not NaN
        }
        reasons = [
            [
                code,
                round(figures[code], 4) if code in figures else None,
                round(float(moved[at][place]) * 1_000),
            ]
            for place in rules.strongest(moved[at])
            for code in (rules.CODES[place],)
        ]
        action = rules.action_of(int(risk[at]), figures, worth.get(member_id, 0), asked.valuable_fen)
        mall = int(table.malls[at])
        days = asked.horizons.get(mall or None, asked.horizons[None])
        for column, value in zip(
            columns,
            (member_id, int(risk[at]), sources[at], json.dumps(reasons), action, days),
            strict=True,
        ):
            column.append(value)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO insight_churnscore AS s (member_id, run_id, risk_bp, source, reasons, action, horizon_days)
            SELECT u.member_id, %s, u.risk, u.source, u.reasons::jsonb, u.action, u.days FROM unnest(%s::bigint[], %s::int[],
                %s::text[], %s::text[], %s::text[], %s::smallint[]) u(member_id, risk, source, reasons, action, days)
            ON CONFLICT (member_id) DO UPDATE SET run_id = excluded.run_id, risk_bp = excluded.risk_bp,
                source = excluded.source, reasons = excluded.reasons, action = excluded.action,
                horizon_days = excluded.horizon_days""",
            [run.pk, *columns],
        )


def _scored(asked: _Asked, table: Table) -> tuple[Vector, Vector, list[str]]:
    """Risk in hundredths of a per cent, what each figure adds, and whose score it is, member by member."""
    import numpy as np

    usual = asked.winners.get(ALL, "baseline")
    sources = [asked.winners.get(str(mall), usual) for mall in table.malls.tolist()]
    by_trees = np.array([one == "trees" for one in sources])
    horizon = asked.horizons[None]
    risk, moved = np.zeros(len(sources)), np.zeros(table.figures.shape)
    if by_trees.any():
        figures = table.figures[by_trees]
        risk[by_trees], moved[by_trees] = (
            models.chances(asked.trees, figures),
            models.contributions(asked.trees, figures),
        )
    if not by_trees.all():
        figures = table.figures[~by_trees]
        risk[~by_trees] = asked.base.steps(-models.expected(asked.base.model, figures, horizon))
        moved[~by_trees] = models.ablated(asked.base, figures, horizon)
    return np.rint(risk * 10_000).astype(int), moved, sources


def _finish(actor: Viewer, run: ModelRun, now: dt.datetime) -> None:
    ChurnScore.objects.exclude(run_id=run.pk).delete()
    ModelRun.objects.filter(kind=KIND, state="scoring").exclude(pk=run.pk).update(
        state="failed", fault="broken-off"
    )
    ModelRun.objects.filter(kind=KIND).exclude(pk=run.pk).update(model=None)
    run.state, run.finished_at = "done", now
    run.members = ChurnScore.objects.count()
    run.save(update_fields=["state", "finished_at", "members"])
    _tell(actor, run, now)


def _tell(actor: Viewer, run: ModelRun, now: dt.datetime) -> None:
    after = {"members": run.members, "fault": run.fault}
    audit.record(actor=actor, action="churn.fit", subject=("model_run", run.pk), after=after, now=now)
    events.publish(ChurnScored(run.pk, run.members, run.fault), actor=actor, now=now)
