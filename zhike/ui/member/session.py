"""The member's own session, apart from the staff's: another cookie, sent to /m/ only.

Staff and members may share a browser (a service desk, a demonstration). With two cookies one's log-in, log-out and
change of key never touch the other's, and a member's cookie is never sent to the console.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE = "zhike_member"
PATH = "/m/"
MEMBER_ID, PERSON_ID = "member_id", "person_id"
_SEEN_ON = "seen_on"
_PUSH_DEVICE = "push_device"
LIFETIME_S = 30 * 24 * 3600
"""Since the last visit; a phone is its owner's, and the card is to be at hand in the queue."""


class MemberRequest(HttpRequest):
    """A request under /m/; `member_session` is there always, `member` behind `member_page` only."""

    member_session: SessionBase
    member: Any


def load(request: HttpRequest) -> SessionBase:
    """The session of the cookie, or a new empty one. A forged or ended key gives an empty one too."""
    return SessionStore(request.COOKIES.get(COOKIE) or None)


def log_in(session: SessionBase, member_id: int, person_id: int) -> None:
    """From now on this browser is the member's. Everything from before is dropped and the key is a new one."""
    session.flush()
    session[MEMBER_ID], session[PERSON_ID] = member_id, person_id
    session.set_expiry(LIFETIME_S)


def renew(session: SessionBase) -> None:
    """A new key and nothing from before."""
    session.flush()


def keep_alive(session: SessionBase, now: dt.datetime) -> None:
    """Let the lifetime begin anew, at most once a day."""
    today = now.date().isoformat()
    if session.get(_SEEN_ON) != today:
        session[_SEEN_ON] = today


def keep_push_device(session: SessionBase, device_id: int | None) -> None:
    """The browser of this session shows notifications, or no more."""
    session[_PUSH_DEVICE] = device_id


def push_device(session: SessionBase) -> int | None:
    found: int | None = session.get(_PUSH_DEVICE)
    return found


def log_out(session: SessionBase) -> None:
    session.flush()


def keep(session: SessionBase, response: HttpResponseBase) -> None:
    """Store what changed and tell the browser."""
    if session.modified and not session.is_empty():
        session.save()  # lint-skip: ZK003 a session belongs to its door
        response.set_cookie(
            COOKIE,
            session.session_key or "",
            max_age=LIFETIME_S,
            path=PATH,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    elif session.is_empty() and session.modified:
        response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
