"""A walk through every page of console, counter and member app, as the links lead, starting from the addresses themselves.

A page that is new is walked without being named here. Of pages that differ only by an id, the first that a link leads
to stands for all. Every page is loaded once and looked at in two lights: at the desk, and in the hand in the dark.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve
from playwright.sync_api import APIResponse, Page

from tests.browser.conftest import AXE, DESK, PHONE
from tests.browser.site import Site
from tests.people import PASSWORD, Malls, build_malls, hire
from tests.ui.counter.world import enroll, log_in_staff, world_of_site
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.events import drain
from zhike.loyalty.handlers import member_activity
from zhike.risk import operations as risk
from zhike.risk import queries as risk_queries
from zhike.risk.handlers import risk_deeds
from zhike.service import operations as service
from zhike.ui.member import session as sessions

pytestmark = pytest.mark.xdist_group("browser-walk")

ACTOR = system_viewer("tests")
PARTS = {"console": 9, "counter": 2, "member": 3}
PART_PAGES = 20
FRAME = "#sidebar"
"""The same on every page and seven tenths of most: axe reads it on the first page of each part."""
AT_LEAST = {"console": 80, "counter": 15, "member": 18}
NARROWEST = {"width": 360, "height": 740}
LEFT_IN_ENGLISH = """() => {
  const found = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), parent = walker.currentNode.parentElement;
    if (!text || !parent.checkVisibility() || parent.closest("script, style, code, pre, .font-mono, [lang] [lang]")) continue;
    if (/[a-z]{3,}\\\\s+[a-z]{2,}/i.test(text) && !/[\\u4e00-\\u9fff]/.test(text)) found.add(text.slice(0, 80));
  }
  return [...found];
}"""
STILL = """() => {
  const still = new CSSStyleSheet();
  still.replaceSync("*, ::before, ::after { transition: none !important }");
  document.adoptedStyleSheets.push(still);
}"""
"""A colour on its way from light to dark is neither."""
LINKS = "() => [...document.querySelectorAll('a[href]')].map(link => link.pathname + link.search)"
TOO_FAINT = """() => axe.run(document, {
    runOnly: {type: "rule", values: ["color-contrast"]}, resultTypes: ["violations"], preload: false})
  .then(result => result.violations.flatMap(one => one.nodes.map(node => node.html.slice(0, 160))))"""
SPOKEN_IN_ENGLISH = {"English"}
"""What is English on a Chinese page on purpose."""


@dataclass
class House:
    """Whoever may open everything, and a member with a long name, large figures and something of every kind."""

    admin: Viewer
    member_id: int
    person_id: int


@pytest.fixture(scope="module")
def house(site: Site) -> House:
    now = clock.now()
    with site.committed():
        malls = build_malls(now)
        world = world_of_site(malls, now)
        admin = hire(
            malls, f"walk-{now.timestamp():.0f}", "管理员", ("admin", "all", 0), password=PASSWORD, now=now
        )
        phone = f"137{int(now.timestamp()) % 10**8:08d}"
        member = enroll("阿卜杜拉·买买提艾力江·吐尔逊", phone, malls.star, malls.cafe, now)
        world.numbers += int(now.timestamp()) % 10_000_000
        world.buy(98_765_432_10, member=member, at=now - dt.timedelta(days=1))
        bought = world.buy(500, member=member, at=now - dt.timedelta(minutes=30))
        _bring_back(malls, bought.receipt_id, now)
        world.redeem(member, 987_600)
        drain(member_activity)
        _look_into_it(now)
    return House(admin, member.member_id, member.person_id)


def _bring_back(malls: Malls, receipt_id: UUID, now: dt.datetime) -> None:
    """A cup is to be mended and lies at the desk."""
    service.found_after_sales(actor=ACTOR, group_id=malls.group, now=now)
    number = service.apply_after_sale(
        actor=ACTOR,
        receipt_id=receipt_id,
        kind="repair",
        reason="quality",
        condition="used",
        quantities={1: Decimal(1)},
        now=now,
    )
    service.receive_goods(actor=ACTOR, number=number, now=now)


def _look_into_it(now: dt.datetime) -> None:
    """Such large figures are noticed; the small receipt's points are withdrawn."""
    drain(risk_deeds)
    risk.judge_deeds(actor=ACTOR, now=now)
    for row in risk_queries.alerts(ACTOR).items:
        seen = risk_queries.alert(ACTOR, row.id).evidence
        small = min((one for one in seen if one.receipt and one.left), key=lambda one: one.fen, default=None)
        if small is not None:
            items = [str(small.receipt)]
            risk.take_measure(
                actor=ACTOR, alert_id=row.id, kind="withdraw", items=items, reason="核查", now=now
            )


@pytest.fixture
def enter(
    site: Site, house: House, open_page: Callable[..., Page], axe: Callable[[Page], None]
) -> Callable[[], Page]:
    """A browser in which the administrator and the member are logged in; axe is in every page it opens."""

    def _enter() -> Page:
        with site.committed():
            staff = log_in_staff(Client(), house.admin, clock.now()).cookies["sessionid"].value
            session = sessions.load(Client().get("/m/offline/").wsgi_request)
            sessions.log_in(session, house.member_id, house.person_id)
            session.save()
        page = open_page(DESK)
        page.add_init_script(path=AXE)
        page.add_init_script(f"({STILL})()")
        cookies = {"sessionid": staff, sessions.COOKIE: session.session_key or ""}
        page.context.add_cookies(
            [{"name": name, "value": value, "url": site.url} for name, value in cookies.items()]
        )
        return page

    return _enter


class Walk:
    """Addresses of pages of an area: those without an id, then whatever they link to, one for each kind.

    It is walked in parts, each with a browser of its own, and none of them long on a slow machine.
    """

    def __init__(self, area: str, *further: str) -> None:
        self.area = area
        self.waiting = deque(address for address in addresses() if view_of(address).startswith(f"{area}:"))
        self.waiting += further
        self.known = {view_of(address) for address in self.waiting}
        self.walked: list[str] = []

    def pages(self, page: Page, most: int | None) -> Iterator[str]:
        """The next pages, opened one after the other; all that are left where there is no `most`."""
        until = len(self.walked) + most if most else None
        while self.waiting and len(self.walked) != until:
            address = self.waiting.popleft()
            answer = page.request.get(address, max_redirects=0)
            assert answer.status < 500, address
            if not is_page(answer):
                continue
            page.goto(address)
            self._follow(page.evaluate(LINKS))
            self.waiting.append(address)  # one at fault is met again, at the latest in the last part
            yield address
            self.waiting.remove(address)
            self.walked.append(address)

    def _follow(self, links: list[str]) -> None:
        for link in links:
            view = view_of(link)
            if view.startswith(f"{self.area}:") and view not in self.known:
                self.known.add(view)
                self.waiting.append(link)


@pytest.fixture(scope="module")
def walks(house: House) -> dict[str, Walk]:
    return {
        "console": Walk("console"),
        "counter": Walk("counter", f"/counter/members/{house.member_id}/"),
        "member": Walk("member"),
    }


@pytest.mark.feature("C041", "N4")
@pytest.mark.parametrize(
    ("area", "part"), [(area, part) for area, parts in PARTS.items() for part in range(1, parts + 1)]
)
def test_every_page_is_whole_at_the_desk_and_in_the_hand(
    area: str,
    part: int,
    walks: dict[str, Walk],
    enter: Callable[[], Page],
    axe: Callable[[Page], None],
    console_errors: Any,
) -> None:
    page, walk, is_last = enter(), walks[area], part == PARTS[area]
    if area == "counter":
        page.goto("/counter/till/")
        page.get_by_role("combobox").select_option(index=1)
        page.get_by_role("button", name="在此收银").click()
        page.wait_for_url("**/counter/")
    for number, address in enumerate(walk.pages(page, None if is_last else PART_PAGES)):
        assert_whole(page, address, axe, is_first=number == 0)
        assert console_errors.unforgiven == [], address
    if is_last:
        assert len(walk.walked) >= AT_LEAST[area], walk.walked


def addresses() -> Iterator[str]:
    """Every address of the program that needs no argument."""
    for pattern in get_resolver().url_patterns:
        yield from _addresses(pattern, "/")


def _addresses(pattern: Any, before: str) -> Iterator[str]:
    address = before + str(pattern.pattern)
    if hasattr(pattern, "url_patterns"):
        for inner in pattern.url_patterns:
            yield from _addresses(inner, address)
    elif "<" not in address:
        yield address


def view_of(address: str) -> str:
    """The name of the view behind an address, with its words but not its ids; "" for another site's."""
    try:
        found = resolve(urlsplit(address).path)
    except Resolver404:
        return ""
    words = [value for value in found.kwargs.values() if isinstance(value, str)]
    return ":".join([found.view_name or "", *words])


def is_page(answer: APIResponse) -> bool:
    """A whole page, neither a fragment nor a file nor a redirect."""
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status == 200 and is_html and "<html" in answer.text()


def assert_whole(page: Page, address: str, axe: Callable[[Page], None], *, is_first: bool) -> None:
    """At the desk in the light, and on phones in the dark: it fits, can be read, and nothing is left in English.

    A page stays where it was looked at last, and the next one is opened there: every other page begins in the hand.
    """
    if not is_first:
        page.evaluate("frame => document.querySelector(frame)?.replaceChildren()", FRAME)
    if page.viewport_size == DESK:
        assert_whole_at_the_desk(page, address, axe)
        assert_whole_in_the_hand(page, address, [PHONE, NARROWEST])
    else:
        assert_whole_in_the_hand(page, address, [NARROWEST, PHONE])
        assert_whole_at_the_desk(page, address, axe)


def assert_whole_at_the_desk(page: Page, address: str, axe: Callable[[Page], None]) -> None:
    page.emulate_media(color_scheme="light")
    assert_fits(page, address, DESK)
    axe(page)
    left = set(page.evaluate(LEFT_IN_ENGLISH)) - SPOKEN_IN_ENGLISH
    assert left == set(), f"{address} is not all in Chinese"


def assert_whole_in_the_hand(page: Page, address: str, sizes: list[dict[str, int]]) -> None:
    page.emulate_media(color_scheme="dark")
    for size in sizes:
        assert_fits(page, address, size)
    assert page.evaluate(TOO_FAINT) == [], f"{address} in the dark"


def assert_fits(page: Page, address: str, size: dict[str, int]) -> None:
    if page.viewport_size != size:
        page.set_viewport_size(size)  # type: ignore[arg-type]
    fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert fits, f"{address} scrolls sideways at {size['width']} px"
