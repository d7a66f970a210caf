"""A mall whose service desk is set up as usual: open from ten to ten, promises of 30 minutes and two hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.people import NOW, Crew, Malls
from zhike.kernel.access import Viewer, system_viewer
from zhike.service import operations as service

MINUTE = dt.timedelta(minutes=1)
SYSTEM = system_viewer("tests")
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64


def found(malls: Malls) -> None:
    service.found_service(actor=SYSTEM, group_id=malls.group, time_zone="Asia/Shanghai", now=NOW)


@pytest.fixture
def desk(malls: Malls) -> Malls:
    found(malls)
    return malls


@pytest.fixture
def complain(desk: Malls, crew: Crew, zhang_san: int) -> Callable[..., str]:
    """张三 complains about the café, at ten on Sunday; the number."""
    sun = crew.sun

    def _complain(actor: Viewer | None = None, now: dt.datetime = NOW, **changes: Any) -> str:
        values: dict[str, Any] = {
            "type": "complaint",
            "text": "咖啡里有异物，店员态度冷淡。",
            "channel": "counter",
            "merchant_id": desk.cafe,
            "person_id": zhang_san,
        }
        return service.open_ticket(actor=actor or sun, now=now, **values | changes)

    return _complain
