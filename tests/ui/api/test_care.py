"""Follow-ups, contacts and notes over the API: in the key's scope, each once."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.clienteling import operations
from zhike.kernel.access import system_viewer
from zhike.loyalty import queries as loyalty

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C200", "C008")]
SCOPES = ["follow_ups.view", "follow_ups.work", "members.view"]


def test_worked_off_by_an_application_of_the_house(shop: Shop) -> None:
    key, elsewhere = ApiClient(make_key(SCOPES)), ApiClient(make_key(SCOPES, "mall", shop.malls.cloud))
    now = dt.datetime.now(dt.UTC)
    operations.add_follow_up(
        actor=system_viewer("tests"), person_id=loyalty.person_id_of(shop.member_id), text="答应回电",
        due_on=now.date() + dt.timedelta(days=2), now=now,
    )  # fmt: skip
    [one] = key.get("/api/v1/follow-ups?ahead=true").json["items"]
    assert (one["kind"], one["why"], one["member_id"], one["state"]) == (
        "own",
        "答应回电",
        shop.member_id,
        "open",
    )
    assert elsewhere.get("/api/v1/follow-ups?ahead=true").json["items"] == []
    finish = f"/api/v1/follow-ups/{one['id']}/finish"
    assert elsewhere.post(finish, {"outcome": "visit"}).status == 404
    assert key.post(finish, {"outcome": "fine"}).status == 422
    done = key.post(finish, {"outcome": "visit", "channel": "in_person"}, idempotency_key="F-1")
    assert (done.status, done.json["state"]) == (200, "done")
    assert (
        key.post(finish, {"outcome": "visit", "channel": "in_person"}, idempotency_key="F-1").json
        == done.json
    )
    assert key.post(finish, {"outcome": "visit"}).status == 409
    member = f"/api/v1/members/{shop.member_id}"
    ways = {way["channel"]: way["closed"] for way in key.get(f"{member}/contact-ways").json["items"]}
    assert ways["in_person"] == "" and ways.keys() == {"call", "wecom", "sms", "in_person"}
    assert elsewhere.get(f"{member}/contact-ways").status == 404
    assert key.post(f"{member}/contacts", {"channel": "in_person", "result": "talked"}).status == 201
    note = key.post(f"{member}/care-notes", {"text": "偏好简约。"})
    assert [(one["words"], one["sentence"], one["state"]) for one in note.json["proposals"]] == [
        ("偏好简约", "偏好简约。", "open")
    ]
    assert key.post(f"{member}/care-notes", {"text": "月薪三万"}).status == 422
    assert ApiClient(make_key(["members.view"])).post(f"{member}/care-notes", {"text": "x"}).status == 403
