"""Staff and their roles, and keys for programs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.organization import queries

Enter = Callable[[Viewer], Client]
STRONG = "seven quiet rivers of stone"


@pytest.mark.feature("C028")
def test_an_account_is_made_given_a_role_and_closed(world: World, admin: Client) -> None:
    form = {"name": "新同事", "username": "newbie", "password": STRONG, "language": ""}
    page = admin.post("/console/staff/new/", form, follow=True)
    member = page.context["member"]
    admin.post(
        f"/console/staff/{member.id}/roles/", {"role": "cashier", "place": f"merchant:{world.malls.cafe}"}
    )
    assert queries.viewer_of_staff(member.id).may("receipts.record")
    assert "半山咖啡" in said(admin.get(f"/console/staff/{member.id}/"))
    [grant] = queries.staff_member(member.id).grants
    admin.post(f"/console/staff/{member.id}/roles/{grant.id}/revoke/")
    assert not queries.viewer_of_staff(member.id).may("receipts.record")
    assert admin.post(f"/console/staff/{member.id}/close/", {"reason": ""}, headers=HTMX).status_code == 422
    admin.post(f"/console/staff/{member.id}/close/", {"reason": "离职"}, headers=HTMX)
    assert not queries.staff_member(member.id).is_active
    assert "新同事" not in said(admin.get("/console/staff/"))
    assert "新同事" in said(admin.get("/console/staff/", {"status": "inactive"}))


def test_a_weak_password_makes_no_account(world: World, admin: Client) -> None:
    form = {"name": "新同事", "username": "newbie", "password": "12345678910", "language": ""}
    assert admin.post("/console/staff/new/", form).status_code == 200
    assert "newbie" not in said(admin.get("/console/staff/"))


@pytest.mark.feature("C028")
def test_nobody_gives_more_than_they_have(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.wang)
    refused = browser.post(f"/console/staff/{desks.sun.id}/roles/", {"role": "admin", "place": "all:0"})
    assert refused.status_code == 422
    beyond = browser.post(
        f"/console/staff/{desks.sun.id}/roles/", {"role": "admin", "place": f"mall:{world.malls.star}"}
    )
    assert beyond.status_code == 422
    assert len(queries.staff_member(desks.sun.id or 0).grants) == 1


@pytest.mark.feature("C029")
def test_staff_of_another_mall_do_not_exist(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.qian)
    assert "孙客服" not in said(browser.get("/console/staff/"))
    assert browser.get(f"/console/staff/{desks.sun.id}/").status_code == 404
    browser.post(f"/console/staff/{desks.sun.id}/close/", {"reason": "x"}, headers=HTMX)
    assert queries.staff_member(desks.sun.id or 0).is_active


def test_a_manager_sets_a_new_password(desks: Desks, enter: Enter, client: Client) -> None:
    enter(desks.wang).post(
        f"/console/staff/{desks.sun.id}/password/", {"password": STRONG, "again": STRONG}, headers=HTMX
    )
    client.post("/console/login/", {"username": "sun", "password": STRONG})
    assert client.get("/console/members/").status_code == 200


# Keys


def test_a_key_is_shown_once_works_and_is_revoked(world: World, admin: Client) -> None:
    form = {
        "name": "三楼收银机",
        "place": f"mall:{world.malls.star}",
        "rate_per_minute": "600",
        "scopes": ["receipts.record"],
    }
    made = said(admin.post("/console/api-keys/new/", form))
    found = re.search(r"zk_[0-9a-f]+_[0-9a-f]+", made)
    assert found is not None
    raw = found[0]
    caller = queries.viewer_of_api_key(raw, clock.now())
    assert caller is not None
    assert caller.viewer.may("receipts.record")
    listed = said(admin.get("/console/api-keys/"))
    assert raw not in listed
    assert "三楼收银机" in listed
    admin.post(f"/console/api-keys/{caller.key_id}/revoke/")
    assert queries.viewer_of_api_key(raw, clock.now()) is None


def test_a_key_needs_something_to_do(world: World, admin: Client) -> None:
    form = {"name": "三楼收银机", "place": "all:0", "rate_per_minute": "600"}
    assert admin.post("/console/api-keys/new/", form).status_code == 200
    assert admin.get("/console/api-keys/").context["rows"] == []


def test_who_does_not_manage_keys_makes_none(world: World, desks: Desks, enter: Enter, admin: Client) -> None:
    form = {"name": "x", "place": "all:0", "rate_per_minute": "1", "scopes": ["members.view"]}
    assert enter(desks.wang).post("/console/api-keys/new/", form).status_code == 403
    assert admin.get("/console/api-keys/").context["rows"] == []
