"""The model of lifetime value is fitted, tried on days it has not seen, and asked about everybody."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db import connection, transaction

from zhike.insight import _lifetime as models
from zhike.insight.events import LifetimeFitted
from zhike.insight.models import Forecast, LifetimeRun
from zhike.insight.queries import lifetime as queries
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch

EDIT = "segments.edit"
JOB = "zhike.insight.jobs.fit_lifetime"
WEEK = 7
REPEATERS_MIN = 50
HOLDOUT_SHARE = 3
"""The last third of the days, at most ninety, is kept from the model to try it on."""

History = tuple[int, list[dt.date], list[int]]


def fit_lifetime(*, actor: Viewer, now: dt.datetime) -> int:
    """Fit BG/NBD and Gamma-Gamma to all receipts of who may be profiled; the run's id.

    The model that is shown was first fitted without the last days and compared with them. With fewer than 50 customers who came
    again, or without a maximum, the run says so and the forecasts of the run before stay. Raises NotAllowed.
    """
    require_touch(actor, EDIT)
    known = queries.histories(now)
    today = max((days[-1] for _, days, _ in known), default=now.date())
    first = min((days[0] for _, days, _ in known), default=None)
    run = LifetimeRun(
        ran_at=now,
        ran_by=actor.label,
        customers=len(known),
        first_on=first,
        last_on=today,
        parameters={},
        holdout={},
    )
    forecasts: list[tuple[int, int | None, int, int]] = []
    if sum(len(days) > 1 for _, days, _ in known) < REPEATERS_MIN:
        run.fault = "too-few"
    else:
        try:
            run.holdout = _tried(known, today)
            run.parameters, forecasts = _asked(known, today)
        except models.NotFitted:
            run.fault = "not-fitted"
    return _keep(actor, run, forecasts, now)


def order_fit(*, actor: Viewer, now: dt.datetime) -> None:
    """Have a worker fit the model soon; while one waits, another order changes nothing. Raises NotAllowed."""
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import AlreadyEnqueued

    require_touch(actor, EDIT)
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        app.configure_task(JOB, queue="default", lock="insight.lifetime", queueing_lock=JOB).defer(
            timestamp=int(now.timestamp())
        )


def _keep(actor: Viewer, run: LifetimeRun, forecasts: Sequence[Any], now: dt.datetime) -> int:
    with transaction.atomic():
        run.save()
        if forecasts:
            Forecast.objects.all().delete()
            connection.ensure_connection()
            with (
                connection.connection.cursor() as cursor,
                cursor.copy(
                    "COPY insight_forecast (member_id, run_id, risk_percent, purchases_milli, value_fen) FROM STDIN"
                ) as copy,
            ):
                for member_id, risk, purchases, value in forecasts:
                    copy.write_row((member_id, run.pk, risk, purchases, value))
        after = {"customers": run.customers, "fault": run.fault}
        audit.record(
            actor=actor, action="lifetime.fit", subject=("lifetime_run", run.pk), after=after, now=now
        )
        events.publish(LifetimeFitted(run.pk, run.customers, run.fault), actor=actor, now=now)
    return run.pk


def _buyers(known: Sequence[History], end: dt.date) -> models.Buyers:
    """In weeks; a customer's first purchase is where their time begins."""
    return models.Buyers(
        [len(days) - 1.0 for _, days, _ in known],
        [(days[-1] - days[0]).days / WEEK for _, days, _ in known],
        [(end - days[0]).days / WEEK for _, days, _ in known],
    )


def _tried(known: Sequence[History], today: dt.date) -> dict[str, float]:
    """How well the past foresees the days that were kept back; against everybody going on at their own rate."""
    import numpy as np

    span = (today - min(days[0] for _, days, _ in known)).days
    ahead = min(queries.FORECAST_DAYS, span // HOLDOUT_SHARE)
    split = today - dt.timedelta(days=ahead)
    before = [(pk, [day for day in days if day <= split], fen) for pk, days, fen in known if days[0] <= split]
    came = np.array(
        [sum(day > split for day in days) for _, days, _ in known if days[0] <= split], dtype=float
    )
    buyers = _buyers(before, split)
    expected = models.expected_purchases(models.fit_bgnbd(buyers), buyers, ahead / WEEK)
    rate = (np.array(buyers.frequency) + 1) / np.maximum(np.array(buyers.age), 1) * (ahead / WEEK)
    return {
        "days": ahead,
        "customers": len(before),
        "predicted": round(float(expected.sum()), 1),
        "actual": float(came.sum()),
        "mae": round(float(np.abs(expected - came).mean()), 4),
        "mae_of_rate": round(float(np.abs(rate - came).mean()), 4),
        "correlation": round(float(np.corrcoef(expected, came)[0, 1]), 4) if came.std() else 0.0,
    }


def _asked(
    known: Sequence[History], today: dt.date
) -> tuple[dict[str, float], list[tuple[int, int | None, int, int]]]:
    """The model of all days, and what it expects of each member. The value of a purchase is that of a day with purchases."""
    import numpy as np

    buyers = _buyers(known, today)
    coming = models.fit_bgnbd(buyers)
    yuan = [sum(fen[1:]) / max(len(fen) - 1, 1) / 100 for _, _, fen in known]
    spending = models.fit_gamma_gamma(buyers.frequency, yuan)
    worth = models.expected_value(spending, buyers.frequency, yuan)
    purchases = models.expected_purchases(coming, buyers, queries.FORECAST_DAYS / WEEK)
    risk = np.rint((1 - models.alive(coming, buyers)) * 100).astype(int)
    value = np.rint(purchases * worth * 100).astype(int)
    milli = np.rint(purchases * 1_000).astype(int)
    rows = [
        (one[0], int(risk[at]) if len(one[1]) > 1 else None, int(milli[at]), int(value[at]))
        for at, one in enumerate(known)
    ]
    parameters = {f"bgnbd_{name}": round(given, 4) for name, given in asdict(coming).items()}
    return parameters | {f"gamma_{name}": round(given, 4) for name, given in asdict(spending).items()}, rows
