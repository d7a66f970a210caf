"""Who may open which page: a stranger, staff without a role, staff with the wrong one, and those whose page it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World
from zhike.kernel.access import Viewer
from zhike.ui.console import labels

Enter = Callable[[Viewer], Client]

# Page → who opens it, of: admin, wang (mall manager), sun (service desk), chen (marketer), li (cashier).
PAGES = {
    "/console/members/": "admin wang sun chen",
    "/console/identity/": "admin wang sun",
    "/console/identity/merges/": "admin wang sun",
    "/console/receipts/": "admin wang sun li",
    "/console/redemptions/": "admin wang sun chen li",
    "/console/programme/": "admin wang sun chen li",
    "/console/programme/edit/": "admin",
    "/console/tiers/": "admin wang sun chen li",
    "/console/rules/": "admin wang sun chen li",
    "/console/rules/new/": "admin",
    "/console/merchants/": "admin wang sun chen",
    "/console/malls/": "admin wang sun chen",
    "/console/imports/": "admin wang",
    "/console/parked-events/": "admin",
    "/console/audit/": "admin",
    "/console/ledger/": "admin",
    "/console/liability/": "admin",
    "/console/time-machine/": "admin",
    "/console/staff/": "admin wang",
    "/console/staff/new/": "admin wang",
    "/console/api-keys/": "admin",
    "/console/account/": "admin wang sun chen li tang",
}
TABS = ("receipts", "points", "timeline", "profile", "consents")


@pytest.mark.feature("C028")
@pytest.mark.parametrize("name", ["admin", "wang", "sun", "chen", "li", "tang"])
def test_pages_open_for_their_roles_only(name: str, desks: Desks, enter: Enter) -> None:
    browser = enter(getattr(desks, name))
    statuses = {url: browser.get(url).status_code for url in PAGES}
    assert statuses == {url: 200 if name in allowed.split() else 403 for url, allowed in PAGES.items()}


def test_a_stranger_opens_nothing(db: None, client: Client) -> None:
    assert {client.get(url).status_code for url in ("/console/", *PAGES)} == {302}


def test_the_menu_offers_only_what_opens(world: World, desks: Desks, enter: Enter) -> None:
    page = said(enter(desks.chen).get("/console/"))
    assert 'href="/console/members/"' in page
    for hidden in ("/console/audit/", "/console/staff/", "/console/imports/", "/console/receipts/"):
        assert f'href="{hidden}"' not in page


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_every_page_renders_in_every_language(language: str, world: World, admin: Client) -> None:
    admin.cookies["django_language"] = language
    expected = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "en": "en"}[language]
    of_one = [f"/console/members/{world.zhang_san}/{tab}" for tab in ("", *(f"{tab}/" for tab in TABS))]
    others = [
        f"/console/receipts/{world.sale}/",
        f"/console/rules/{world.rule_id}/",
        f"/console/merchants/{world.malls.cafe}/",
    ]
    for url in ("/console/", *PAGES, *of_one, *others):
        answer = admin.get(url)
        assert answer.status_code == 200, url
        assert f'<html lang="{expected}"' in said(answer)


def test_roles_and_permissions_all_have_names() -> None:
    from zhike.organization import rules

    assert set(labels.ROLES) == set(rules.ROLES)
    assert set(labels.PERMISSIONS) == set(rules.PERMISSIONS)
    assert set(labels.LEVELS) == set(rules.LEVELS)


def test_the_outbox_exists_in_the_demo_only(admin: Client, settings: object) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    assert admin.get("/console/outbox/").status_code == 404
    settings.DEMO = True  # type: ignore[attr-defined]
    assert admin.get("/console/outbox/").status_code == 200
