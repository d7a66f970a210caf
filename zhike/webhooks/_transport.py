"""One POST over a connection to an address that was looked up and judged just before: no redirect, no second look-up."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings

from zhike.kernel.outward import Forbidden, Pinned, resolve
from zhike.webhooks import rules
from zhike.webhooks.ports import Answer

TIMEOUT_S = 20.0


def networks() -> list[rules.Network]:
    """The private networks that this house opened to webhooks (``ZHIKE_WEBHOOK_NETWORKS``)."""
    return [ipaddress.ip_network(one) for one in settings.WEBHOOK_NETWORKS]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """The status is all that counts; what the other side says is not read."""
    began = time.monotonic()
    try:
        status, retry_after = _post(url, body, headers)
    except Forbidden as fault:
        return Answer(0, str(fault), took_ms=_ms(began))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(0, f"{type(error).__name__}: {error}"[:200], took_ms=_ms(began))
    wait = (
        int(retry_after) if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 8 else 0
    )
    return Answer(status, "" if 200 <= status < 300 else f"HTTP {status}", wait, _ms(began))


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    parts = urlsplit(url)
    opened = networks()
    if fault := rules.url_fault(url, opened):
        raise Forbidden(fault)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    address = resolve(host, port, lambda found: rules.address_fault(parts.scheme, found, opened))
    connection = Pinned(host, port, address, is_tls=is_tls, timeout_s=TIMEOUT_S)
    with contextlib.closing(connection):
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After", "") or ""


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
