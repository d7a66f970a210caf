"""One member in full, and what staff do to it: a stranger, a colleague who may only look, and those who may act."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel import clock
from zhike.kernel import queries as kernel
from zhike.kernel.access import Viewer
from zhike.kernel.events import drain
from zhike.loyalty import operations, queries
from zhike.loyalty.handlers import member_activity
from zhike.loyalty.queries import MemberFile

Enter = Callable[[Viewer], Client]


def url_of(member_id: int, tail: str = "") -> str:
    return f"/console/members/{member_id}/{tail}"


def file_of(member_id: int) -> MemberFile:
    return queries.member_file(SYSTEM, member_id, clock.now())


def once(browser: Client, url: str) -> str:
    """The key that the form at this address carries."""
    key: str = browser.get(url, headers=HTMX).context["form"]["once"].value()
    return key


@pytest.mark.feature("C020", "C065")
def test_one_page_shows_tier_points_receipts_and_what_happened(world: World, admin: Client) -> None:
    page = said(admin.get(url_of(world.zhang_san)))
    for text in ("张三", "138 **** 8000", "银卡", "1,118", "老凤祥", "半山咖啡", "等级变更", "****-05-12"):
        assert text in page
    assert "13800138000" not in page
    assert "1990" not in page


@pytest.mark.feature("N4", "B22")
def test_every_entry_explains_itself_and_every_absence_too(world: World, admin: Client) -> None:
    points = said(admin.get(url_of(world.zhang_san, "points/")))
    assert "¥128.00" in points
    assert "消费积分" in points
    receipts = said(admin.get(url_of(world.zhang_san, "receipts/")))
    assert "为什么没积分" in receipts
    small = next(
        row["row"].id
        for row in admin.get(url_of(world.zhang_san, "receipts/")).context["receipts"]
        if row["row"].net_fen == 90
    )
    why = said(admin.get(f"/console/receipts/{small}/why/", headers=HTMX))
    assert "不足" in why or "太小" in why or "一个积分" in why or "1 积分" in why


def test_a_tab_comes_alone_when_htmx_asks(world: World, admin: Client) -> None:
    answer = admin.get(
        url_of(world.zhang_san, "timeline/"),
        headers={**HTMX, "HX-Boosted": "true", "HX-Target": "member-tab"},
    )
    assert "<html" not in said(answer)
    assert "成为会员" in said(answer)
    assert admin.get(url_of(world.zhang_san, "nonsense/")).status_code == 404


@pytest.mark.feature("C029")
def test_a_member_of_another_mall_does_not_exist(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.qian)
    for tail in ("", "points/", "adjust/", "redeem/", "edit/", "reveal/phone/", "card/"):
        assert browser.get(url_of(world.zhang_san, tail)).status_code == 404
    browser.post(url_of(world.zhang_san, "adjust/"), {"points": "5", "reason": "x"})
    assert file_of(world.zhang_san).balance == 1118


@pytest.mark.feature("C028")
def test_a_colleague_who_may_only_look_changes_nothing(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.chen)
    page = said(browser.get(url_of(world.zhang_san)))
    assert "调整积分" not in page
    assert "reveal/" not in page
    for tail in ("adjust/", "edit/", "card/", "status/frozen/", "identifiers/", "reveal/phone/", "redeem/"):
        assert browser.post(url_of(world.zhang_san, tail), {"points": "5", "reason": "x"}).status_code == 403
    assert file_of(world.zhang_san).balance == 1118
    assert file_of(world.zhang_san).status == "active"


@pytest.mark.feature("C030")
def test_points_are_adjusted_with_a_reason_and_only_once(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.sun)
    url = url_of(world.zhang_san, "adjust/")
    form = {"points": "-18", "reason": "补录错误", "once": once(browser, url)}
    assert browser.post(url, {**form, "reason": ""}, headers=HTMX).status_code == 422
    assert browser.post(url, {**form, "points": "0"}, headers=HTMX).status_code == 422
    assert file_of(world.zhang_san).balance == 1118
    first = browser.post(url, form, headers=HTMX)
    again = browser.post(url, form, headers=HTMX)
    assert first.headers["HX-Redirect"] == again.headers["HX-Redirect"] == url_of(world.zhang_san, "points/")
    assert file_of(world.zhang_san).balance == 1100
    assert "补录错误" in said(browser.get(url_of(world.zhang_san, "points/")))
    [entry] = kernel.search_audit(SYSTEM, action="points.adjust").items
    assert (entry.actor_label, entry.reason) == ("孙客服", "补录错误")


def test_points_are_redeemed_and_given_back(world: World, admin: Client) -> None:
    url = url_of(world.zhang_san, "redeem/")
    form = {
        "points": "100",
        "merchant_id": str(world.malls.cafe),
        "reference": "咖啡",
        "once": once(admin, url),
    }
    admin.post(url, form, headers=HTMX)
    admin.post(url, form, headers=HTMX)
    assert file_of(world.zhang_san).balance == 1018
    assert "张三" in said(admin.get("/console/redemptions/"))
    [redemption] = queries.redemptions(SYSTEM, world.zhang_san)
    back = url_of(world.zhang_san, f"redemptions/{redemption.redemption_id}/reverse/")
    refused = admin.post(
        back, {"points": "101", "reason": "too many", "once": once(admin, back)}, headers=HTMX
    )
    assert refused.status_code == 422
    admin.post(back, {"points": "40", "reason": "一杯没做", "once": once(admin, back)}, headers=HTMX)
    assert file_of(world.zhang_san).balance == 1058


def test_nobody_redeems_more_than_there_is(world: World, admin: Client) -> None:
    url = url_of(world.zhang_san, "redeem/")
    refused = admin.post(url, {"points": "5000", "once": once(admin, url)}, headers=HTMX)
    assert refused.status_code == 422
    assert "1,118" in said(refused) or "1118" in said(refused)
    assert file_of(world.zhang_san).balance == 1118


@pytest.mark.feature("C030")
def test_personal_data_opens_on_an_audited_click(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.sun)
    url = url_of(world.zhang_san, "reveal/phone/")
    assert "13800138000" not in said(browser.get(url, headers=HTMX))
    assert browser.post(url, {"reason": "just curious"}, headers=HTMX).status_code == 422
    assert kernel.search_audit(SYSTEM, action="person.reveal").items == []
    shown = said(browser.post(url, {"reason": "complaint"}, headers=HTMX))
    assert "13800138000" in shown
    [entry] = kernel.search_audit(SYSTEM, action="person.reveal").items
    assert (entry.actor_label, entry.reason) == ("孙客服", "complaint")


@pytest.mark.feature("C014")
def test_the_profile_is_edited_with_history(world: World, admin: Client) -> None:
    url = url_of(world.zhang_san, "edit/")
    form = {"name": "张姗", "sex": "female", "occupation": "教师", "reason": "本人更正"}
    admin.post(url, form, headers=HTMX)
    page = said(admin.get(url_of(world.zhang_san, "profile/")))
    for text in ("张姗", "教师", "本人更正", "管理员", "****-05-12"):
        assert text in page
    assert admin.post(url, {"name": "", "sex": "female"}, headers=HTMX).status_code == 422


def test_identifiers_come_and_go(world: World, admin: Client) -> None:
    add = url_of(world.zhang_san, "identifiers/")
    taken = admin.post(add, {"kind": "phone", "value": "139 0013 9000"}, headers=HTMX)
    assert taken.status_code == 422
    assert "已" in said(taken)
    admin.post(add, {"kind": "plate", "value": "粤B12345"}, headers=HTMX)
    plate = file_of(world.zhang_san).person.active("plate")
    assert plate is not None
    retire = url_of(world.zhang_san, f"identifiers/{plate.id}/retire/")
    admin.post(retire, {"reason": "given_up"}, headers=HTMX)
    assert file_of(world.zhang_san).person.active("plate") is None
    someone_elses = file_of(world.li_si).person.active("phone")
    assert someone_elses is not None
    foreign = url_of(world.zhang_san, f"identifiers/{someone_elses.id}/retire/")
    assert admin.post(foreign, {"reason": "lost"}, headers=HTMX).status_code == 404


@pytest.mark.feature("C004")
def test_a_lost_card_is_replaced(world: World, admin: Client) -> None:
    before = file_of(world.zhang_san).number
    url = url_of(world.zhang_san, "card/")
    form = {"reason": "lost", "once": once(admin, url)}
    admin.post(url, form, headers=HTMX)
    after = file_of(world.zhang_san)
    admin.post(url, form, headers=HTMX)
    assert file_of(world.zhang_san).number == after.number, "sent twice, issued once"
    assert after.number != before
    assert after.balance == 1118


def test_a_membership_is_frozen_and_reopened(world: World, admin: Client) -> None:
    admin.post(url_of(world.zhang_san, "status/frozen/"), {"reason": "盗刷"}, headers=HTMX)
    assert file_of(world.zhang_san).status == "frozen"
    assert "该会籍已冻结" in said(admin.get(url_of(world.zhang_san)))
    admin.post(url_of(world.zhang_san, "status/active/"), {"reason": "核实"}, headers=HTMX)
    assert file_of(world.zhang_san).status == "active"


@pytest.mark.feature("B03")
def test_debt_after_a_return_is_shown(world: World, admin: Client) -> None:
    operations.redeem_points(actor=SYSTEM, member_id=world.zhang_san, points=1100, now=clock.now())
    now = clock.now()
    operations.return_lines(
        actor=SYSTEM, receipt_id=world.sale, lines=[operations.ReturnLine(1)], till="01", number="RET-1",
        business_date=now.date(), occurred_at=now, now=now,
    )  # fmt: skip
    page = said(admin.get(url_of(world.zhang_san)))
    assert "积分欠分" in page
    assert "110" in page


@pytest.mark.feature("C020")
def test_consents_stand_with_their_proof(world: World, admin: Client) -> None:
    page = said(admin.get(url_of(world.zhang_san, "consents/")))
    for text in ("优惠与资讯", "短信", "拒绝", "2026-01", "enrolment"):
        assert text in page


@pytest.mark.feature("C020")
def test_the_page_tells_how_a_member_shops_and_what_each_figure_means(
    world: World, admin: Client, desks: Desks, enter: Enter
) -> None:
    drain(member_activity)
    page = said(admin.get(url_of(world.zhang_san)))
    seen = queries.activity_of(world.zhang_san)
    assert (seen.visits, seen.purchases, seen.spent_fen) == (2, 3, 128_00 + 90 + 990_00)
    for text in ("¥372.96", "¥1,118.90", "3 次消费", "有消费的天数", "除以消费次数", "常去商户"):
        assert text in page
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM loyalty_memberactivity")
    assert admin.get(url_of(world.li_si)).status_code == 200, "before the projection has caught up"
    assert "常去商户" not in said(enter(desks.chen).get(url_of(world.zhang_san))), "needs receipts.view"
