"""The door of every staff page: who is asking, in a session that is still live, with the permission the page needs."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import uuid
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.cache import add_never_cache_headers
from django_htmx.middleware import HtmxDetails

from zhike.kernel import clock
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.organization import queries
from zhike.organization.operations import sessions

KEPT_EVERY_S = 60
REQUEST_ID_LENGTH_MAX = 64


class StaffRequest(HttpRequest):
    """A request of somebody who works here. `now` is the one reading of the clock for this request."""

    viewer: Viewer
    staff_id: int
    now: dt.datetime
    htmx: HtmxDetails


StaffView: TypeAlias = Callable[..., HttpResponseBase]
Page: TypeAlias = Callable[..., HttpResponseBase]


def staff_page(*permissions: str, keeps_alive: bool = True) -> Callable[[StaffView], Page]:
    """A view for logged-in staff who hold at least one of the permissions somewhere; none named: for all staff.

    Sets `request.viewer` and `request.now`. Raises NotAllowed. Whoever is not logged in is sent to the log-in page, and
    htmx requests too, with the whole window. What a page asks for by itself, every few seconds, does not keep the
    session alive (`keeps_alive=False`): a desk that was left must lock itself.
    """

    def decorate(view: StaffView) -> Page:
        @functools.wraps(view)
        def page(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.now = clock.now()
            viewer = viewer_of(request, request.now, keeps_alive=keeps_alive)
            if viewer is None:
                return to_log_in(request)
            request.viewer, request.staff_id = viewer, viewer.id or 0
            _require_any(viewer, permissions)
            response = view(request, *args, **kwargs)
            if isinstance(response, HttpResponse):
                add_never_cache_headers(response)
            return response

        return page

    return decorate


def viewer_of(request: HttpRequest, now: dt.datetime, *, keeps_alive: bool = True) -> Viewer | None:
    """The member of staff behind the request, or None without a live session."""
    staff_id, key = request.session.get(SESSION_KEY), request.session.session_key
    if not staff_id or not key:
        return None
    try:
        viewer = queries.viewer_of_staff(int(staff_id), request_id_of(request))
    except NotFound:
        return None
    if keeps_alive and cache.add(f"staff-session-kept:{key}", 1, KEPT_EVERY_S):
        is_live = sessions.keep_session(actor=viewer, session_key=key, now=now)
    else:
        is_live = queries.session_is_live(key, now)
    return viewer if is_live else None


def to_log_in(request: HttpRequest) -> HttpResponse:
    """A redirect to the log-in page that leads back here."""
    htmx = getattr(request, "htmx", None)
    back = request.get_full_path() if request.method == "GET" else ""
    if htmx:
        back = htmx.current_url_abs_path or ""
    url = resolve_url(settings.LOGIN_URL)
    if back:
        url = f"{url}?{urlencode({'next': back})}"
    if htmx:
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponse(status=302, headers={"Location": url})


def request_id_of(request: HttpRequest) -> str:
    """The id under which this request is audited: the proxy's, if it sent a plain one."""
    given = request.headers.get("X-Request-Id", "")
    if given and len(given) <= REQUEST_ID_LENGTH_MAX and given.isascii() and given.isprintable():
        return given
    return uuid.uuid4().hex


def address_of(request: HttpRequest) -> str | None:
    """The caller's IP address, or None when it is not one (a Unix socket)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _require_any(viewer: Viewer, permissions: tuple[str, ...]) -> None:
    if len(permissions) == 1:
        require(viewer, permissions[0])
    elif permissions and not any(viewer.may(permission) for permission in permissions):
        raise NotAllowed
