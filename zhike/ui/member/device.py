"""A browser that members log in from, told from others by a cookie that says nothing else."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase

COOKIE = "zhike_device"
PATH = "/m/"
LIFETIME_S = 400 * 24 * 3600
_VALUE = re.compile(r"[0-9a-f]{32}")


_BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg", "Edge"), ("SamsungBrowser", "Samsung Internet"), ("HuaweiBrowser", "Huawei Browser"),
    ("FxiOS", "Firefox"), ("Firefox", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("OpenHarmony", "HarmonyOS"), ("Android", "Android"),
    ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def name_of(agent: str) -> str:
    """What a browser is called to its owner, such as "Chrome · Android", by what it says of itself."""
    found = [next((name for mark, name in names if mark in agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, found)) or "Web"


def device_of(request: Any) -> str:
    """What the cookie says; "" without one, or with one that is not ours."""
    value = request.COOKIES.get(COOKIE, "")
    return value if _VALUE.fullmatch(value) else ""


def keep_device(request: Any, response: HttpResponseBase) -> str:
    """The browser's mark, made now if it had none; it outlives sessions."""
    value = device_of(request) or secrets.token_hex(16)
    response.set_cookie(
        COOKIE, value, max_age=LIFETIME_S, path=PATH, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )  # fmt: skip
    return value
