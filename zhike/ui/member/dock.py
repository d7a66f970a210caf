"""The bar at the bottom: five places, always the same."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

PLACES = (
    ("home", _("Card"), "id-card"),
    ("coupons", _("Coupons"), "ticket"),
    ("points", _("Points"), "coins"),
    ("receipts", _("Receipts"), "receipt-text"),
    ("profile", _("Me"), "user-round"),
)


def dock(active: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": reverse(f"member:{name}"), "icon": icon, "active": name == active}
        for name, label, icon in PLACES
    ]


def page(
    request: HttpRequest, name: str, context: dict[str, Any], *, active: str = "", status: int = 200
) -> HttpResponse:
    """A page of the signed-in member with the dock below; `name` is the template's."""
    return render(request, f"member/{name}.html", context | {"dock": dock(active)}, status=status)
