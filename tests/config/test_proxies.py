"""Whose word about the caller's address is believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from zhike.config import environment
from zhike.config.web import behind_proxies

STRANGER, PROXY = "203.0.113.9", "10.0.0.1"


def address_seen(trusted: list[str], peer: str, forwarded: str | None) -> str:
    """The caller's address as the program finds it when `peer` sends a request."""
    seen: list[str] = []

    async def program(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "scheme": "http", "client": (peer, 1234), "headers": headers}
    asyncio.run(behind_proxies(program, trusted)(scope, None, None))  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize("trusted", [[PROXY], ["10.0.0.0/8"]])
def test_proxy_hands_on_the_callers_address(trusted: list[str]):
    assert address_seen(trusted, PROXY, STRANGER) == STRANGER
    assert address_seen(trusted, PROXY, f"198.51.100.7, {STRANGER}") == STRANGER, (
        "what the caller wrote counts for nothing"
    )
    assert address_seen(trusted, PROXY, None) == PROXY


def test_stranger_is_believed_nothing():
    assert address_seen([PROXY], STRANGER, "127.0.0.1") == STRANGER
    assert address_seen([], PROXY, STRANGER) == PROXY


def test_proxies_are_named_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    assert environment.proxies() == []
    monkeypatch.setenv("ZHIKE_PROXIES", "127.0.0.1, 10.0.0.0/8,")
    assert environment.proxies() == ["127.0.0.1", "10.0.0.0/8"]
