"""Which push services there are, what a notification may hold, what their answers mean. Pure but for the keys' library."""

from __future__ import annotations

import datetime as dt
import json
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from zhike.integrations.web_push import vapid
from zhike.messaging.ports import Device, Letter

SERVICES = (
    "fcm.googleapis.com", "jmt17.google.com", ".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com",
)  # fmt: skip
"""Those of Chrome, Firefox, Edge and Safari. A browser names its service itself; we call no host that is none."""
PAYLOAD_MAX = 3_993
"""Bytes before encryption: a push service need not take more than 4,096 with header and seal (RFC 8291, section 4)."""
LENGTH_MAX = 300
WAIT_DEFAULT_S, WAIT_MAX_S = 60.0, 3_600.0
LIFE_MAX_S = 28 * 24 * 3600
URGENCY = {"code": "high", "service": "normal", "marketing": "low"}
"""RFC 8030: a phone that saves its battery wakes for "high" only."""


def more_services(setting: str) -> tuple[str, ...]:
    """The hosts that an account adds, as entered: with commas or spaces between."""
    return tuple(setting.replace(",", " ").replace("，", " ").lower().split())


def endpoint_fault(endpoint: str, services: tuple[str, ...]) -> str:
    """Only https to a known push service, on its own port, without a name or password in the address."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "unknown_service"
    plain = endpoint.isascii() and endpoint.isprintable() and " " not in endpoint and "@" not in parts.netloc
    is_known = any(host == one or (one.startswith(".") and host.endswith(one)) for one in services)
    return "" if plain and parts.scheme == "https" and port in (None, 443) and is_known else "unknown_service"


def keys_fault(device: Device) -> str:
    """The browser's key must be a point of the curve and its secret 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(vapid.CURVE, vapid.unpacked(device.p256dh))
        is_right = len(vapid.unpacked(device.p256dh)) == 65 and len(vapid.unpacked(device.auth)) == 16
    except ValueError:
        return "keys"
    return "" if is_right else "keys"


def payload(letter: Letter) -> bytes:
    """What our service worker reads. The text is cut where a push service would take no more."""
    text = letter.text
    while True:
        told = {"title": letter.title, "body": text, "url": letter.path, "tag": topic(letter)}
        raw = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        over = len(raw) - PAYLOAD_MAX
        if over <= 0 or not text:
            return raw
        text = text[: max(0, len(text) - over // 4 - 2)] + "…" if len(text) > 2 else ""


def topic(letter: Letter) -> str:
    """The same message sent again takes the place of the one that still waits, or is shown."""
    return f"zhike-{letter.message_id}"


def seconds_to_wait(retry_after: str, now: dt.datetime) -> float:
    """Retry-After in seconds or as a date; at least one second, at most an hour."""
    if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 8:
        seconds = float(retry_after)
    else:
        try:
            seconds = (parsedate_to_datetime(retry_after) - now).total_seconds()
        except (ValueError, TypeError):
            seconds = WAIT_DEFAULT_S
    return min(max(seconds, 1.0), WAIT_MAX_S)
