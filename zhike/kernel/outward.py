"""Connections to addresses that others named: looked up once, judged, and then called at that very address."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable

from zhike.kernel.addresses import address_of, is_open


class Forbidden(Exception):
    """The address is not one that this house calls."""


def resolve(host: str, port: int, fault: Callable[[str], str]) -> str:
    """The first address of the host. Raises Forbidden when any of its addresses has a fault, OSError when it has none."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if wrong := fault(address):
            raise Forbidden(f"{wrong} ({address})")
    if not found:
        raise Forbidden("not-an-address")
    return found[0]


def public_fault(address: str) -> str:
    """ "private" for whatever is not of the open internet: this machine, this network, multicast; "" for the rest."""
    return "" if is_open(address_of(address)) else "private"


class Pinned(http.client.HTTPConnection):
    """Connects to the judged address, and still speaks to the host by its name: in the header and in TLS."""

    def __init__(self, host: str, port: int, address: str, *, is_tls: bool, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address
        self._context = ssl.create_default_context() if is_tls else None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host) if self._context else plain
