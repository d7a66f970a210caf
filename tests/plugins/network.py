"""No test reaches the internet: connecting anywhere but to this machine fails, so nothing comes to depend on it."""

import ipaddress
import socket
from typing import Any

import pytest

_patch = pytest.MonkeyPatch()
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


class NetworkIsOff(RuntimeError):
    """A test tried to reach another machine."""


def is_local(address: Any) -> bool:
    """Whether a socket address is a file, or an address of this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).split("%")[0]
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if not is_local(address):
        raise NetworkIsOff(f"tests may not connect to {address}")
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    if not is_local(address):
        raise NetworkIsOff(f"tests may not connect to {address}")
    return _connect_ex(self, address)


def pytest_configure(config: pytest.Config) -> None:
    _patch.setattr(socket.socket, "connect", _guarded_connect)
    _patch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)


def pytest_unconfigure(config: pytest.Config) -> None:
    _patch.undo()
