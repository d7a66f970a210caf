"""Check-ins for a mall's own app."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.engagement import operations
from zhike.engagement.models import CheckIn
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty

SYSTEM = system_viewer("tests")


@pytest.fixture
def zhang(shop: Shop) -> Any:
    now = dt.datetime.now(dt.UTC)
    return loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=shop.malls.star, source="counter", now=now
    )


@pytest.mark.feature("C084")
def test_check_in_once_a_day_and_only_at_ones_own_mall(shop: Shop, zhang: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    operations.save_check_in_plan(
        actor=SYSTEM, mall_id=shop.malls.star, terms={"points": [3]}, is_open=True, now=now
    )
    own = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.star))
    other = ApiClient(make_key(["engagement.take_part", "members.view"], "mall", shop.malls.cloud))
    path, body = f"/api/v1/members/{zhang.member_id}/check-ins", {"mall_id": shop.malls.star}
    assert other.post(path, body).status == 403
    assert not CheckIn.objects.exists()
    first, second = own.post(path, body).json, own.post(path, body).json
    assert (first["points"], first["repeated"], second["repeated"]) == (3, False, True)
    state = own.get(f"{path}?mall_id={shop.malls.star}").json
    assert (state["streak"], state["done_today"], state["days"]) == (1, True, [first["day"]])
    refused = own.post(path, body | {"day": first["day"]})
    assert (refused.status, refused.code) == (409, "check-in-cannot-make-up")
    assert other.get(f"{path}?mall_id={shop.malls.star}").status == 404
