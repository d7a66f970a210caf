"""What every counter page shows around its work: the till, and who stands at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhike.ui.counter.till import till_of

LOG_OUT_URL = "/console/logout/"


def page(request: Any, name: str, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """`name` is the template's; the counter's frame is filled in."""
    own = [{"label": _("My members"), "url": reverse("counter:mine"), "icon": "contact-round"}]
    links = [
        *(own if request.viewer.may("follow_ups.view") else []),
        {"label": _("Another till"), "url": reverse("counter:till"), "icon": "store"},
        {"label": _("Console"), "url": settings.LOGIN_REDIRECT_URL, "icon": "layout-dashboard"},
    ]
    frame = {
        "till": till_of(request),
        "home_url": reverse("counter:home"),
        "user_name": request.viewer.label,
        "user_links": links,
        "logout_url": LOG_OUT_URL,
    }
    return render(request, f"counter/{name}.html", {**frame, **context}, status=status)
