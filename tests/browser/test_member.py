"""The member app in a real browser: coming in, the rotating code, no connection, every page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE, ConsoleErrors
from tests.browser.site import Site
from tests.people import Malls, build_malls, hire
from tests.ui.counter.world import World, enroll, last_code, world_of_site
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty_operations
from zhike.ui.member import session as sessions

pytestmark = pytest.mark.xdist_group("browser-member")  # one worker: they share a site

SIZES = pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])


@dataclass
class Town:
    malls: Malls
    admin: Viewer
    now: dt.datetime
    world: World
    members: int = 0


@pytest.fixture(scope="module")
def town(site: Site) -> Town:
    """A mall with a programme."""
    now = dt.datetime.now(dt.UTC)
    with site.committed():
        malls = build_malls(now)
        world = world_of_site(malls, now)
        admin = hire(malls, f"admin-{now.timestamp():.0f}", "管理员", ("admin", "all", 0), now=now)
    return Town(malls, admin, now, world)


@pytest.fixture
def member(site: Site, town: Town) -> loyalty_operations.EnrolledMember:
    """Somebody new for each test, with points from two purchases."""
    town.members += 1
    with site.committed():
        enrolled = enroll("周小红", f"1330013{town.members:04d}", town.malls.star, town.malls.cafe, town.now)
        for fen in (12_800, 900):
            town.world.buy(fen, member=enrolled)
    return enrolled


@pytest.fixture
def signed_in(
    site: Site, member: loyalty_operations.EnrolledMember, open_page: Callable[..., Page]
) -> Callable[..., Page]:
    """Opens the app as this member."""

    def open_app(viewport: dict[str, int], **options: object) -> Page:
        with site.committed():
            session = sessions.load(Client().get("/m/offline/").wsgi_request)
            sessions.log_in(session, member.member_id, member.person_id)
            session.save()
        page = open_page(viewport, **options)
        cookie = {"name": sessions.COOKIE, "value": session.session_key or "", "url": f"{site.url}/m/"}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        return page

    return open_app


@pytest.fixture
def looks_right(axe: Callable[[Page], None]) -> Callable[[Page], None]:
    def check(page: Page) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page scrolls sideways"
        )
        axe(page)

    return check


@SIZES
@pytest.mark.feature("C060")
def test_joining_and_coming_back(
    site: Site,
    town: Town,
    open_page: Callable[..., Page],
    looks_right: Callable[[Page], None],
    settings: object,
    viewport: dict[str, int],
) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    page = open_page(viewport)
    page.goto("/m/")
    looks_right(page)
    town.members += 1
    page.get_by_label("手机号").fill(f"1320013{town.members:04d}")
    page.get_by_role("button", name="获取验证码").click()
    expect(page.get_by_label("短信验证码")).to_be_visible()  # then it is sent
    looks_right(page)
    with site.committed():
        code = last_code(town.admin)
    page.get_by_label("短信验证码").fill(code)
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_label("姓名")).to_be_visible()
    assert page.locator("input:checked").count() == 0
    page.get_by_label("姓名").fill("孙小美")
    page.get_by_role("group", name="会员服务").get_by_label("我同意").check()
    looks_right(page)
    page.get_by_role("button", name="加入会员").click()
    expect(page.get_by_text("孙小美")).to_be_visible()
    looks_right(page)
    page.goto("/m/me/")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("手机号")).to_be_visible()
    page.goto("/m/")
    expect(page.get_by_label("手机号")).to_be_visible()


@pytest.mark.feature("C062")
def test_the_code_goes_on_by_itself_and_carries_through_a_lost_connection(
    signed_in: Callable[..., Page], console_errors: ConsoleErrors
) -> None:
    console_errors.allow("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    page = signed_in(PHONE)
    page.clock.install()
    page.goto("/m/")
    shown = page.locator("[data-code]:visible")
    expect(shown).to_have_count(1)
    first = shown.inner_html()
    page.context.set_offline(True)
    page.clock.run_for(31_000)
    expect(shown).to_have_count(1)
    assert shown.inner_html() != first
    page.clock.run_for(180_000)
    expect(page.locator("[data-codes-over]")).to_be_visible()
    expect(shown).to_have_count(0)
    page.context.set_offline(False)
    page.clock.resume()
    expect(shown).to_have_count(1)
    expect(page.locator("[data-codes-over]")).to_be_hidden()


@pytest.mark.feature("C063")
def test_the_balance_follows_the_till(
    site: Site, town: Town, member: loyalty_operations.EnrolledMember, signed_in: Callable[..., Page]
) -> None:
    page = signed_in(PHONE)
    page.goto("/m/")
    expect(page.locator("[data-balance]")).to_have_text("128")
    with site.committed():
        town.world.buy(5_000, member=member)
    page.evaluate("document.querySelector('[data-live]').dispatchEvent(new Event('refresh'))")
    expect(page.locator("[data-balance]")).to_have_text("178")


def test_without_a_connection_the_frame_stays(
    signed_in: Callable[..., Page], console_errors: ConsoleErrors
) -> None:
    console_errors.allow("ERR_INTERNET_DISCONNECTED|Failed to fetch|htmx:(sendError|afterRequest)")
    page = signed_in(PHONE, service_workers="allow")
    page.goto("/m/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    kept = page.evaluate(
        "caches.keys().then(async names => (await Promise.all(names.map(async name => (await (await caches.open(name))"
        ".keys()).map(request => new URL(request.url).pathname)))).flat())"
    )
    assert all(path.startswith("/static/") or path == "/m/offline/" for path in kept), kept
    page.context.set_offline(True)
    page.goto("/m/points/")
    expect(page.get_by_text("没有网络连接")).to_be_visible()
    page.context.set_offline(False)
    page.goto("/m/points/")
    expect(page.get_by_role("heading", name="我的积分")).to_be_visible()


def test_it_can_be_installed(signed_in: Callable[..., Page]) -> None:
    page = signed_in(PHONE)
    page.goto("/m/")
    client = page.context.new_cdp_session(page)
    found = client.send("Page.getAppManifest")
    assert found["errors"] == []
    assert "知客会员" in found["data"]


def test_a_receipt_is_handed_in(
    site: Site, town: Town, signed_in: Callable[..., Page], console_errors: ConsoleErrors
) -> None:
    console_errors.allow("422")
    with site.committed():
        town.world.buy(6_600)
        number = f"X{town.world.numbers:05d}"
    page = signed_in(PHONE)
    page.goto("/m/receipts/claim/")
    page.get_by_label("商户").select_option(value=str(town.malls.cafe))
    page.get_by_label("小票号").fill(number)
    page.get_by_label("小票日期").fill(town.now.date().isoformat())
    page.get_by_label("实付金额（元）").fill("65")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("实付金额（元）").fill("66")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("+66")).to_be_visible()


def test_consents_are_changed(signed_in: Callable[..., Page]) -> None:
    page = signed_in(PHONE)
    page.goto("/m/me/consents/")
    marketing = page.get_by_role("group", name="资讯与优惠")
    expect(marketing.get_by_label("短信")).to_be_checked()
    marketing.get_by_label("短信").uncheck()
    page.get_by_role("button", name="保存我的选择").click()
    expect(page.get_by_text("已撤回").first).to_be_visible()
    expect(marketing.get_by_label("短信")).not_to_be_checked()


@pytest.mark.parametrize(
    ("viewport", "theme"), [(PHONE, "light"), (DESK, "dark")], ids=["light-phone", "dark-desk"]
)
def test_every_page_looks_right(
    site: Site,
    signed_in: Callable[..., Page],
    looks_right: Callable[[Page], None],
    viewport: dict[str, int],
    theme: str,
) -> None:
    page = signed_in(viewport)
    page.context.add_cookies([{"name": "zhike_theme", "value": theme, "url": site.url}])
    addresses = [
        "/m/",
        "/m/points/",
        "/m/points/lots/",
        "/m/receipts/",
        "/m/receipts/claim/",
        "/m/me/",
        "/m/me/edit/",
        "/m/me/history/",
        "/m/me/consents/",
        "/m/policy/",
        "/m/about/",
        "/m/offline/",
    ]
    for address in addresses:
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("data-theme", f"zhike-{theme}")
        looks_right(page)
    page.goto("/m/receipts/")
    page.locator("main li a").first.click()
    expect(page.get_by_role("heading", name="小票", exact=True)).to_be_visible()
    looks_right(page)


@pytest.mark.parametrize(("language", "sentence"), [("English", "My points"), ("繁體中文", "我的積分")])
def test_the_language_is_chosen(signed_in: Callable[..., Page], language: str, sentence: str) -> None:
    page = signed_in(PHONE)
    page.goto("/m/about/")
    page.get_by_role("button", name=language).click()
    page.goto("/m/points/")
    expect(page.get_by_role("heading", name=sentence)).to_be_visible()
