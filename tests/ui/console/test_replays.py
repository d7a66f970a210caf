"""The time machine's pages: asked for, followed, read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import queries
from zhike.loyalty.operations.replay import running

pytestmark = pytest.mark.feature("N3")
Enter = Callable[[Viewer], Client]
PAGE = "/console/time-machine/"


def as_it_is(browser: Client) -> dict[str, str]:
    form = browser.get(PAGE).context["form"]
    return {field.html_name: str(field.value() or "") for field in form}


def test_todays_rules_prove_the_ledger(world: World, admin: Client) -> None:
    answer = admin.post(
        PAGE, as_it_is(admin) | {"tier_silver": "1000.00", "tier_gold": "5000.00", "days": "0"}
    )
    run = queries.replays(SYSTEM, world.program_id)[0]
    assert answer["Location"] == f"{PAGE}{run.id}/"
    assert run.is_proof
    page = said(admin.get(answer["Location"]))
    assert "一分不差" in page
    assert "现行规则（核验）" in said(admin.get(PAGE))


def test_thresholds_are_tried(world: World, admin: Client) -> None:
    answer = admin.post(PAGE, as_it_is(admin) | {"tier_silver": "10.00", "tier_gold": "5000.00", "days": "0"})
    page = said(admin.get(answer["Location"]))
    assert "等级会变化的会员" in page


def test_thresholds_that_go_down_are_refused(world: World, admin: Client) -> None:
    answer = admin.post(PAGE, as_it_is(admin) | {"tier_silver": "9000.00", "tier_gold": "5000.00"})
    assert answer.status_code == 200
    assert "门槛必须从零开始" in said(answer)
    assert not queries.replays(SYSTEM, world.program_id)


def test_a_long_one_is_followed_until_it_is_there(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zhike.loyalty.jobs import run_replay

    monkeypatch.setattr(running, "INLINE_RECEIPTS", -1)
    answer = admin.post(PAGE, as_it_is(admin) | {"days": "0"})
    run = queries.replays(SYSTEM, world.program_id)[0]
    assert "等待后台处理" in said(admin.get(answer["Location"]))
    assert f"{PAGE}{run.id}/state/" in said(admin.get(answer["Location"]))
    run_replay(run_id=str(run.id))
    assert "hx-trigger" not in said(admin.get(f"{PAGE}{run.id}/state/"))


def test_who_may_not_change_the_programme_may_not_ask(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.wang)
    assert browser.post(PAGE, {}).status_code == 403
    assert not queries.replays(SYSTEM, world.program_id)
