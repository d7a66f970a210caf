"""The console in a real browser: the main ways through it, and every page at desk and phone size."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE
from tests.browser.site import Site
from tests.people import PASSWORD, build_malls, hire
from tests.ui.counter.world import SYSTEM, World, enroll, log_in_staff, world_of_site
from zhike.intake import operations as intake
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty

pytestmark = pytest.mark.xdist_group("browser-console")  # one worker: they share a site

NARROW = {"width": 360, "height": 740}
Look = Callable[[Page], None]


@dataclass
class Office:
    world: World
    admin: Viewer
    username: str
    member_id: int
    name: str = "欧阳雪晴"


@pytest.fixture(scope="module")
def office(site: Site) -> Office:
    """An administrator, and a member with two purchases."""
    now = clock.now()
    with site.committed():
        malls = build_malls(now)
        world = world_of_site(malls, now)
        username = f"office-{now.timestamp():.0f}"
        admin = hire(malls, username, "管理员", ("admin", "all", 0), password=PASSWORD, now=now)
        member = enroll("欧阳雪晴", f"131{int(now.timestamp()) % 10**8:08d}", malls.star, malls.cafe, now)
        world.numbers += int(now.timestamp()) % 10_000_000
        world.buy(12_800, member=member, at=now - dt.timedelta(hours=1))
        world.buy(500, member=member, at=now - dt.timedelta(minutes=30))
    return Office(world, admin, username, member.member_id)


@pytest.fixture
def desk(site: Site, office: Office, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens an address of the console with the administrator logged in."""

    def open_desk(address: str, viewport: dict[str, int] = DESK) -> Page:
        with site.committed():
            client = log_in_staff(Client(), office.admin, clock.now())
        page = open_page(viewport)
        key = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
        page.goto(address)
        return page

    return open_desk


@pytest.fixture
def looks_right(axe: Look) -> Look:
    def check(page: Page) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{page.url} scrolls sideways"
        )
        axe(page)

    return check


@pytest.mark.feature("C020", "N4")
def test_from_log_in_by_search_to_an_adjusted_balance(page: Page, office: Office, looks_right: Look) -> None:
    page.goto("/console/members/")
    looks_right(page)
    page.get_by_label("用户名").fill(office.username)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="会员", exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("ouyangxueqing")
    expect(page.locator("#search-results a").first).to_contain_text(office.name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=office.name)).to_be_visible()
    looks_right(page)
    page.get_by_role("button", name="调整积分").click()
    dialog = page.get_by_role("dialog", name="调整积分")
    expect(dialog).to_be_visible()
    looks_right(page)
    dialog.get_by_label("积分").fill("30")
    dialog.get_by_label("原因").fill("生日补分")
    dialog.get_by_role("button", name="调整").click()
    expect(page.get_by_role("status")).to_contain_text("积分已调整")
    entry = page.get_by_role("row").filter(has_text="生日补分")
    expect(entry).to_contain_text("+30")
    entry.locator("summary").click()
    expect(entry).to_contain_text("管理员")


def test_a_wrong_password_keeps_what_was_typed(page: Page, office: Office) -> None:
    page.goto("/console/login/")
    page.get_by_label("用户名").fill("nobody")
    page.get_by_label("密码").fill("wrong wrong wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("用户名")).to_have_value("nobody")


def test_tabs_change_in_place_and_the_back_button_works(desk: Callable[..., Page], office: Office) -> None:
    page = desk(f"/console/members/{office.member_id}/")
    page.evaluate("window.kept = true")
    page.get_by_role("link", name="时间线").click()
    expect(page).to_have_url(re.compile("/timeline/$"))
    expect(page.get_by_text("最近小票")).not_to_be_visible()
    assert page.evaluate("window.kept"), "the page was loaded anew"
    page.go_back()
    expect(page.get_by_text("最近小票")).to_be_visible()


@pytest.mark.feature("B22")
def test_a_receipt_explains_itself_where_it_stands(desk: Callable[..., Page], office: Office) -> None:
    page = desk(f"/console/members/{office.member_id}/receipts/")
    page.get_by_text("为什么没积分").click()
    expect(page.get_by_text("最低消费").or_(page.get_by_text("起积"))).to_be_visible()
    page.get_by_text("怎么算的").click()
    expect(page.get_by_text("¥128.00").nth(1)).to_be_visible()


@pytest.mark.feature("C030")
def test_a_phone_number_opens_with_a_reason_and_closes_again(
    desk: Callable[..., Page], office: Office
) -> None:
    page = desk(f"/console/members/{office.member_id}/")
    page.locator("header").get_by_role("button", name="查看").click()
    dialog = page.get_by_role("dialog", name="手机号")
    dialog.get_by_text("处理投诉").click()
    dialog.get_by_role("button", name="查看").click()
    expect(dialog).to_contain_text("131")
    dialog.locator(".btn-primary").click()
    expect(dialog).not_to_be_visible()


@pytest.mark.feature("C083")
def test_a_rule_is_drafted_tried_and_published(
    desk: Callable[..., Page], site: Site, office: Office, looks_right: Look
) -> None:
    with site.committed():
        rule = loyalty.rules(SYSTEM, office.world.program_id, clock.now())[0]
    page = desk(f"/console/rules/{rule.rule_id}/edit/")
    page.get_by_label("金卡").fill("2")
    page.get_by_role("button", name="添加一行").first.click()
    row = page.locator("[data-row]").first
    row.get_by_label("对象").select_option(label="半山咖啡 · 星河城")
    row.get_by_label("倍数").fill("3")
    page.get_by_role("button", name="试算").click()
    expect(page.get_by_text("积分增加的会员")).to_be_visible()
    expect(page.locator("[data-chart='preview-chart-data']")).to_have_attribute("data-drawn", "true")
    expect(page.locator("#preview")).to_contain_text("商户 · 半山咖啡")
    looks_right(page)
    page.get_by_label("生效时间").fill("2999-06-18T10:00")
    page.get_by_label("变更内容与原因").fill("周年庆三倍")
    page.get_by_role("button", name="发布").click()
    page.get_by_role("dialog").get_by_role("button", name="发布").click()
    expect(page.get_by_role("status")).to_contain_text("版本已发布")
    page.goto(f"/console/rules/{rule.rule_id}/")
    expect(page.get_by_text("周年庆三倍")).to_be_visible()
    expect(page.get_by_text("待生效").first).to_be_visible()


def test_a_line_taken_out_of_a_rule_is_not_sent(desk: Callable[..., Page]) -> None:
    page = desk("/console/rules/new/")
    page.get_by_role("button", name="添加时段").click()
    period = page.locator("[data-row]").first
    period.get_by_label("名称").fill("周三")
    period.get_by_role("button", name="移除此时段").click()
    expect(period).not_to_be_visible()
    assert page.evaluate("document.querySelector('[data-row-delete]').checked")


TEXT = """小票号,商户编码,交易时间,商品名称,数量,实付金额,支付方式
{prefix}1,C001,2026-03-01 10:05,拿铁咖啡,2,56.00,微信支付
{prefix}2,X999,2026-03-01 12:00,围巾,1,99.00,现金
"""


@pytest.mark.feature("C017")
def test_a_file_is_imported_and_its_quarantine_emptied(
    desk: Callable[..., Page], site: Site, office: Office, tmp_path: Path, looks_right: Look
) -> None:
    prefix = f"W{clock.now().timestamp():.0f}-"
    file = tmp_path / "三月.csv"
    file.write_bytes(TEXT.format(prefix=prefix).encode("gb18030"))
    page = desk("/console/imports/")
    page.get_by_label("文件").set_input_files(file)
    page.get_by_label("商场", exact=True).select_option(label="星河城")
    page.get_by_role("button", name="上传").click()
    expect(page.get_by_text("拿铁咖啡").first).to_be_visible()
    looks_right(page)
    page.get_by_role("button", name="保存映射并继续").click()
    page.get_by_role("button", name="试跑").click()
    run_id = UUID(urlsplit(page.url).path.split("/")[3])
    with site.committed():
        intake.check(actor=office.admin, run_id=run_id, now=clock.now())
    expect(page.get_by_role("button", name="开始导入")).to_be_visible()
    looks_right(page)
    page.get_by_role("button", name="开始导入").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    with site.committed():
        intake.run(actor=office.admin, run_id=run_id, now=clock.now())
    page.get_by_role("link", name="查看隔离区").click()
    page.get_by_role("button", name="更正").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("商户编码").fill("F001")
    looks_right(page)
    dialog.get_by_role("button", name="保存").click()
    expect(page.get_by_text("已人工更正")).to_be_visible()
    page.get_by_label("勾选本页全部").check()
    page.get_by_role("button", name="重放勾选的行").click()
    expect(page.get_by_text("没有这样的行")).to_be_visible()
    page.goto(f"/console/receipts/?q={prefix}")
    expect(page.get_by_role("row")).to_have_count(3)


def test_the_menu_of_a_phone_opens_and_closes(desk: Callable[..., Page], office: Office) -> None:
    page = desk("/console/members/", PHONE)
    expect(page.get_by_role("link", name="数据导入")).not_to_be_visible()
    page.get_by_role("button", name="展开菜单").click()
    page.locator(".sidebar summary", has_text="数据").click()
    page.get_by_role("link", name="数据导入").click()
    expect(page.get_by_role("heading", name="数据导入")).to_be_visible()


def test_groups_of_the_menu_stay_as_they_were_left(desk: Callable[..., Page], office: Office) -> None:
    page = desk("/console/members/")
    group = page.locator(".sidebar summary", has_text="数据")
    group.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="数据导入")).to_be_visible()
    page.goto("/console/receipts/")
    expect(page.get_by_role("link", name="数据导入")).to_be_visible()
    group.click()
    page.reload()
    expect(page.get_by_role("link", name="数据导入")).not_to_be_visible()
