"""What makes the pages an app: manifest, service worker, the page for no connection; and what it is about."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.ui.components import assets
from zhike.ui.member.access import open_page

ICON_SIZES = (192, 512)
COLOUR = "#1f6f78"


@require_safe
@cache_control(max_age=3600)
def manifest(request: Any) -> HttpResponse:
    icons = [_icon(size, "any") for size in ICON_SIZES] + [_icon(512, "maskable")]
    icons.append(
        {"src": static("components/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    )
    group = organization.founded_group()
    name = group.app_name if group else ""
    body = {
        "id": reverse("member:home"),
        "name": name or _("Zhike membership"),
        "short_name": name or _("Zhike"),
        "description": _("Membership card, points and receipts."),
        "lang": get_language(),
        "start_url": reverse("member:home"),
        "scope": reverse("member:home"),
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#ffffff",
        "theme_color": COLOUR,
        "icons": icons,
        "shortcuts": [
            {"name": _("Points"), "url": reverse("member:points")},
            {"name": _("Hand in a receipt"), "url": reverse("member:claim")},
        ],
    }
    readable = {"ensure_ascii": False}
    return JsonResponse(body, content_type="application/manifest+json", json_dumps_params=readable)


def _icon(size: int, purpose: str) -> dict[str, str]:
    name = f"icon-{size}.png" if purpose == "any" else f"icon-{purpose}-{size}.png"
    return {
        "src": static(f"member/{name}"),
        "sizes": f"{size}x{size}",
        "type": "image/png",
        "purpose": purpose,
    }


@require_safe
@cache_control(no_cache=True)
def service_worker(request: Any) -> HttpResponse:
    """Served from /m/, so that it sees all of the member app and nothing else. Changes with every build."""
    shell = [
        reverse("member:offline"),
        *(static(assets.built_file(name)) for name in ("app.js", "app.css")),
        static("components/icon.svg"),
    ]
    version = hashlib.sha256("".join(shell).encode()).hexdigest()[:12]
    context = {
        "version": version,
        "shell": shell,
        "offline_url": reverse("member:offline"),
        "build_url": static("build/"),
        "icon": static("member/icon-192.png"),
        "lang": get_language(),
    }
    return render(request, "member/sw.js", context, content_type="text/javascript")


@require_safe
@open_page
def offline(request: Any) -> HttpResponse:
    return render(request, "member/offline.html")


@require_safe
@open_page
def policy(request: Any) -> HttpResponse:
    found = privacy.current_policy(organization.default_group().id)
    return render(request, "member/policy.html", {"policy": found})


@require_safe
@open_page
def about(request: Any) -> HttpResponse:
    return render(request, "member/about.html")
