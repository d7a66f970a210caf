"""Sources in the console: made, watched, mended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.collection.conftest import Sender, build_sender, track
from tests.ui.console.world import Desks, World
from zhike.collection import queries
from zhike.customers import queries as people
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.feature("C002", "C016")
Enter = Callable[[Viewer], Client]


@pytest.fixture
def server(world: World) -> Sender:
    queries.forget_sources()
    return build_sender(
        world.malls, "官网服务器", world.now, kind="server", is_trusted=True, consent_assumed=True
    )


def test_source_is_made_and_its_key_shown_once(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    form = {
        "name": "小程序", "kind": "app", "mall_id": world.malls.star, "space": "mini", "user_id_kind": "account",
        "consent_category": "Analytics", "rate_per_minute": "600",
    }  # fmt: skip
    shown = browser.post("/console/sources/new/", form).content.decode()
    [raw] = set(re.findall(r"wk_[0-9a-f]{8}_[0-9a-f]{40}", shown))
    source = queries.source_of_key(raw, world.now)
    assert source is not None and source.name == "小程序" and not source.is_trusted
    page = browser.get(f"/console/sources/{source.id}/").content.decode()
    assert raw not in page and raw[:11] in page
    assert "小程序" in browser.get("/console/sources/").content.decode()
    again = browser.post("/console/sources/new/", form)
    assert "已有同名的数据源" in again.content.decode()


def test_key_is_rotated_and_revoked(server: Sender, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    assert 'name="overlap_days"' in browser.get(f"/console/sources/{server.source_id}/key/").content.decode()
    shown = browser.post(f"/console/sources/{server.source_id}/key/", {"overlap_days": "7"}).content.decode()
    [new] = set(re.findall(r"wk_[0-9a-f]{8}_[0-9a-f]{40}", shown))
    assert server.call("/v1/track", track()).status == 200
    newest = queries.source(desks.admin, server.source_id, queries_now()).keys[0]
    browser.post(f"/console/sources/keys/{newest.id}/revoke/")
    assert Sender(server.source_id, new).call("/v1/track", track()).status == 401


def queries_now():
    from zhike.kernel import clock

    return clock.now()


def test_debugger_shows_messages_without_personal_data(server: Sender, desks: Desks, enter: Enter) -> None:
    server.send(track("Product Viewed", properties={"email": "w5@example.com", "name": "拿铁"}))
    page = enter(desks.chen).get(f"/console/sources/{server.source_id}/live/", headers={"HX-Request": "true"})
    text = page.content.decode()
    assert "track · Product Viewed" in text and "拿铁" in text and "已收入" in text
    assert "w5@example.com" not in text


def test_message_is_mended_and_taken(server: Sender, desks: Desks, enter: Enter) -> None:
    server.send({"type": "identify", "userId": "u-9", "traits": {"phone": "12345"}})
    browser = enter(desks.admin)
    listed = browser.get(f"/console/sources/{server.source_id}/set-aside/").content.decode()
    assert "有一个身份标识无效。" in listed and "12345" not in listed
    [kept] = queries.set_aside_page(desks.admin, server.source_id).items
    url = f"/console/sources/set-aside/{kept.id}/"
    htmx = {"HX-Request": "true"}
    opened = browser.get(url, headers=htmx).content.decode()
    assert "12345" in opened
    assert AuditEntry.objects.latest("id").action == "source.message_open"
    assert browser.post(url, {"body": "{"}, headers=htmx).status_code == 422
    message = {"type": "identify", "userId": "u-9", "traits": {"phone": "13600136000"}}
    done = browser.post(url, {"body": json.dumps(message)}, headers=htmx)
    assert done.headers["HX-Redirect"].endswith("/set-aside/")
    assert people.person_id_by("phone", "13600136000") is not None


def test_message_is_given_up(server: Sender, desks: Desks, enter: Enter) -> None:
    server.send({"type": "nonsense", "userId": "u"})
    [kept] = queries.set_aside_page(desks.admin, server.source_id).items
    browser = enter(desks.admin)
    still = browser.post(f"/console/sources/set-aside/{kept.id}/replay/", follow=True)
    assert "仍然无法使用" in still.content.decode()
    browser.post(f"/console/sources/set-aside/{kept.id}/discard/")
    assert queries.set_aside(desks.admin, kept.id).status == "discarded"


def test_settings_are_changed(server: Sender, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.admin)
    form = {
        "name": "官网",
        "user_id_kind": "account",
        "consent_category": "Functional",
        "rate_per_minute": "10",
    }
    browser.post(f"/console/sources/{server.source_id}/edit/", form, headers={"HX-Request": "true"})
    found = queries.source(desks.admin, server.source_id, queries_now())
    assert (found.ref.name, found.ref.is_trusted, found.is_active) == ("官网", False, False)
    assert server.call("/v1/track", track()).status == 401


def test_doors(server: Sender, desks: Desks, enter: Enter) -> None:
    url = f"/console/sources/{server.source_id}/"
    assert enter(desks.wang).get(url).status_code == 200
    assert enter(desks.qian).get(url).status_code == 404
    assert enter(desks.li).get(url).status_code == 403
    assert enter(desks.wang).post(f"{url}key/", {"overlap_days": "0"}).status_code == 403
