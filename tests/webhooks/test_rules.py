"""Signatures, the schedule of tries, and where a request may go. No database."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress

import pytest

from zhike.kernel.outward import public_fault
from zhike.webhooks import rules

pytestmark = pytest.mark.feature("C017")
NOW = dt.datetime(2026, 3, 8, tzinfo=dt.UTC)
OFFICE = [ipaddress.ip_network("10.20.0.0/16")]


def test_signature_is_that_of_the_standards_own_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = rules.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_pauses_grow_as_the_standard_says_and_then_it_is_over() -> None:
    waits = []
    for tries in range(10):
        verdict = rules.verdict(500, tries, 0, 0.0, NOW)
        waits.append(verdict.next_try_at and (verdict.next_try_at - NOW).total_seconds())
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "taken"),
        (204, "taken"),
        (301, "failed"),
        (302, "failed"),
        (400, "failed"),
        (404, "failed"),
        (410, "gone"),
        (0, "failed"),
    ],
)
def test_only_2xx_takes_and_410_ends(status: int, outcome: str) -> None:
    assert rules.verdict(status, 0, 0, 0.5, NOW).outcome == outcome


def test_who_throttles_is_left_alone_as_long_as_it_asks() -> None:
    asked = rules.verdict(429, 0, 900, 0.0, NOW).next_try_at
    assert asked == NOW + dt.timedelta(seconds=900)
    assert rules.verdict(500, 0, 900, 0.0, NOW).next_try_at == NOW + dt.timedelta(seconds=5)
    assert rules.verdict(503, 0, 10**7, 0.0, NOW).next_try_at == NOW + dt.timedelta(hours=24)


def test_jitter_spreads_but_never_shortens() -> None:
    late = rules.verdict(500, 1, 0, 1.0, NOW).next_try_at
    assert late == NOW + dt.timedelta(seconds=360)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a00:1",
     "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::a00:1", "fec0::1"],
)  # fmt: skip
def test_private_addresses_are_refused(address: str) -> None:
    assert rules.address_fault("https", address, []) == "private" and public_fault(address) == "private"


def test_what_the_house_opened_may_be_called_even_without_tls() -> None:
    assert rules.address_fault("http", "10.20.3.4", OFFICE) == ""
    assert rules.address_fault("http", "::ffff:10.20.3.4", OFFICE) == ""
    assert rules.address_fault("https", "10.21.3.4", OFFICE) == "private"
    assert rules.address_fault("http", "1.1.1.1", OFFICE) == "not-https"
    assert rules.address_fault("https", "1.1.1.1", []) == ""
    for address in ("2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"):
        assert rules.address_fault("https", address, []) == public_fault(address) == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://example.com/hooks", ""),
        ("https://example.com:8443/a?b=c", ""),
        ("http://example.com/", "not-https"),
        ("https://user:secret@example.com/", "not-an-address"),
        ("ftp://example.com/", "not-an-address"),
        ("https://", "not-an-address"),
        ("https://example.com:99999/", "not-an-address"),
        ("https://exa mple.com/", "not-an-address"),
        ("https://例子.com/", "not-an-address"),
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
        ("https://169.254.169.254/latest/meta-data", "private"),
        ("https://example.com/" + "x" * 500, "not-an-address"),
    ],
)
def test_addresses_are_judged_before_they_are_looked_up(url: str, fault: str) -> None:
    assert rules.url_fault(url, []) == fault
