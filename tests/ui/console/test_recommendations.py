"""The lab of recommendations in the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.insight.shops import buy, stock
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World, enroll
from zhike.insight import operations
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.feature("C129")
LAB = "/console/recommendations/"


def test_empty_until_fitted(world: World, admin: Client) -> None:
    page = said(admin.get(LAB))
    assert "还没有训练过模型" in page and "还没有展示记录" in page
    assert "没有找到这位会员" in said(admin.get(LAB + "?q=没有这个人"))
    assert admin.get(LAB + f"?member={10**9}").status_code == 404


def test_a_list_with_reasons_and_how_good_it_is(world: World, admin: Client) -> None:
    ids = stock(world.malls)
    for number in range(4):
        member = enroll(
            world.malls, f"客{number}", f"1360000{number:04d}", world.malls.star, world.malls.cafe, world.now
        )
        for ago in (3, 9):
            buy(world.malls, ids, member.person_id, ago, "BEANS", "FILTER", now=world.now)
    operations.fit_recommendations(actor=SYSTEM, now=world.now)
    page = said(admin.get(LAB + "?q=张三"))
    assert f"?member={world.zhang_san}" in page and "召回率" in page and "使用中" in page
    page = said(admin.get(LAB + f"?member={world.zhang_san}"))
    assert "咖啡豆" in page and "近 30 天很多会员" in page
    operations.record_shown(
        actor=SYSTEM,
        member_id=world.zhang_san,
        place="member_home",
        kind="product",
        items=[ids["BEANS"]],
        now=world.now,
    )
    assert "会员端首页" in said(admin.get(LAB))
    assert AuditEntry.objects.filter(action="recommendations.fit").count() == 2


def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client) -> None:
    assert enter(desks.li).get(LAB).status_code == 403
    there = enter(desks.wang)
    assert there.get(LAB).status_code == 200
    assert there.get(LAB + f"?member={world.li_si}").status_code == 404
    assert there.post(LAB + "fit/").status_code == 403
    for _ in range(2):
        assert admin.post(LAB + "fit/").status_code == 302
