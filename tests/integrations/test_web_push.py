"""Notifications to browsers: the real protocol against the emulator, over real HTTP, and the vectors of the RFC."""

from __future__ import annotations

import datetime as dt
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from zhike.integrations.web_push import mapping, vapid
from zhike.integrations.web_push.client import WebPush, sealed
from zhike.integrations.web_push.emulator import PushEmulator, Service, subscription
from zhike.kernel import clock
from zhike.messaging.ports import Account, Device, Letter, Refused

KEY = vapid.new_key()
CLIENT = WebPush()
pytestmark = pytest.mark.feature("C128")


def _account(url: str, **changes: str) -> Account:
    settings = {"contact": "mailto:desk@example.com", "services": "", "emulator": url}
    return Account(1, settings | changes, {"private_key": changes.get("private_key", KEY)})


def _device(browser: str, pk: int) -> Device:
    found = subscription(browser)
    return Device(pk, found.endpoint, found.p256dh, found.auth)


def _letter(pk: int, *browsers: str, **more: Any) -> Letter:
    devices = tuple(_device(name, place) for place, name in enumerate(browsers, start=1))
    given = {
        "title": "会员日",
        "text": "周三餐饮双倍积分",
        "kind": "marketing",
        "seconds": 3600,
        "path": "/m/n/1-x/",
    }
    return Letter(pk, "", devices=devices, **given | more)


def test_encryption_is_that_of_the_rfc() -> None:
    """RFC 8291, appendix A: their keys, their salt, their message, their bytes."""
    private = vapid.private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    made = http_ece.encrypt(
        b"When I grow up, I want to be a watermelon",
        salt=vapid.unpacked("DGv6ra1nlYgDCS1FRnbzlw"),
        private_key=private,
        dh=vapid.unpacked(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
        ),
        auth_secret=vapid.unpacked("BTBZMqHH6r4Tts7J_aSIgg"),
        version="aes128gcm",
        rs=4096,
    )
    assert vapid.packed(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_what_one_browser_can_read_no_other_can() -> None:
    body = sealed("只给你".encode(), subscription("a"))
    with pytest.raises(http_ece.ECEException):
        http_ece.decrypt(
            body, private_key=ec.generate_private_key(vapid.CURVE), auth_secret=b"x" * 16, version="aes128gcm"
        )


def test_notification_reaches_every_browser_of_a_person() -> None:
    with PushEmulator() as emulator:
        [answer] = CLIENT.send(_account(emulator.url), "a" * 32, [_letter(7, "phone", "laptop")])
    assert answer.is_taken
    assert answer.reference
    assert not emulator.service.problems
    shown = sorted(emulator.service.shown, key=lambda one: one.browser)
    assert [one.browser for one in shown] == ["laptop", "phone"]
    assert (shown[0].title, shown[0].body, shown[0].url) == ("会员日", "周三餐饮双倍积分", "/m/n/1-x/")
    assert (shown[0].tag, shown[0].urgency, shown[0].ttl) == ("zhike-7", "low", 3600)


def test_message_sent_again_takes_the_place_of_the_first() -> None:
    with PushEmulator() as emulator:
        for _time in range(2):
            CLIENT.send(_account(emulator.url), "a" * 32, [_letter(7, "phone")])
    assert len(emulator.service.shown) == 1


def test_each_message_has_its_own_fate() -> None:
    faults = {"busy": (429, "120"), "down": (503, ""), "picky": (400, "")}
    with PushEmulator(Service(gone={"old"}, fault=faults.get)) as emulator:
        letters = [
            _letter(1, "fine", "old"), _letter(2, "old"), _letter(3, "busy"), _letter(4, "down"), _letter(5, "picky"), _letter(6),
        ]  # fmt: skip
        answers = CLIENT.send(_account(emulator.url), "a" * 32, letters)
    told = [(one.message_id, one.is_taken, one.code, one.wait_s, one.gone) for one in answers]
    assert told == [
        (1, True, "", 0.0, (2,)),
        (2, False, "no_device", 0.0, (1,)),
        (3, False, "429", 120.0, ()),
        (4, False, "503", 60.0, ()),
        (5, False, "400", 0.0, ()),
        (6, False, "no_device", 0.0, ()),
    ]


def test_key_that_is_not_accepted_is_the_accounts_trouble() -> None:
    with (
        PushEmulator(Service(key=vapid.public_key(vapid.new_key()))) as emulator,
        pytest.raises(Refused) as refused,
    ):
        CLIENT.send(_account(emulator.url), "a" * 32, [_letter(1, "phone")])
    assert refused.value.code == "403"
    assert "another key" in refused.value.text


@pytest.mark.parametrize(
    ("shift", "reason"), [(dt.timedelta(hours=13), "exp"), (-dt.timedelta(hours=13), "24 hours")]
)
def test_emulator_refuses_tokens_of_another_time(shift: dt.timedelta, reason: str) -> None:
    later = (clock.now() + shift).timestamp()
    with PushEmulator(Service(now=lambda: later)) as emulator, pytest.raises(Refused) as refused:
        CLIENT.send(_account(emulator.url), "a" * 32, [_letter(1, "phone")])
    assert reason in refused.value.text


def test_long_text_is_cut_and_still_read() -> None:
    with PushEmulator() as emulator:
        CLIENT.send(_account(emulator.url), "a" * 32, [_letter(1, "phone", text="积分" * 3_000)])
    [notice] = emulator.service.shown
    assert notice.body.endswith("…")
    assert 1_000 < len(notice.body) < 1_400
    assert CLIENT.lint("积" * 301, "marketing") == ["notification_too_long"]
    assert CLIENT.lint("积" * 300, "marketing") == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://fcm.googleapis.com@127.0.0.1/x",
        "https://fcm.googleapis.com:8080/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilpush.apple.com.example/x",
        "https://[::1]/x",
        "https://fcm.googleapis.com/\nx",
        "https://fcm.googleapis.com/\0x",
        "https://fcm.googleapis.com:99999999/x",
        "",
    ],
)
def test_browser_may_not_send_us_anywhere_else(endpoint: str) -> None:
    known = subscription("phone")
    device = Device(1, endpoint, known.p256dh, known.auth)
    assert CLIENT.device_fault(_account(""), device) == "unknown_service"
    [answer] = CLIENT.send(_account(""), "a" * 32, [Letter(1, "", "x", devices=(device,))])
    assert (answer.is_taken, answer.code) == (False, "unknown_service")


def test_host_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(0, 0, 0, "", ("10.0.0.7", 443))])
    [answer] = CLIENT.send(_account(""), "a" * 32, [_letter(1, "phone")])
    assert (answer.code, answer.text) == ("private", "private (10.0.0.7)")


def test_hosts_and_keys_that_are_taken() -> None:
    known = subscription("phone")
    for host in (
        "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", "wns2-par02p.notify.windows.com",
    ):  # fmt: skip
        device = Device(1, f"https://{host}/x", known.p256dh, known.auth)
        assert CLIENT.device_fault(_account(""), device) == ""
    other = Device(1, "https://push.example.cn/x", known.p256dh, known.auth)
    assert CLIENT.device_fault(_account(""), other) == "unknown_service"
    assert CLIENT.device_fault(_account("", services="push.example.cn"), other) == ""
    for p256dh, auth in (
        (known.auth, known.auth),
        (known.p256dh, "短"),
        ("B" + "A" * 86, known.auth),
        ("", ""),
    ):
        assert CLIENT.device_fault(_account(""), Device(1, known.endpoint, p256dh, auth)) == "keys"


def test_emulator_must_be_on_this_machine() -> None:
    [answer] = CLIENT.send(_account("http://10.0.0.7:80"), "a" * 32, [_letter(1, "phone")])
    assert (answer.code, answer.text) == ("private", "not-this-machine")


def test_waits_are_read_in_seconds_and_as_dates() -> None:
    now = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
    assert mapping.seconds_to_wait("30", now) == 30
    assert mapping.seconds_to_wait("Mon, 02 Mar 2026 02:10:00 GMT", now) == 600
    assert mapping.seconds_to_wait("999999", now) == 3600
    assert mapping.seconds_to_wait("soon", now) == 60
    assert mapping.seconds_to_wait("Mon, 02 Mar 2026 01:00:00 GMT", now) == 1
