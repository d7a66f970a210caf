"""Staff at their desks: a world and browsers that are logged in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import auth
from django.test import Client

from tests.ui.console.world import Desks, World, build_desks, build_world
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.organization.operations import sessions

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def forget_kept_sessions(settings: Any) -> None:
    """What the process remembers belongs to other tests' databases; and passwords hash quickly."""
    from django.core.cache import cache

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

    from zhike.organization import queries

    cache.clear()
    queries.forget_merchants()


@pytest.fixture
def world(db: None) -> World:
    return build_world(clock.now())


@pytest.fixture
def desks(world: World) -> Desks:
    return build_desks(world.malls, world.now)


@pytest.fixture
def enter(desks: Desks) -> Callable[[Viewer], Client]:
    """A browser in which this member of staff is logged in."""

    def _enter(viewer: Viewer) -> Client:
        client = Client()
        staff: Any = auth.load_backend(BACKEND).get_user(viewer.id or 0)
        client.force_login(staff, backend=BACKEND)
        sessions.start_session(
            actor=viewer,
            session_key=client.session.session_key or "",
            address="127.0.0.1",
            agent="tests",
            now=clock.now(),
        )
        return client

    return _enter


@pytest.fixture
def admin(enter: Callable[[Viewer], Client], desks: Desks) -> Client:
    return enter(desks.admin)


HTMX = {"HX-Request": "true"}


def said(response: Any) -> str:
    """The page as text."""
    return str(response.content.decode())
