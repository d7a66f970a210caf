"""How a webhook is signed, when it is tried again, and which addresses it may go to. Pure.

Source: the Standard Webhooks specification 1.0 and its recommended schedule.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from zhike.kernel.addresses import address_of, is_open

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
URL_LENGTH_MAX = 500
PAUSES = tuple(
    dt.timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""How long to wait after the first, second … failure: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
JITTER_MAX = 0.2
RETRY_AFTER_MAX = dt.timedelta(hours=24)
THROTTLING = frozenset({429, 502, 503, 504})
GONE = 410

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Fault = Literal["", "not-an-address", "not-https", "private"]


def secret_text(secret: bytes) -> str:
    """A secret as the other side enters it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>`` over ``id.timestamp.body``, by HMAC-SHA-256."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def headers(secrets: Iterable[bytes], webhook_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The id stays the same on every try, the moment does not. During a rotation both secrets sign."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, webhook_id, timestamp, body) for secret in secrets),
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "zhike-webhooks/1",
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """``next_try_at`` None with "failed" means that it was the last try."""

    outcome: Literal["taken", "failed", "gone"]
    next_try_at: dt.datetime | None = None


def verdict(status: int, tries: int, retry_after_s: int, jitter: float, now: dt.datetime) -> Verdict:
    """What an answer means after ``tries`` failures before it. 2xx takes; redirects fail; 410 ends the endpoint.

    ``jitter`` between 0 and 1 spreads the tries of many endpoints. Who throttles is left alone for as long as it asks.
    """
    if 200 <= status < 300:
        return Verdict("taken")
    if status == GONE:
        return Verdict("gone")
    if tries >= len(PAUSES):
        return Verdict("failed")
    pause = PAUSES[tries] * (1 + JITTER_MAX * jitter)
    if status in THROTTLING:
        pause = max(pause, min(dt.timedelta(seconds=retry_after_s), RETRY_AFTER_MAX))
    return Verdict("failed", now + pause)


def url_fault(url: str, networks: Sequence[Network]) -> Fault:
    """What is wrong with an address before anybody looks its name up."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "not-an-address"
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_LENGTH_MAX
    if not plain or parts.scheme not in ("https", "http") or not host or "@" in parts.netloc:
        return "not-an-address"
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return "" if parts.scheme == "https" or networks else "not-https"
    return address_fault(parts.scheme, str(literal), networks)


def address_fault(scheme: str, address: str, networks: Sequence[Network]) -> Fault:
    """Whether a request may go to this very address: those the house opened; else public ones, by TLS only."""
    try:
        ip = address_of(address)
    except ValueError:
        return "not-an-address"
    if any(ip.version == network.version and ip in network for network in networks):
        return ""
    if not is_open(ip):
        return "private"
    return "" if scheme == "https" else "not-https"
