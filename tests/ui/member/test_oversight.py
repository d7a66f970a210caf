"""A member whose points are frozen reads why, and objects."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.people import NOW
from tests.ui.counter.world import World
from zhike.kernel.access import system_viewer
from zhike.risk.models import Alert, Measure, Objection
from zhike.risk.operations import take_measure

pytestmark = pytest.mark.feature("C080")
SYSTEM = system_viewer("tests")


def frozen(world: World) -> int:
    member_id = world.zhang.member_id
    alert = Alert.objects.create(
        program_id=world.program_id, detector="velocity", detector_version=0, subject=f"member:{member_id}",
        member_id=member_id, mall_id=world.malls.star, severity=2, figures={"receipts_day": 12, "limit": 10},
        opened_at=NOW, grew_at=NOW, due_at=NOW,
    )  # fmt: skip
    return take_measure(actor=SYSTEM, alert_id=alert.pk, kind="freeze", reason="核查中", now=NOW)


def test_a_frozen_member_reads_it_and_objects(world: World, enter: Any, phone: Client) -> None:
    measure = frozen(world)
    enter(phone)
    page = phone.get("/m/points/").content.decode()
    assert "Your points cannot be used for now" in page
    phone.post(f"/m/points/objection/{measure}/", {"text": ""})
    assert not Objection.objects.exists()
    answer = phone.post(f"/m/points/objection/{measure}/", {"text": "都是我买的"}, follow=True)
    assert "Your objection is with us" in answer.content.decode()
    assert Objection.objects.get().text == "都是我买的"


def test_nobody_objects_for_somebody_else(world: World, enter: Any, phone: Client) -> None:
    measure = frozen(world)
    Measure.objects.filter(pk=measure).update(member_id=world.li.member_id)
    enter(phone)
    phone.post(f"/m/points/objection/{measure}/", {"text": "都是我买的"})
    assert not Objection.objects.exists()
