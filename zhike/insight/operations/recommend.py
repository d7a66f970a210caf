"""What goes with what is fitted every night; what was shown, chosen and refused is told to the log."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Sequence
from typing import Any, Literal

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight import _recommend as models
from zhike.insight.events import (
    RecommendationChosen,
    RecommendationRefused,
    RecommendationsShown,
    RecommendFitted,
)
from zhike.insight.models import RecommendItem, RecommendRefusal, RecommendRun
from zhike.insight.queries import recommend as queries
from zhike.insight.rules import recommend as rules
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.loyalty import queries as loyalty

EDIT = "segments.edit"
JOB = "zhike.insight.jobs.fit_recommendations"
KINDS: tuple[Literal["product", "merchant"], ...] = ("product", "merchant")
FITS_KEPT = 3
K = 20
RECENT_DAYS = 30
SHOWN_MOST = rules.LIST_MAX


class RecommendationUnknown(Invalid):
    code = "recommendation-unknown"
    title = _("There is no such recommendation.")


def fit_recommendations(*, actor: Viewer, now: dt.datetime) -> list[int]:
    """Fit products and merchants to the last year's visits of who may be profiled; the runs' ids. Raises NotAllowed.

    What is kept with a run says how much of everybody's last visit a model foresees that has not seen it.
    """
    require_touch(actor, EDIT)
    return [_fit(actor, kind, now) for kind in KINDS]


def order_recommend_fit(*, actor: Viewer, now: dt.datetime) -> None:
    """Have a worker fit soon; while one waits, another order changes nothing. Raises NotAllowed."""
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    require_touch(actor, EDIT)
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(JOB, queue="default", queueing_lock=JOB).defer(timestamp=int(now.timestamp()))


def _fit(actor: Viewer, kind: Literal["product", "merchant"], now: dt.datetime) -> int:
    import numpy as np

    began = time.perf_counter()
    rows = queries.histories_of(kind, now)
    people, person_at = np.unique([row[0] for row in rows], return_inverse=True)
    items, item_at = np.unique([row[1] for row in rows], return_inverse=True)
    ages = np.array([row[4] for row in rows], dtype=int)
    known = models.Purchases(person_at, item_at, ages, len(people), len(items))
    holdout: dict[str, Any] = models.evaluate(known, K) if len(rows) else {"people": 0, "k": K, "methods": {}}
    found = _items(known, items.tolist(), rows, now.date()) if len(rows) else []
    run = RecommendRun(
        kind=kind,
        ran_at=now,
        people=len(people),
        items=len(items),
        parameters={
            "decay": rules.DECAY,
            "repeat": rules.REPEAT,
            "popular": rules.POPULAR,
            "ridge": models.RIDGE,
        },
        holdout=holdout,
        took_ms=round((time.perf_counter() - began) * 1_000),
    )
    return _keep(actor, run, found, now)


def _items(
    known: models.Purchases, items: list[int], rows: Sequence[tuple[Any, ...]], today: dt.date
) -> list[tuple[Any, ...]]:
    """The rows of a fit, in the order of their columns."""
    import numpy as np

    weights = models.neighbours(known)
    counts = known.counts()
    visits = np.bincount(known.items, minlength=known.item_count)
    by_person = np.unique(np.stack([known.people, known.items]), axis=1, return_counts=True)
    again = np.bincount(by_person[0][1][by_person[1] > 1], minlength=known.item_count)
    recent = np.zeros(known.item_count, int)
    last: dict[int, dt.date] = {}
    place: dict[int, tuple[int | None, int]] = {}
    since = today - dt.timedelta(days=RECENT_DAYS)
    for at, (_person, item, mall_id, merchant_id, _age, on) in zip(known.items.tolist(), rows, strict=True):
        last[item] = max(last.get(item, on), on)
        place[item] = (mall_id, merchant_id)
        recent[at] += on >= since
    found = []
    for at, item in enumerate(items):
        begin, end = weights.indptr[at], weights.indptr[at + 1]
        order = np.argsort(-weights.data[begin:end], kind="stable")
        others = [items[other] for other in weights.indices[begin:end][order].tolist()]
        near = queries.packed(others, weights.data[begin:end][order].astype(float).tolist())
        again_bp = int(again[at] * 10_000 // max(counts[at], 1)) if visits[at] else 0
        found.append((item, *place[item], int(counts[at]), int(recent[at]), again_bp, last[item], near))
    return found


_COPY = """COPY insight_recommenditem (run_id, item, mall_id, merchant_id, buyers, recent, again_bp, last_on, neighbours)
    FROM STDIN"""


def _keep(actor: Viewer, run: RecommendRun, found: Sequence[tuple[Any, ...]], now: dt.datetime) -> int:
    with transaction.atomic():
        run.save()
        connection.ensure_connection()
        with connection.connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in found:
                copy.write_row((run.pk, *row))
        kept = (
            RecommendRun.objects.filter(kind=run.kind)
            .order_by("-id")
            .values_list("id", flat=True)[:FITS_KEPT]
        )
        old = RecommendRun.objects.filter(kind=run.kind).exclude(id__in=list(kept))
        RecommendItem.objects.filter(run__in=old).delete()
        after = {"kind": run.kind, "people": run.people, "items": run.items}
        audit.record(
            actor=actor, action="recommendations.fit", subject=("recommend_run", run.pk), after=after, now=now
        )
        events.publish(RecommendFitted(run.pk, run.kind, run.people, run.items), actor=actor, now=now)
    return run.pk


# --- what members do with them ---------------------------------------------------------------------------------------


def record_shown(
    *, actor: Viewer, member_id: int, place: str, kind: str, items: Sequence[int], now: dt.datetime
) -> None:
    """A member saw these. Raises RecommendationUnknown, MemberNotFound."""
    person_id = _person(actor, member_id, place, kind)
    if not 0 < len(items) <= SHOWN_MOST:
        raise RecommendationUnknown
    with transaction.atomic():
        fact = RecommendationsShown(person_id, member_id, place, kind, list(items))
        events.publish(fact, actor=actor, now=now)


def record_choice(
    *, actor: Viewer, member_id: int, place: str, kind: str, item: int, source: str, now: dt.datetime
) -> None:
    """A member opened one of them. Raises RecommendationUnknown, MemberNotFound."""
    person_id = _person(actor, member_id, place, kind)
    with transaction.atomic():
        fact = RecommendationChosen(person_id, member_id, place, kind, item, source[:20])
        events.publish(fact, actor=actor, now=now)


@transaction.atomic
def refuse_recommendation(*, actor: Viewer, member_id: int, kind: str, item: int, now: dt.datetime) -> None:
    """A member does not want to see this any more; said before: nothing to do. Raises RecommendationUnknown, MemberNotFound."""
    person_id = _person(actor, member_id, "member_page", kind)
    _row, is_new = RecommendRefusal.objects.get_or_create(
        person_id=person_id, kind=kind, item=item, defaults={"refused_at": now}
    )
    if is_new:
        events.publish(RecommendationRefused(person_id, member_id, kind, item), actor=actor, now=now)


def _person(actor: Viewer, member_id: int, place: str, kind: str) -> int:
    if place not in rules.PLACES or kind not in rules.KINDS:
        raise RecommendationUnknown
    return loyalty.member_place(actor, member_id)[0]
