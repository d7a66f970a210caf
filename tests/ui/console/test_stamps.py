"""A stamp card is made, looked at and changed in the console, and shown at the counter, on the phone and by the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World
from zhike.engagement import operations, queries
from zhike.engagement.models import StampCard
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import queries as loyalty

pytestmark = pytest.mark.feature("B33")
SYSTEM = system_viewer("tests")
FORM: dict[str, Any] = {
    "name": "夏日集点", "description": "", "merchant_id": "", "stamps": "5", "minimum_fen": "10", "each_fen": "",
    "day_max": "1", "skus": "", "points": "88", "batch_id": "", "wait_days": "0", "rounds_max": "", "days": "",
    "starts_on": "", "ends_on": "", "validity_days": "", "payer": "mall", "share": "100", "is_open": "on", "reason": "夏季",
}  # fmt: skip


def test_made_looked_at_and_changed(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    place = f"?mall={world.malls.star}"
    assert "还没有集点卡" in said(admin.get(f"/console/stamp-cards/{place}"))
    new = f"/console/stamp-cards/new/{place}"
    for wrong in ({"stamps": "1"}, {"points": ""}, {"ends_on": "x"}):
        assert admin.post(new, FORM | wrong).status_code == 422
    assert admin.post(new, FORM).status_code == 302
    card = StampCard.objects.get()
    assert card.terms["minimum_fen"] == 1_000
    operations.review_stamps(actor=SYSTEM, person_id=loyalty.person_id_of(world.zhang_san), now=world.now)
    page = said(admin.get(f"/console/stamp-cards/{card.pk}/"))
    assert "夏日集点" in page and "单笔满 ¥10.00 集 1 点" in page
    assert "夏日集点" in said(admin.get(f"/console/stamp-cards/{place}"))
    edit = f"/console/stamp-cards/{card.pk}/edit/"
    assert 'value="5"' in said(admin.get(edit))
    assert admin.post(edit, FORM | {"stamps": "4"}).status_code == 302
    assert queries.stamp_card(SYSTEM, card.pk).terms.stamps == 4
    assert enter(desks.qian).get(f"/console/stamp-cards/{card.pk}/").status_code == 404
    assert enter(desks.li).get(f"/console/stamp-cards/{place}").status_code == 403
