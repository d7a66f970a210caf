"""The gallery in a real browser: looks, keyboard, themes, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.conftest import DESK, PHONE, ConsoleErrors
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser-components")  # one worker: they share a site

FRAMES = ["/console/_components/", "/counter/_components/", "/m/_components/", "/console/_components/login/"]


@pytest.mark.parametrize("address", FRAMES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_frames_are_accessible_and_fit(
    open_page: Callable[..., Page], axe: Callable[[Page], None], site: Site, address, theme, viewport
):
    page = open_page(viewport)
    page.context.add_cookies([{"name": "zhike_theme", "value": theme, "url": site.url}])
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-theme", f"zhike-{theme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    axe(page)


def test_charts_are_drawn_in_the_colours_of_the_theme(page: Page):
    page.goto("/console/_components/")
    chart = page.locator("[data-chart='points-chart-data']")
    expect(chart).to_have_attribute("data-drawn", "true")
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart).to_have_attribute(
        "aria-label", "近 14 天积分发放与兑换"
    )  # ours, not one that the library makes up
    page.get_by_label("个人菜单").click()
    page.get_by_role("button", name="深色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "zhike-dark")
    expect(chart.locator("canvas")).to_have_count(1)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "zhike-dark")


def test_language_changes_text_and_document_language(page: Page):
    page.goto("/console/_components/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.get_by_label("个人菜单").click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("link", name="Skip to content")).to_have_count(1)


def test_slash_goes_to_the_search_box(page: Page):
    page.goto("/console/_components/")
    page.keyboard.press("/")
    expect(page.locator("[data-global-search]")).to_be_focused()


def test_dialog_opens_traps_and_closes(page: Page):
    page.goto("/console/_components/")
    page.get_by_role("button", name="对话框").click()
    dialog = page.get_by_role("dialog", name="手工调整积分")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="抽屉").click()
    drawer = page.get_by_role("dialog", name=re.compile("小票 A-"))
    expect(drawer).to_be_visible()
    drawer.get_by_label("关闭").click()
    expect(drawer).to_be_hidden()


def test_confirm_button_asks_first(page: Page):
    page.goto("/console/_components/")
    sent = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.get_by_role("button", name="作废").click()
    question = page.locator("#confirm-dialog")
    expect(question).to_contain_text("作废这张小票")
    question.get_by_role("button", name="取消").click()
    expect(question).to_be_hidden()
    assert sent == []
    page.get_by_role("button", name="作废").click()
    with page.expect_request(lambda request: request.method == "POST"):
        question.get_by_role("button", name="作废").click()


def test_lost_connection_says_so(page: Page, console_errors: ConsoleErrors):
    console_errors.allow("ERR_INTERNET_DISCONNECTED|ERR_FAILED|htmx")
    page.goto("/console/_components/")
    page.route("**/reveal/", lambda route: route.abort("internetdisconnected"))
    page.get_by_label("查看手机").first.click()
    expect(page.get_by_role("alert").filter(has_text="网络已断开")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "sentence"), [(500, "系统出了点问题"), (404, "内容已不存在"), (403, "没有权限")]
)
def test_failed_answer_becomes_a_toast(page: Page, console_errors: ConsoleErrors, status, sentence):
    console_errors.allow(f"{status}|htmx")

    def refuse(route: Route) -> None:
        route.fulfill(status=status, body="")

    page.goto("/console/_components/")
    page.route("**/reveal/", refuse)
    page.get_by_label("查看手机").first.click()
    expect(page.locator(".toast-item").filter(has_text=sentence)).to_be_visible()


def test_phone_menu_opens_and_closes(phone: Page):
    phone.goto("/console/_components/")
    menu = phone.get_by_role("navigation", name="主导航")
    expect(menu).to_be_hidden()
    phone.get_by_label("展开菜单").click()
    expect(menu).to_be_visible()
    expect(menu.get_by_role("link", name="积分规则")).to_be_in_viewport()
    phone.get_by_label("收起菜单").click()
    expect(menu).to_be_hidden()


def test_keypad_types_an_amount(phone: Page):
    phone.goto("/counter/_components/")
    for key in ["1", "2", ".", "5", ".", "退格", "8"]:
        phone.get_by_role("button", name=key, exact=True).click()
    expect(phone.get_by_label("金额")).to_have_value("12.8")


def test_unsaved_input_is_guarded(page: Page):
    page.goto("/console/_components/")
    page.get_by_label("姓名", exact=True).first.fill("李雷")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.once("dialog", leave)
    page.goto("/m/_components/")
    assert asked == ["beforeunload"]


def test_filter_bar_asks_while_people_type_and_choose(page: Page):
    asked: list[str] = []

    def answer(route: Route) -> None:
        if "hx-request" not in route.request.headers:
            route.continue_()
            return
        asked.append(route.request.url.partition("?")[2])
        route.fulfill(status=200, body=f"<p>{len(asked)}</p>", content_type="text/html")

    page.goto("/console/_components/")
    page.route("**/console/_components/**", answer)
    page.get_by_role("searchbox", name="手机、卡号、姓名、拼音").press_sequentially("wang", delay=20)
    expect(page.locator("#rows")).to_have_text("1")
    page.get_by_label("等级", exact=True).first.select_option("金卡")
    expect(page.locator("#rows")).to_have_text("2")
    assert asked == ["q=wang&tier=", "q=wang&tier=%E9%87%91%E5%8D%A1"]
    assert page.url.endswith("?q=wang&tier=%E9%87%91%E5%8D%A1")


def test_global_search_walks_through_its_results(page: Page):
    page.goto("/console/_components/")
    found = '<a href="#one">王小明</a><a href="#two">王芳</a>'
    page.route(
        "**/console/_components/?q=*", lambda route: route.fulfill(body=found, content_type="text/html")
    )
    page.keyboard.press("/")
    page.keyboard.type("王")
    results = page.locator("#search-results")
    expect(results.get_by_role("link")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(results.get_by_role("link", name="王芳")).to_be_focused()
    page.keyboard.press("Escape")
    expect(results).to_be_hidden()
