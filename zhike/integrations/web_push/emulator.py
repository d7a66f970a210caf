"""A push service and its browsers on 127.0.0.1, for tests and the demo: signatures, limits, what a browser can read.

The browsers' keys follow from their names, so that a subscription outlives the emulator. ``GET /_phone`` shows what the
browsers display; like ours they tell the house that a notification was shown, and some members tap it.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zhike.integrations.shared.emulation import LocalServer, QuietHandler
from zhike.integrations.web_push import vapid
from zhike.messaging.ports import Device

SERVICE = "https://fcm.googleapis.com"
PREFIX = "/fcm/send/emulated-"
BODY_MAX = 4_096
TOKEN_LIFE_MAX_S = 24 * 3600
ATTEMPTS = 20


@dataclass
class Notice:
    """What a browser shows."""

    browser: str
    title: str
    body: str
    url: str
    tag: str
    urgency: str
    ttl: int
    at: float


@dataclass
class Service:
    """The state of the emulated service; tests set its faults."""

    key: str = ""
    web: str = ""
    gone: set[str] = field(default_factory=set)
    shown: list[Notice] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    now: Callable[[], float] = time.time
    fault: Callable[[str], tuple[int, str] | None] = lambda browser: None
    taps: Callable[[str], bool] = lambda url: False
    pause_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Problem(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def _private(browser: str) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(hashlib.sha256(f"emulated browser {browser}".encode()).digest(), "big")
    return ec.derive_private_key(number >> 1 or 1, vapid.CURVE)


def _secret(browser: str) -> bytes:
    return hashlib.sha256(f"emulated secret {browser}".encode()).digest()[:16]


def subscription(browser: str, service: str = SERVICE) -> Device:
    """What the browser's PushSubscription says."""
    point = _private(browser).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Device(0, f"{service}{PREFIX}{browser}", vapid.packed(point), vapid.packed(_secret(browser)))


class PushEmulator(LocalServer):
    """Starts on a free port; ``url`` is its address."""

    def __init__(self, service: Service | None = None, port: int = 0) -> None:
        self.service = service or Service()
        state = self.service

        class Handler(_Handler):
            service = state

        super().__init__(Handler, port)


class _Handler(QuietHandler):
    service: Service

    def on_get(self) -> None:
        shown = [
            {"to": one.browser, "text": f"{one.title}：{one.body}", "at": one.at}
            for one in reversed(self.service.shown[-200:])
        ]
        self.answer_json({"messages": shown})

    def on_post(self) -> None:
        body = self.body()
        try:
            self._take(body)
        except Problem as problem:
            self.service.problems.append(problem.reason)
            self.answer(problem.reason.encode(), problem.status)

    def _take(self, body: bytes) -> None:
        service = self.service
        browser = self.path.removeprefix(PREFIX)
        if not self.path.startswith(PREFIX) or browser in service.gone:
            raise Problem(410, "push subscription has unsubscribed or expired")
        if (fault := service.fault(browser)) is not None:
            self.answer(b"", fault[0], {"Retry-After": fault[1]} if fault[1] else {})
            return
        self._check_token()
        ttl = self.headers.get("TTL", "")
        if not ttl.isdecimal():
            raise Problem(400, "TTL header missing")
        if self.headers.get("Content-Encoding") != "aes128gcm":
            raise Problem(415, "unknown content encoding")
        if len(body) > BODY_MAX:
            raise Problem(413, "payload too large")
        urgency, topic = self.headers.get("Urgency", "normal"), self.headers.get("Topic", "")
        if urgency not in ("very-low", "low", "normal", "high") or not re.fullmatch(
            r"[A-Za-z0-9_-]{0,32}", topic
        ):
            raise Problem(400, "bad Urgency or Topic")
        told = self._read(browser, body)
        notice = Notice(browser, urgency=urgency, ttl=int(ttl), at=service.now(), **told)
        with service.lock:
            same = [one for one in service.shown if (one.browser, one.tag) == (browser, notice.tag)]
            service.shown[:] = [one for one in service.shown if one not in same] + [notice]
        self.answer(b"", 201, {"Location": f"{SERVICE}/m/{uuid.uuid4().hex}", "TTL": ttl})
        if service.web:
            threading.Thread(target=_display, args=(service, notice), daemon=True).start()

    def _read(self, browser: str, body: bytes) -> dict[str, str]:
        try:
            plain = http_ece.decrypt(
                body, private_key=_private(browser), auth_secret=_secret(browser), version="aes128gcm"
            )
            told = json.loads(plain)
            return {name: str(told[name]) for name in ("title", "body", "url", "tag")}
        except (http_ece.ECEException, ValueError, KeyError) as error:
            raise Problem(400, f"the browser cannot read it: {error}") from error

    def _check_token(self) -> None:
        found = re.fullmatch(r"vapid t=([\w.-]+), ?k=([\w-]+)", self.headers.get("Authorization", ""))
        if found is None:
            raise Problem(401, "no VAPID token")
        token, key = found.groups()
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(vapid.CURVE, vapid.unpacked(key))
            claims = jwt.decode(
                token,
                point,
                algorithms=["ES256"],
                audience=f"https://{self.headers.get('Host', '')}",
                options={"require": ["exp", "aud", "sub"], "verify_exp": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Problem(403, f"bad VAPID token: {error}") from error
        if not self.service.now() < claims["exp"] <= self.service.now() + TOKEN_LIFE_MAX_S:
            raise Problem(403, "exp is over or more than 24 hours away")
        if not str(claims["sub"]).startswith(("mailto:", "https:")):
            raise Problem(403, "sub is no contact")
        if self.service.key and self.service.key != key:
            raise Problem(403, "the subscription belongs to another key")


class _Stay(urllib.request.HTTPRedirectHandler):
    """A tap is told by the first answer; what it leads to is not read."""

    def redirect_request(self, *_given: Any) -> None:
        return None


def _display(service: Service, notice: Notice) -> None:
    """What our service worker does when a notification comes, and the member after it; the house may still be starting."""
    time.sleep(service.pause_s)
    calls = [urllib.request.Request(service.web + notice.url, b"", method="POST")]  # noqa: S310  this machine
    if service.taps(notice.url):
        calls.append(urllib.request.Request(service.web + notice.url))  # noqa: S310
    for call in calls:
        for _attempt in range(ATTEMPTS):
            try:
                urllib.request.build_opener(_Stay).open(call, timeout=10).close()
            except urllib.error.HTTPError:
                break  # the house has answered
            except OSError:
                time.sleep(service.pause_s)
            else:
                break
