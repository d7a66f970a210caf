"""A tag in two taps for the customer in front of us."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.people import NOW, Crew
from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World, token_of
from zhike.insight import operations, queries

pytestmark = [pytest.mark.feature("C008", "C047"), pytest.mark.django_db]


def test_one_press_gives_it_and_words_wait(desk: Client, till: Client, world: World, crew: Crew) -> None:
    tag_id = operations.save_tag(
        actor=SYSTEM, group_id=world.malls.group, code="plain", name="偏好简约", category="taste", kind="manual", now=NOW
    )  # fmt: skip
    address = str(desk.post("/counter/find/", {"q": ZHANG_PHONE})["Location"])
    assert f"{address}tags/" in desk.get(address).content.decode()
    page = desk.get(f"{address}tags/")
    assert "偏好简约" in page.content.decode()
    form = {"token": token_of(page), "tag": str(tag_id)}
    assert desk.post(f"{address}tags/", form)["Location"] == f"{address}tags/"
    assert [one.ref.id for one in queries.tags_of(world.zhang.person_id).on] == [tag_id]
    again = {"token": token_of(desk.get(f"{address}tags/")), "text": "到店试穿未买"}
    desk.post(f"{address}tags/", again)
    shown = desk.get(f"{address}tags/").content.decode()
    assert "到店试穿未买" in shown
    assert queries.tags_of(world.zhang.person_id).suggested == ("到店试穿未买",)
    assert desk.post(f"{address}tags/", {"token": token_of(desk.get(f"{address}tags/"))}).status_code == 422
    assert till.get(f"{address}tags/").status_code == 403  # a cashier gives none
