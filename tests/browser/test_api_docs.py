"""The API's page in a real browser: readable on a desk and a phone, with nothing to complain about."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.feature("C041", "C065")]


def test_on_a_desk(page: Page, axe: Callable[[Page], None]) -> None:
    page.goto("/api/docs")
    page.get_by_role("link", name="记录一笔销售").click()
    sale = page.locator("#take_receipt")
    sale.get_by_text("请求体", exact=True).click()
    expect(sale.get_by_text("merchant_code", exact=True).first).to_be_visible()
    expect(sale.get_by_text("curl -X POST").first).to_be_visible()
    axe(page)


def test_on_a_phone(phone: Page, axe: Callable[[Page], None]) -> None:
    phone.goto("/api/docs#redeem")
    expect(phone.locator("#redeem")).to_be_in_viewport()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    axe(phone)
