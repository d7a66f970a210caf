"""Alerts about watched words over the API: within the key's malls, without the sentence, judged."""

from __future__ import annotations

import uuid

import pytest

from tests.people import NOW
from tests.service.conftest import SYSTEM
from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import Shop, make_key
from zhike.customers import queries as customers
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service

pytestmark = [pytest.mark.django_db, pytest.mark.feature("B44")]


def test_listed_and_judged(shop: Shop) -> None:
    service.found_sensitive_words(actor=SYSTEM, group_id=shop.malls.group, now=NOW)
    person = loyalty.person_id_of(shop.member_id)
    service.write_as_member(
        actor=customers.viewer_of_person(person),
        person_id=person,
        mall_id=shop.malls.star,
        text="再不处理就打12315",
        key=uuid.uuid4(),
        now=NOW,
    )
    desk = ApiClient(make_key(["tickets.view", "tickets.handle"]))
    answer = desk.get("/api/v1/word-alerts")
    [alert] = answer.json["items"]
    assert (alert["category"], alert["terms"], alert["verdict"]) == ("threat", ["打12315"], "")
    assert "再不处理" not in str(answer.json)
    address = f"/api/v1/word-alerts/{alert['id']}/verdict"
    assert desk.post(address, {"verdict": "maybe"}).status == 422
    assert desk.post(address, {"verdict": "upheld"}).json["verdict"] == "upheld"
    assert desk.get("/api/v1/word-alerts").json["items"] == []
    other = ApiClient(make_key(["tickets.view", "tickets.handle"], "mall", shop.malls.cloud))
    assert other.post(address, {"verdict": "harmless"}).status == 404
