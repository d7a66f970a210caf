"""Forms over the API: listed, asked, answered once, paged through; in the key's scope."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from tests.webforms.conftest import SYSTEM, VISIT
from zhike.webforms import operations

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C007", "C023")]


def test_a_site_of_the_house_asks_and_sends_in(shop: Shop) -> None:
    now = dt.datetime.now(dt.UTC)
    form_id = operations.create_form(
        actor=SYSTEM, group_id=shop.malls.group, name="满意度", mall_id=shop.malls.star, draft=VISIT, now=now
    )
    site = ApiClient(make_key(["forms.view", "forms.submit"]))
    reader, elsewhere = (
        ApiClient(make_key(["forms.answers"])),
        ApiClient(make_key(["forms.view", "forms.submit"], "mall", shop.malls.cloud)),
    )
    address = f"/api/v1/forms/{form_id}"
    assert site.get(address).status == 404  # never published
    operations.publish_form(actor=SYSTEM, form_id=form_id, now=now)
    [one] = site.get("/api/v1/forms").json["items"]
    assert (one["form_id"], one["state"], one["version"]) == (form_id, "open", 1)
    asked = site.get(address).json
    assert [field["key"] for field in asked["fields"]] == [one.key for one in VISIT.fields]
    assert asked["fields"][1]["when"] == {"field": "q1", "op": "at_most", "value": "3"}
    sheet = {"version": 1, "values": {"q1": 2, "q2": ["停车"], "q5": {"卫生": "好"}, "q7": True}}
    made = site.post(f"{address}/answers", sheet, idempotency_key="A-1")
    assert (
        made.status == 201 and site.post(f"{address}/answers", sheet, idempotency_key="A-1").json == made.json
    )
    assert site.post(f"{address}/answers", {"version": 1, "values": {"q1": 9}}).status == 422
    assert site.post(f"{address}/answers", {"version": 2, "values": {"q1": 5}}).status == 404
    assert elsewhere.get("/api/v1/forms").json["items"] == [] and elsewhere.get(address).status == 404
    assert elsewhere.post(f"{address}/answers", sheet).status == 404
    assert site.get(f"{address}/answers").status == 403
    [kept] = reader.get(f"{address}/answers?limit=5").json["items"]
    assert kept["answer_id"] == made.json["answer_id"] and kept["values"]["q5"] == [["卫生", "好"]]
    assert (kept["channel"], kept["member_id"]) == ("api", None)
