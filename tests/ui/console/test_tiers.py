"""Tiers in the console: where a member stands, one lent and taken back, an exception that two agree on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.kernel.clock import business_date
from zhike.loyalty import operations, queries

Enter = Callable[[Viewer], Client]


@pytest.mark.feature("C068", "C069")
def test_tier_is_lent_seen_and_taken_back(world: World, desks: Desks, enter: Enter) -> None:
    settings = {"tier_period": "year", "tier_grace_days": 30}
    operations.update_program(actor=SYSTEM, program_id=world.program_id, changes=settings, now=world.now)
    operations.review_tiers(actor=SYSTEM, program_id=world.program_id, now=world.now)
    desk, card = enter(desks.sun), f"/console/members/{world.zhang_san}/tier/"
    assert "可保级" in said(desk.get(card, headers=HTMX)) or "已达到" in said(desk.get(card, headers=HTMX))
    assert "金卡" in said(desk.get(f"{card}give/", headers=HTMX))
    until = (business_date(world.now, "Asia/Shanghai") + dt.timedelta(days=30)).isoformat()
    form = {"tier": str(world.tiers["gold"]), "until": until, "kind": "temporary", "reason": "周年庆"}
    assert desk.post(f"{card}give/", form).status_code == 302
    page = said(desk.get(card, headers=HTMX))
    assert "周年庆" in page and "临时" in page and "银卡 → 金卡" in page
    [grant] = queries.tier_grants(SYSTEM, world.zhang_san, world.now)
    assert "收回" in said(desk.get(f"{card}{grant.id}/revoke/", headers=HTMX))
    assert desk.post(f"{card}{grant.id}/revoke/", {"reason": "发错人"}).status_code == 302
    assert "金卡 → 银卡" in said(desk.get(card, headers=HTMX))
    assert enter(desks.qian).get(card).status_code == 404
    assert enter(desks.li).get(f"{card}give/").status_code in (403, 404)


@pytest.mark.feature("C070")
def test_exception_is_asked_by_one_and_approved_by_another(
    world: World, desks: Desks, admin: Client, enter: Enter
) -> None:
    desk = enter(desks.sun)
    assert "暂无特殊调整" in said(desk.get("/console/tiers/exceptions/"))
    until = (business_date(world.now, "Asia/Shanghai") + dt.timedelta(days=200)).isoformat()
    form = {"tier": str(world.tiers["gold"]), "until": until, "kind": "temporary", "reason": "海外居住"}
    give = f"/console/members/{world.zhang_san}/tier/give/"
    refused = desk.post(give, form)
    assert refused.status_code == 422 and "特殊调整" in said(refused)
    assert desk.post(give, form | {"kind": "exception"}).status_code == 302
    assert "海外居住" in said(admin.get("/console/tiers/exceptions/"))
    [asked] = queries.tier_exceptions(SYSTEM, world.now)
    assert desk.post(f"/console/tiers/exceptions/{asked.id}/approve/").status_code == 403
    assert admin.post(f"/console/tiers/exceptions/{asked.id}/approve/").status_code == 302
    assert queries.member_file(SYSTEM, world.zhang_san, world.now).tier.code == "gold"
    assert admin.post(f"/console/tiers/exceptions/{asked.id}/refuse/").status_code == 302, "decided before"
    assert "生效中" in said(admin.get("/console/tiers/exceptions/"))


@pytest.mark.feature("C067", "C068")
def test_terms_of_keeping_are_set(world: World, admin: Client) -> None:
    form = {
        "name": "银卡", "rank": "1", "threshold_fen": "1000", "keep_fen": "600", "keep_visits": "6", "colour": "silver",
        "benefits": "生日双倍积分",
    }  # fmt: skip
    assert admin.post(f"/console/tiers/{world.tiers['silver']}/", form).status_code == 302
    assert "¥600" in said(admin.get("/console/tiers/"))
    more = admin.post(f"/console/tiers/{world.tiers['silver']}/", form | {"keep_fen": "2000"})
    assert more.status_code == 422
    assert "等级有效期" in said(admin.get("/console/programme/"))


def policy_form(world: World, **changes: str) -> dict[str, str]:
    silver, gold = world.tiers["silver"], world.tiers["gold"]
    return {
        f"threshold_{silver}": "1000", f"threshold_{gold}": "5000", f"benefits_{world.tiers['basic']}": "",
        f"benefits_{silver}": "生日双倍积分", f"benefits_{gold}": "生日双倍积分\r\n每月两小时免费停车",
        "basis": "spend", "window": "rolling_12_months", "period": "at_once", "grace_days": "0", "fall": "one_step",
        "reverses_on_refund": "on", "text": "", "note": "年度调整", **changes,
    }  # fmt: skip


@pytest.mark.feature("C078")
def test_terms_are_drafted_compared_published_and_withdrawn(world: World, admin: Client) -> None:
    assert "还没有版本" in said(admin.get("/console/tiers/terms/"))
    better = policy_form(world, **{f"threshold_{world.tiers['silver']}": "800"})
    assert "可立即生效" in said(admin.post("/console/tiers/terms/new/preview/", better))
    assert admin.post("/console/tiers/terms/new/", better).status_code == 302
    worse = policy_form(world, **{f"threshold_{world.tiers['silver']}": "1200"})
    assert "生效时间过早" in said(admin.post("/console/tiers/terms/new/preview/", worse))
    refused = admin.post("/console/tiers/terms/new/", worse)
    assert refused.status_code == 422 and "30" in said(refused)
    later = worse | {"effective_from": "2027-12-01T00:00"}
    assert admin.post("/console/tiers/terms/new/", later).status_code == 302
    operations.give_tier_policy_notices(actor=SYSTEM, program_id=world.program_id, now=world.now)
    version = queries.tier_policy_versions(SYSTEM, world.program_id)[0]
    where = f"/console/tiers/terms/{version.version_id}/"
    text = said(admin.get(where))
    for part in ("¥1,200", "变严", "提醒记录", "张三"):
        assert part in text
    assert admin.post(f"{where}withdraw/").status_code == 302
    listed = said(admin.get("/console/tiers/terms/"))
    assert "已撤回" in listed and "年度调整" in listed
    bad = admin.post("/console/tiers/terms/new/preview/", worse | {"window": "week"})
    assert bad.status_code == 422
    wrong = worse | {f"threshold_{world.tiers['gold']}": "500"}
    assert admin.post("/console/tiers/terms/new/preview/", wrong).status_code == 422
    assert admin.post("/console/tiers/terms/new/", wrong).status_code == 422


@pytest.mark.feature("C078")
def test_only_who_edits_the_programme_drafts_terms(world: World, desks: Desks, enter: Enter) -> None:
    wang = enter(desks.sun)
    assert wang.get("/console/tiers/terms/new/").status_code == 403
    assert wang.get("/console/tiers/terms/999999/").status_code in (403, 404)


@pytest.mark.feature("C066", "B24")
def test_growth_value_is_drafted_gathered_and_shown(world: World, admin: Client) -> None:
    grows = {
        "grows": "on",
        "growth": "2",
        "per_fen": "1",
        "visit": "10",
        "growth_returns": "on",
        "since": "2026-01-01",
    }
    draft = policy_form(world, **grows, deed_check_in="5")
    preview = said(admin.post("/console/tiers/terms/new/preview/", draft))
    assert "可立即生效" in preview and "按草案" in preview
    assert admin.post("/console/tiers/terms/new/", draft).status_code == 302
    terms = said(admin.get("/console/tiers/terms/"))
    assert "每消费 ¥1 得 2" in terms and "签到 5" in terms
    operations.settle_growth(actor=SYSTEM, program_id=world.program_id, now=world.now)
    card = said(admin.get(f"/console/members/{world.zhang_san}/tier/", headers=HTMX))
    assert "有效成长值" in card and "到店消费日" in card
    assert "有效成长值" in said(admin.get(f"/console/members/{world.zhang_san}/"))
    visits = draft | {
        "basis": "visits",
        f"count_{world.tiers['silver']}": "3",
        f"count_{world.tiers['gold']}": "9",
    }
    later = visits | {"effective_from": "2027-12-01T00:00"}
    assert "到店次数" in said(admin.post("/console/tiers/terms/new/preview/", later))
    assert admin.post("/console/tiers/terms/new/", visits).status_code == 422, "it needs the notice"
    assert admin.post("/console/tiers/terms/new/", later).status_code == 302
    nothing = policy_form(world, basis="growth", effective_from="2027-12-01T00:00")
    assert admin.post("/console/tiers/terms/new/", nothing).status_code == 422, "no growth value is given"


@pytest.mark.feature("C066")
def test_a_step_of_a_ladder_on_visits_is_edited(world: World, admin: Client) -> None:
    policy = queries.plain_policy(queries.policy_now(world.program_id)) | {"basis": "visits"}
    for term, count in zip(policy["tiers"][1:], (3, 9), strict=True):
        term["threshold_count"] = count
    about = {"actor": SYSTEM, "program_id": world.program_id}
    begins = world.now + dt.timedelta(days=40)
    operations.publish_tier_policy(definition=policy, effective_from=begins, now=world.now, **about)
    operations.give_tier_policy_notices(now=world.now, **about)
    assert operations.begin_tier_policies(now=begins, **about) == 1
    where = f"/console/tiers/{world.tiers['silver']}/"
    assert "到店次数或成长值" in said(admin.get(where, headers=HTMX))
    form = {
        "name": "银卡",
        "rank": "1",
        "threshold_count": "2",
        "colour": "silver",
        "benefits": "生日双倍积分",
    }
    assert admin.post(where, form).status_code == 302
    assert "2 次到店" in said(admin.get("/console/tiers/"))
    assert "次到店" in said(admin.get(f"/console/members/{world.zhang_san}/"))
