"""Who is looking at the member app: pages for everybody, and pages for the member whose session it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from zhike.customers import queries as customers
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components.staff import request_id_of
from zhike.ui.member import session as sessions

View = Callable[..., HttpResponse]
CLOSED = "closed"


@dataclass(frozen=True)
class SignedIn:
    """The member of this request. Whatever a page shows or does starts from here, never from an id in the address."""

    id: int
    person_id: int
    viewer: Viewer
    now: dt.datetime

    @cached_property
    def file(self) -> loyalty.MemberFile:
        return loyalty.member_file(self.viewer, self.id, self.now)


def open_page(view: View) -> View:
    """A page for everybody, with the member's session (`request.member_session`)."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        session = sessions.load(request)
        group = organization.founded_group()
        request.app_name = group.app_name if group else ""  # type: ignore[attr-defined]
        request.member_session = session  # type: ignore[attr-defined]
        response = view(request, *args, **kwargs)
        sessions.keep(session, response)
        return response

    return wrapped


def member_page(view: View) -> View:
    """A page of the member whose session it is (`request.member`); others are led to the log-in. Never cached."""

    @open_page
    @wraps(view)
    def wrapped(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        member = signed_in(request)
        if member is None:
            return _to_log_in(request)
        request.member = member
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return wrapped


def signed_in(request: Any) -> SignedIn | None:
    """The member whose session it is, if anybody's; behind `open_page`."""
    session = request.member_session
    member_id, person_id = session.get(sessions.MEMBER_ID), session.get(sessions.PERSON_ID)
    if member_id is None or person_id is None:
        return None
    now = clock.now()
    viewer = customers.viewer_of_person(person_id, request_id_of(request))
    member = SignedIn(member_id, person_id, viewer, now)
    try:
        is_closed = member.file.status == CLOSED
    except NotFound:
        is_closed = True
    if is_closed:
        sessions.log_out(session)
        return None
    sessions.keep_alive(session, now)
    return member


def _to_log_in(request: HttpRequest) -> HttpResponse:
    address = reverse("member:log_in")
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    if request.method == "GET" and request.path != reverse("member:home"):
        address += "?" + urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(address)
