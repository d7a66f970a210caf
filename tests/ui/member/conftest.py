"""Members of 星河城 with their phones, on a morning in March."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from tests.people import NOW, Crew, Malls
from tests.ui.counter.world import ZHANG_PHONE, World, build_world, last_code
from zhike.kernel import ratelimit


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still unless a test moves it; nobody has called before."""
    cache.clear()
    ratelimit._leases.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(malls: Malls) -> World:
    return build_world(malls, NOW)


@pytest.fixture
def phone() -> Client:
    """A phone on which nobody has logged in."""
    return Client(headers={"accept-language": "en", "user-agent": "a phone"})


@pytest.fixture
def enter(world: World, crew: Crew, settings: Any) -> Callable[..., Any]:
    """Logs in on a phone by number and code; gives the last answer."""
    settings.DEMO = True

    def _enter(client: Client, number: str = ZHANG_PHONE) -> Any:
        client.post("/m/login/", {"phone": number})
        return client.post("/m/login/code/", {"code": last_code(crew.admin)})

    return _enter


@pytest.fixture
def zhang(phone: Client, enter: Callable[..., Any]) -> Client:
    """The phone of 张三丰, logged in."""
    assert enter(phone)["Location"] == "/m/"
    return phone
