"""One POST over a connection to an address that was looked up and judged just before: no redirect, no second look-up."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from django.conf import settings

from zhike.webhooks import rules
from zhike.webhooks.ports import Answer

TIMEOUT_S = 20.0


class _Refused(Exception):
    """The address is not one that a webhook may go to."""


def networks() -> list[rules.Network]:
    """The private networks that this house opened to webhooks (``ZHIKE_WEBHOOK_NETWORKS``)."""
    return [ipaddress.ip_network(one) for one in settings.WEBHOOK_NETWORKS]


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """The status is all that counts; what the other side says is not read."""
    began = time.monotonic()
    try:
        status, retry_after = _post(url, body, headers)
    except _Refused as fault:
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
        raise _Refused(fault)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _resolve(parts.scheme, parts.hostname or "", port, opened)
    connection = _Pinned(parts.hostname or "", port, address, is_tls=parts.scheme == "https")
    with contextlib.closing(connection):
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After", "") or ""


def _resolve(scheme: str, host: str, port: int, opened: Sequence[rules.Network]) -> str:
    """The first address of the host; refused when any of them may not be called."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if fault := rules.address_fault(scheme, address, opened):
            raise _Refused(f"{fault} ({address})")
    if not found:
        raise _Refused("not-an-address")
    return found[0]


class _Pinned(http.client.HTTPConnection):
    """Connects to the judged address, and still speaks to the host by its name: in the header and in TLS."""

    def __init__(self, host: str, port: int, address: str, *, is_tls: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._address = address
        self._context = ssl.create_default_context() if is_tls else None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), TIMEOUT_S)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
