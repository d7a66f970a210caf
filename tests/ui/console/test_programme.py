"""Programme, ladder and rules: read by many, changed by few, published in versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.test_rule_form import posted
from tests.ui.console.world import SYSTEM, Desks, World, sell
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import queries
from zhike.ui.console.forms.programme import ProgrammeForm

Enter = Callable[[Viewer], Client]


def draft(browser: Client, url: str, **changes: str) -> dict[str, Any]:
    """The editor's fields as they stand, with changes."""
    data = posted(browser.get(url).context["editor"])
    for name, value in {"effective_from": "", "note": "", **changes}.items():
        data[name] = value
    return {name: data.getlist(name) for name in data}


@pytest.mark.feature("C067")
def test_the_ladder_has_any_length(world: World, admin: Client) -> None:
    form = {
        "code": "black",
        "name": "黑卡",
        "rank": "9",
        "threshold_fen": "20000.50",
        "colour": "slate",
        "benefits": "礼宾",
    }
    admin.post("/console/tiers/new/", form, headers=HTMX)
    ladder = queries.tiers(world.program_id)
    assert [tier.name for tier in ladder] == ["普卡", "银卡", "金卡", "黑卡"]
    assert ladder[-1].threshold_fen == 2_000_050
    assert "礼宾" in said(admin.get("/console/tiers/"))
    admin.post(f"/console/tiers/{ladder[-1].id}/remove/")
    assert len(queries.tiers(world.program_id)) == 3


def test_a_ladder_that_goes_down_is_refused(world: World, admin: Client) -> None:
    form = {"name": "金卡", "rank": "2", "threshold_fen": "500", "colour": "gold"}
    refused = admin.post(f"/console/tiers/{world.tiers['gold']}/", form, headers=HTMX)
    assert refused.status_code == 422
    assert queries.tiers(world.program_id)[2].threshold_fen == 500_000


def test_a_tier_that_members_hold_stays(world: World, admin: Client) -> None:
    admin.post(f"/console/tiers/{world.tiers['silver']}/remove/")
    assert len(queries.tiers(world.program_id)) == 3


def test_programme_settings_are_saved(world: World, admin: Client) -> None:
    shown: ProgrammeForm = admin.get("/console/programme/edit/").context["form"]
    data = {field.html_name: field.value() for field in shown if field.value() not in (None, False)}
    admin.post(
        "/console/programme/edit/",
        {**data, "redeem_points": "200", "redeem_fen": "2.50", "name": "新会员计划", "waiver_limit": "750"},
    )
    programme = queries.programs(SYSTEM)[0]
    assert (programme.redeem_points, programme.redeem_fen, programme.waiver_limit) == (200, 250, 750)
    assert "新会员计划" in said(admin.get("/console/programme/"))


@pytest.mark.feature("C083")
def test_a_draft_is_tried_on_the_last_thirty_days_and_changes_nothing(world: World, admin: Client) -> None:
    url = f"/console/rules/{world.rule_id}/"
    answer = admin.post(f"{url}preview/", draft(admin, f"{url}edit/", base_points="2"), headers=HTMX)
    result = answer.context["result"]
    assert result["earned"] == [1154, 2309]
    assert (result["up"], result["down"]) == (2, 0)
    assert "每消费 ¥1.00 积 2 分" in said(answer)
    assert len(queries.rules(SYSTEM, world.program_id, clock.now())[0].versions) == 1


def test_a_draft_with_mistakes_is_not_tried(world: World, admin: Client) -> None:
    url = f"/console/rules/{world.rule_id}/"
    answer = admin.post(f"{url}preview/", draft(admin, f"{url}edit/", base_points="many"), headers=HTMX)
    assert answer.status_code == 422
    assert "草稿有误" in said(answer)


@pytest.mark.feature("C083")
def test_a_version_is_published_for_its_day_and_the_history_says_what_changed(
    world: World, admin: Client
) -> None:
    url = f"/console/rules/{world.rule_id}/"
    form = draft(admin, f"{url}edit/", base_points="3", effective_from="2999-01-01T00:00", note="跨年三倍")
    assert admin.post(f"{url}edit/", form).status_code == 302
    rule = queries.rules(SYSTEM, world.program_id, clock.now())[0]
    assert rule.current is not None
    assert rule.current.version == 1
    assert rule.planned is not None
    assert rule.planned.definition["base"] == {"points": 3, "per_fen": 100}
    assert rule.planned.effective_from.isoformat() == "2998-12-31T16:00:00+00:00"
    page = said(admin.get(url))
    for text in ("跨年三倍", "每消费 ¥1.00 积 1 分", "每消费 ¥1.00 积 3 分", "待生效", "管理员"):
        assert text in page


def test_nothing_is_published_into_the_past(world: World, admin: Client) -> None:
    url = f"/console/rules/{world.rule_id}/edit/"
    answer = admin.post(url, draft(admin, url, effective_from="2020-01-01T00:00"))
    assert answer.status_code == 200
    assert len(queries.rules(SYSTEM, world.program_id, clock.now())[0].versions) == 1


def test_a_new_rule_and_its_end(world: World, admin: Client) -> None:
    form = draft(admin, "/console/rules/new/", code="bonus", name="周末加赠")
    assert admin.post("/console/rules/new/", form).status_code == 302
    made = queries.rules(SYSTEM, world.program_id, clock.now())[1]
    assert made.name == "周末加赠"
    admin.post(f"/console/rules/{made.rule_id}/end/", {"effective_from": ""}, headers=HTMX)
    assert queries.rules(SYSTEM, world.program_id, clock.now())[1].current is None


@pytest.mark.feature("N6")
def test_payers_of_a_rule_are_entered_and_shown_at_the_receipt(world: World, admin: Client) -> None:
    shares = {"payer_1": "merchant", "payer_1_share": "40", "payer_2": "bank:icbc", "payer_2_share": "60"}
    form = draft(admin, "/console/rules/new/", code="bonus", name="周末加赠", **shares)
    assert admin.post("/console/rules/new/", form).status_code == 302
    made = queries.rules(SYSTEM, world.program_id, clock.now())[1]
    assert made.versions[0].definition["funding"] == {"merchant": 4_000, "bank:icbc": 6_000}
    page = said(admin.get(f"/console/rules/{made.rule_id}/"))
    assert "消费发生的商户" in page
    assert "40%" in page
    person_id = queries.person_ids_of([world.zhang_san])[world.zhang_san]
    now = clock.now()
    sale = sell(world.malls.star, world.malls.cafe, 100_00, now, person_id, now)
    page = said(admin.get(f"/console/receipts/{sale}/"))
    for text in ("出资方：商场", "出资方：银行 ICBC", "出资方："):
        assert text in page, page


@pytest.mark.feature("C028")
def test_who_may_only_read_rules_publishes_none(
    world: World, desks: Desks, enter: Enter, admin: Client
) -> None:
    url = f"/console/rules/{world.rule_id}/"
    form = draft(admin, f"{url}edit/", base_points="9")
    browser = enter(desks.chen)
    assert browser.get(url).status_code == 200
    assert "新建版本" not in said(browser.get(url))
    for action in ("edit/", "preview/", "end/"):
        assert browser.post(f"{url}{action}", form).status_code == 403
    assert browser.post("/console/tiers/new/", {"code": "x"}).status_code == 403
    assert len(queries.rules(SYSTEM, world.program_id, clock.now())[0].versions) == 1
