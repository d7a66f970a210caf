"""Tills of 星河城, on a morning in March."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from tests.people import NOW, Crew, Malls
from tests.ui.counter.world import World, build_world, log_in_staff
from zhike.kernel.access import Viewer


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still unless a test moves it."""
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def world(malls: Malls) -> World:
    return build_world(malls, NOW)


@pytest.fixture
def browser_of() -> Callable[[Viewer], Client]:
    """A browser in which this member of staff has logged in."""

    def browser(viewer: Viewer, now: dt.datetime = NOW) -> Client:
        client = Client(headers={"accept-language": "en"})
        return log_in_staff(client, viewer, now)

    return browser


@pytest.fixture
def till(world: World, crew: Crew, browser_of: Callable[[Viewer], Client]) -> Client:
    """The till of the café, with 李收银 at it."""
    return browser_of(crew.li)


@pytest.fixture
def desk(world: World, crew: Crew, browser_of: Callable[[Viewer], Client]) -> Client:
    """The service desk of 星河城, with 孙客服 at it."""
    client = browser_of(crew.sun)
    client.post("/counter/till/", {"place": f"mall:{world.malls.star}", "name": "D1"})
    return client
