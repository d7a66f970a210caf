"""The counter in a real browser: a tablet at the till and a phone in the hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PHONE, ConsoleErrors
from tests.browser.site import Site
from tests.people import build_malls, hire
from tests.ui.counter.world import SYSTEM, World, enroll, log_in_staff, world_of_site
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.sales import queries as sales

pytestmark = pytest.mark.xdist_group("browser-counter")  # one worker: they share a site

TABLET = {"width": 1024, "height": 768}
SIZES = pytest.mark.parametrize("viewport", [TABLET, PHONE], ids=["tablet", "phone"])
TARGET_PX = 48
CONTROLS = "#counter :is(a, button, input, select, summary, label:has(input))"
SMALL_TARGETS = """([controls, limit]) => [...document.querySelectorAll(controls)]
    .filter(one => one.checkVisibility() && !(one.matches("input") && one.closest("label")) && one.type !== "hidden")
    .filter(one => one.getBoundingClientRect().height < limit)
    .map(one => one.outerHTML.slice(0, 120))"""


@dataclass
class Shop:
    world: World
    cashier: Viewer
    members: int = 0


@pytest.fixture(scope="module")
def shop(site: Site) -> Iterator[Shop]:
    """A mall with a programme, and the café's cashier."""
    now = dt.datetime.now(dt.UTC)
    with site.committed():
        malls = build_malls(now)
        world = world_of_site(malls, now)
        cashier = hire(
            malls, f"li-{now.timestamp():.0f}", "李收银", ("cashier", "merchant", malls.cafe), now=now
        )
        yield Shop(world, cashier)


@dataclass
class Customer:
    member_id: int
    phone: str


@pytest.fixture
def customer(site: Site, shop: Shop) -> Customer:
    """Somebody new for each test, so that no test depends on another."""
    shop.members += 1
    phone = f"1370013{shop.members:04d}"
    malls = shop.world.malls
    with site.committed():
        enrolled = enroll("王小明", phone, malls.star, malls.cafe, shop.world.now)
    return Customer(enrolled.member_id, phone)


@pytest.fixture
def till(site: Site, shop: Shop, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the counter with the cashier logged in."""

    def open_till(viewport: dict[str, int]) -> Page:
        with site.committed():
            client = log_in_staff(Client(), shop.cashier, dt.datetime.now(dt.UTC))
        page = open_page(viewport, has_touch=True)
        key = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
        page.goto("/counter/")
        return page

    return open_till


@pytest.fixture
def looks_right(axe: Callable[[Page], None]) -> Callable[[Page], None]:
    """Accessible, nothing cut off at the side, nothing too small for a wet thumb."""

    def check(page: Page) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page scrolls sideways"
        )
        assert page.evaluate(SMALL_TARGETS, [CONTROLS, TARGET_PX]) == []
        axe(page)

    return check


def find(page: Page, customer: Customer) -> None:
    """As a scanner does it: type and press Enter."""
    page.locator("[data-scan]").fill(customer.phone)
    page.keyboard.press("Enter")
    expect(page.get_by_text("王*明")).to_be_visible()


def record(page: Page, number: str, amount: str) -> None:
    page.get_by_role("link", name="录入小票").click()
    page.get_by_label("小票号").fill(number)
    page.get_by_label("实付金额（元）", exact=True).fill(amount)


def receipts_of(site: Site, number: str) -> int:
    with site.committed():
        return len(sales.receipts_page(SYSTEM, q=number).items)


@SIZES
def test_find_record_redeem_and_return(
    till: Callable[..., Page],
    customer: Customer,
    looks_right: Callable[[Page], None],
    viewport: dict[str, int],
) -> None:
    page = till(viewport)
    looks_right(page)
    find(page, customer)
    looks_right(page)
    number = f"B{customer.member_id}"
    record(page, number, "128.50")
    looks_right(page)
    page.get_by_role("button", name="录入", exact=True).click()
    expect(page.locator("[data-points]")).to_have_text("+128")
    expect(page.locator("[data-sentence]")).to_contain_text("128.50")
    looks_right(page)

    page.get_by_role("link", name="继续该会员").click()
    page.get_by_role("link", name="积分兑换").click()
    expect(page.get_by_role("heading", name="积分兑换")).to_be_visible()
    for key in "100":
        page.locator(f"[data-keypad] [data-key='{key}']").tap()
    looks_right(page)
    page.get_by_role("button", name="可抵多少？").click()
    expect(page.locator("[data-value]")).to_have_text("¥1.00")
    looks_right(page)
    page.get_by_role("button", name="确认兑换").click()
    expect(page.locator("[data-result=redeem] [data-points]")).to_have_text("−100")
    expect(page.locator("[data-result=redeem] [data-balance]")).to_have_text("28")

    page.goto("/counter/receipts/")
    page.get_by_label("小票号").fill(number)
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name=number).click()
    looks_right(page)
    page.get_by_role("link", name="退货").click()
    page.get_by_role("button", name="增加一件").tap()
    looks_right(page)
    page.get_by_role("button", name="查看退货结果").click()
    expect(page.locator("[data-refund]")).to_have_text("¥128.50")
    expect(page.locator("[data-clawed]")).to_have_text("128")
    looks_right(page)
    page.get_by_role("button", name="确认退货").click()
    expect(page.locator("[data-result=return]")).to_contain_text("100 积分")
    page.get_by_role("link", name="下一位顾客").click()
    expect(page.locator("#recent li")).to_have_count(3)


@SIZES
@pytest.mark.feature("C004", "C060")
def test_three_taps_make_a_member(
    till: Callable[..., Page], shop: Shop, looks_right: Callable[[Page], None], viewport: dict[str, int]
) -> None:
    page = till(viewport)
    page.get_by_role("link", name="办理入会").click()
    expect(page.get_by_role("heading", name="新会员")).to_be_visible()
    shop.members += 1
    phone = f"1360013{shop.members:04d}"
    for digit in phone:
        page.locator(f"[data-keypad] [data-key='{digit}']").tap()
    expect(page.get_by_label("手机号")).to_have_value(phone)
    looks_right(page)
    page.get_by_role("button", name="下一步").tap()
    assert page.locator("#counter input:checked").count() == 0
    page.get_by_label("姓名").fill("赵六")
    page.get_by_role("group", name="会员服务").get_by_label("我同意").check()
    looks_right(page)
    page.get_by_role("button", name="办理入会").tap()
    number = page.locator("[data-card-number]").inner_text()
    assert number.startswith("88")
    looks_right(page)
    page.get_by_role("link", name="下一位顾客").tap()
    page.locator("[data-scan]").fill(number)
    page.keyboard.press("Enter")
    expect(page.get_by_text(number)).to_be_visible()


def test_what_a_scanner_types_lands_in_the_field(till: Callable[..., Page], customer: Customer) -> None:
    page = till(TABLET)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.type(customer.phone)
    page.keyboard.press("Enter")
    expect(page.get_by_text("王*明")).to_be_visible()


@pytest.mark.feature("B04")
def test_a_double_tap_counts_once(site: Site, till: Callable[..., Page], customer: Customer) -> None:
    page = till(TABLET)
    find(page, customer)
    number = f"D{customer.member_id}"
    record(page, number, "50")
    page.get_by_role("button", name="录入", exact=True).dblclick()
    expect(page.locator("[data-points]")).to_have_text("+50")
    assert receipts_of(site, number) == 1


@pytest.mark.feature("B04")
def test_a_lost_answer_is_sent_again_and_counts_once(
    site: Site, till: Callable[..., Page], customer: Customer, console_errors: ConsoleErrors
) -> None:
    console_errors.allow("net::ERR_FAILED|htmx:(sendError|afterRequest)")
    page = till(TABLET)
    find(page, customer)
    number = f"L{customer.member_id}"
    record(page, number, "50")

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch(max_redirects=0)
            route.abort()
        else:
            route.continue_()

    page.route("**/receipt/", lose_the_answer)
    page.get_by_role("button", name="录入", exact=True).click()
    expect(page.locator("[data-connection-lost]")).to_be_visible()
    expect(page.get_by_label("小票号")).to_have_value(number)
    assert receipts_of(site, number) == 1
    page.unroute("**/receipt/")
    page.get_by_role("button", name="重新发送").click()
    expect(page.locator("[data-points]")).to_have_text("+50")
    assert receipts_of(site, number) == 1
    with site.committed():
        assert loyalty.member_file(SYSTEM, customer.member_id, dt.datetime.now(dt.UTC)).balance == 50


def test_without_a_connection_nothing_typed_is_lost(
    till: Callable[..., Page], customer: Customer, console_errors: ConsoleErrors
) -> None:
    console_errors.allow("ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
    page = till(PHONE)
    find(page, customer)
    record(page, f"O{customer.member_id}", "60")
    page.context.set_offline(True)
    page.get_by_role("button", name="录入", exact=True).click()
    expect(page.locator("[data-connection-lost]")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="重新发送").click()
    expect(page.locator("[data-points]")).to_have_text("+60")


def test_lines_are_added_as_needed(till: Callable[..., Page], customer: Customer) -> None:
    page = till(TABLET)
    find(page, customer)
    record(page, f"M{customer.member_id}", "")
    page.get_by_text("商品明细、第二种支付方式、其他日期").click()
    page.locator("[data-add-line]").click()
    for row, (name, amount) in enumerate([("拿铁", "30"), ("蛋糕", "25.5")]):
        page.locator("[name=line_name]").nth(row).fill(name)
        page.locator("[name=line_amount]").nth(row).fill(amount)
    page.get_by_role("button", name="录入", exact=True).click()
    expect(page.locator("[data-points]")).to_have_text("+55")


@pytest.mark.parametrize(
    ("viewport", "theme"), [(PHONE, "light"), (TABLET, "dark")], ids=["light-phone", "dark-tablet"]
)
def test_every_page_looks_right(
    site: Site,
    shop: Shop,
    till: Callable[..., Page],
    customer: Customer,
    looks_right: Callable[[Page], None],
    viewport: dict[str, int],
    theme: str,
) -> None:
    with site.committed():
        person_id = loyalty.person_id_of(customer.member_id)
        number = loyalty.member_file(SYSTEM, customer.member_id, shop.world.now).number
        who = type(shop.world.zhang)(customer.member_id, person_id, number)
        shop.world.buy(50_000, member=who, at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
        redemption_id = shop.world.redeem(who, 100)
    page = till(viewport)
    page.context.add_cookies([{"name": "zhike_theme", "value": theme, "url": site.url}])
    find(page, customer)
    member = f"/counter/members/{customer.member_id}/"
    for address in (
        "/counter/till/",
        "/counter/receipts/?q=X",
        "/counter/receipt/",
        member + "points/",
        member + "receipts/",
        member + "claim/",
        member + "redemptions/",
        f"{member}redemptions/{redemption_id}/reverse/",
    ):
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("data-theme", f"zhike-{theme}")
        looks_right(page)
