"""A real Chromium on a real server. `page` and `phone` fail their test on any console error or policy violation.

def test_log_in(page, axe):
    page.goto("/console/")
    axe(page)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

import hatch_build
from tests.browser.site import Site, serve
from tests.databases import own_database, server_url
from tools import chromium

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 15_000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one server and one browser: under xdist, which reads the mark next, they stay together."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


class ConsoleErrors(list[str]):
    """What the page complained about. `allow("403")` forgives what a test provokes on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def watch(self, page: Page) -> None:
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.append(str(error)))

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.append(f"{message.text} ({message.location.get('url', '')})")

    @property
    def unforgiven(self) -> list[str]:
        return [text for text in self if not any(re.search(pattern, text) for pattern in self.allowed)]


@pytest.fixture(scope="package")
def chromium_path() -> str:
    return chromium.find_or_install()


@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Playwright keeps an event loop in this thread, which Django would take for asynchronous code.

    What is expected has as much time as what is done: a busy machine is late, not wrong.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=list(chromium.FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The server, on a migrated database that starts empty and keeps what the tests of this folder write."""
    with new_site("site", django_db_blocker, tmp_path_factory.mktemp("site") / "server.log") as served:
        yield served


@contextmanager
def new_site(label: str, django_db_blocker: Any, log: Path) -> Iterator[Site]:
    """A server on an empty, migrated database of its own; both are gone afterwards."""
    with own_database(label, django_db_blocker) as name, serve(server_url(name), log) as url:
        yield Site(url=url, database=name, blocker=django_db_blocker)


@pytest.fixture
def console_errors() -> ConsoleErrors:
    return ConsoleErrors()


@pytest.fixture
def open_page(browser: Browser, site: Site, console_errors: ConsoleErrors) -> Iterator[Callable[..., Page]]:
    """Opens pages of any size; further arguments go to Playwright's `new_context`."""
    contexts = []

    def open_page(viewport: dict[str, int], **options: Any) -> Page:
        settings = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce"} | options
        context = browser.new_context(base_url=site.url, viewport=viewport, **settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        console_errors.watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert console_errors.unforgiven == []


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page(DESK)


@pytest.fixture
def phone(open_page: Callable[..., Page]) -> Page:
    return open_page(PHONE, has_touch=True, is_mobile=True)


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """Asserts that axe finds nothing: WCAG 2.2 AA and best practice."""
    if not AXE.exists():
        hatch_build.install_packages(ROOT, hatch_build.find_node())
    script = AXE.read_text()

    def check(page: Page) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        found = page.evaluate(
            """runOnly => axe.run(document, {runOnly, resultTypes: ["violations"], preload: false})
                .then(result => result.violations)""",
            AXE_RULES,
        )
        assert [_told(violation) for violation in found] == []

    return check


def _told(violation: dict[str, Any]) -> str:
    places = "; ".join(node["html"][:160] for node in violation["nodes"][:5])
    return f"{violation['id']} ({violation['impact']}, {len(violation['nodes'])}): {places}"
