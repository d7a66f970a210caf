"""The model card in the console."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.test import Client

from tests.insight.conftest import DAY
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations, queries
from zhike.insight.models import Forecast, LifetimeRun
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.feature("C043")


def test_too_few_says_so(world: World, admin: Client) -> None:
    operations.fit_lifetime(actor=SYSTEM, now=world.now)
    assert LifetimeRun.objects.get().fault == "too-few"
    page = said(admin.get("/console/lifetime/"))
    assert "回头客太少" in page and "暂无预测" in page


def test_expected_and_shown(world: World, admin: Client) -> None:
    from tests.ui.console.world import enroll, sell

    rng = Random(7)
    for number in range(56):
        member = enroll(
            world.malls, f"客{number}", f"136{number:08d}", world.malls.star, world.malls.cafe, world.now
        )
        for ago in {rng.randrange(1, 29) for _ in range(rng.randint(2, 5))}:
            sell(
                world.malls.star,
                world.malls.cafe,
                rng.randrange(2_000, 30_000),
                world.now - ago * DAY,
                member.person_id,
                world.now,
            )
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    run_id = operations.fit_lifetime(actor=SYSTEM, now=world.now)
    card = queries.lifetime_runs(SYSTEM)[0]
    assert (card.id, card.fault) == (run_id, "")
    assert card.holdout["days"] >= 7
    assert card.bias is not None
    assert Forecast.objects.count() == card.customers
    assert sum(one.members for one in queries.forecast_tenths(SYSTEM)) == card.customers
    assert "BG/NBD" in said(admin.get("/console/lifetime/"))
    member_id = Forecast.objects.order_by("-value_fen").values_list("pk", flat=True)[0]
    assert "未来 90 天预计消费" in said(admin.get(f"/console/members/{member_id}/persona/"))
    assert AuditEntry.objects.filter(action="lifetime.fit").count() == 1


def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client) -> None:
    assert enter(desks.li).get("/console/lifetime/").status_code == 403
    there: Any = enter(desks.wang)
    assert there.get("/console/lifetime/").status_code == 200
    assert there.post("/console/lifetime/fit/").status_code == 403
    assert admin.post("/console/lifetime/fit/").status_code == 302
