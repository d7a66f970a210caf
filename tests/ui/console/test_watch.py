"""Watched words in the console: begun with, added, dropped; the sentence, judged in a dialog."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX
from tests.ui.console.world import Desks, World
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty
from zhike.service import operations as service
from zhike.service.models import SensitiveWord, WordAlert

pytestmark = pytest.mark.feature("B44")


def test_begun_said_and_judged(enter: Callable[[Viewer], Client], desks: Desks, world: World) -> None:
    admin = enter(desks.admin)
    assert "从常用词开始" in admin.get("/console/inbox/watch/words/").content.decode()
    assert admin.post("/console/inbox/watch/words/begin/").status_code == 302
    form = {"terms": "退一赔十\n假货", "category": "threat", "severity": "serious", "speaker": "member"}
    assert admin.post("/console/inbox/watch/words/add/", form, headers=HTMX).status_code == 200
    assert (
        admin.post("/console/inbox/watch/words/add/", form | {"terms": "货"}, headers=HTMX).status_code == 422
    )
    assert "退一赔十" in admin.get("/console/inbox/watch/words/").content.decode()
    person = loyalty.person_id_of(world.zhang_san)
    service.write_as_member(
        actor=customers.viewer_of_person(person),
        person_id=person,
        mall_id=world.malls.star,
        text="你们卖假 货！",
        key=uuid.uuid4(),
        now=world.now,
    )
    alert = WordAlert.objects.get()
    sun = enter(desks.sun)
    assert ">假 货</mark>" in sun.get("/console/inbox/watch/").content.decode()
    shown = sun.get("/console/inbox/watch/?speaker=staff", headers=HTMX).content.decode()
    assert "<mark" not in shown and "<html" not in shown
    address = f"/console/inbox/watch/{alert.pk}/"
    assert sun.get(address, headers=HTMX).status_code == 200
    assert sun.post(address, {"verdict": "upheld", "note": "已核实"}, headers=HTMX).status_code == 200
    assert "已核实" in sun.get("/console/inbox/watch/?queue=upheld").content.decode()
    word = SensitiveWord.objects.get(term="假货")
    assert sun.post(f"/console/inbox/watch/words/{word.pk}/drop/").status_code == 403
    assert admin.post(f"/console/inbox/watch/words/{word.pk}/drop/").status_code == 302
    qian = enter(desks.qian)
    assert qian.get(address, headers=HTMX).status_code == 404
    assert "<mark" not in qian.get("/console/inbox/watch/?queue=all").content.decode()
