"""Points that wait and points set aside, as the console, the counter and the member see them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, World, sell
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization

pytestmark = pytest.mark.feature("C086")


@pytest.fixture
def waiting(world: World) -> World:
    """张三 bought a coffee today; coffee can come back for a week."""
    cafe = next(
        place.id for place in organization.trade_categories(world.malls.group) if place.code == "cafe"
    )
    loyalty.set_return_windows(actor=SYSTEM, program_id=world.program_id, windows={cafe: 7}, now=world.now)
    person_id = queries.person_id_of(world.zhang_san)
    sell(world.malls.star, world.malls.cafe, 12_300, world.now, person_id, world.now)
    return world


def test_the_windows_are_edited_by_category(world: World, admin: Client) -> None:
    page = admin.get("/console/programme/return-windows/")
    assert "咖啡" in said(page)
    names = list(page.context["form"].fields)
    admin.post("/console/programme/return-windows/", {names[0]: "7", names[1]: ""})
    assert list(queries.programs(SYSTEM)[0].return_windows.values()) == [7]
    assert "7 天" in said(admin.get("/console/programme/"))
    refused = admin.post("/console/programme/return-windows/", {names[0]: "-1"})
    assert "is-invalid" in said(refused) or refused.context["form"].errors
    admin.post("/console/programme/return-windows/", dict.fromkeys(names, ""))
    assert not queries.programs(SYSTEM)[0].return_windows


def test_waiting_points_stand_apart(waiting: World, admin: Client) -> None:
    before = queries.member_file(SYSTEM, waiting.zhang_san, waiting.now)
    assert before.pending >= 123
    page = said(admin.get(f"/console/members/{waiting.zhang_san}/points/"))
    assert "待生效积分" in page
    assert f"{before.pending:,}" in page


def test_a_hold_is_shown_and_given_back_once(world: World, admin: Client) -> None:
    held = loyalty.hold_points(actor=SYSTEM, member_id=world.zhang_san, points=50, now=world.now, minutes=60)
    page = said(admin.get(f"/console/members/{world.zhang_san}/points/"))
    assert "已预占" in page
    url = f"/console/members/{world.zhang_san}/holds/{held.hold_id}/release/"
    dialog = admin.get(url, headers=HTMX)
    once = dialog.context["form"]["once"].value()
    for _ in range(2):
        admin.post(url, {"once": once}, headers=HTMX)
    assert queries.member_file(SYSTEM, world.zhang_san, world.now).held == 0
    assert admin.get(url, headers=HTMX).status_code == 404


def test_a_rule_keeps_its_own_expiry_through_the_editor(world: World, admin: Client) -> None:
    from zhike.ui.console.forms.rules import RuleChoices, RuleEditor, form_initial
    from zhike.ui.console.rule_text import clauses

    for expiry in (
        {"kind": "on_date", "on": "2026-12-31", "grace_days": 7},
        {"kind": "rolling_months", "months": 3},
        {"kind": "fixed_date", "months": 6, "month_day": "03-31"},
        {"kind": "never"},
    ):
        definition = {"base": {"points": 1, "per_fen": 100}, "expiry": expiry}
        initial = {name: value for name, value in form_initial(definition).items() if value is not None}
        data = {**initial, "name": "奖励", **_management()}
        editor = RuleEditor(RuleChoices(), data)
        assert editor.is_valid(), editor.form.errors
        assert editor.definition == definition
        assert any(clause.key == "expiry" for clause in clauses(definition, editor.choices))


def _management() -> dict[str, str]:
    parts = ("merchants", "trade_categories", "product_categories", "calendar")
    return {f"{part}-{name}": "0" for part in parts for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


def test_the_day_of_a_hold_ends(world: World) -> None:
    """Nothing of a hold that ran out is shown after the job."""
    loyalty.hold_points(actor=SYSTEM, member_id=world.zhang_san, points=50, now=world.now)
    later = world.now + dt.timedelta(hours=1)
    loyalty.expire_holds(actor=SYSTEM, now=later)
    assert queries.member_file(SYSTEM, world.zhang_san, later).holds == ()
