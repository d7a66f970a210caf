"""E-mail, to a real mail server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from zhike.integrations.smtp.client import Smtp
from zhike.messaging.ports import Account, Letter, Refused, TryLater

SENDER = "news@mall.example"


class Postbox:
    """Keeps what it gets; refuses recipients whose name begins with “no”."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("no"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def server() -> Iterator[Controller]:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Postbox(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def _account(controller: Controller, **changes: str) -> Account:
    settings = {
        "host": "127.0.0.1",
        "port": str(controller.port),
        "security": "none",
        "sender": SENDER,
        "sender_name": "星河城",
    }
    return Account(1, settings | changes, {})


@pytest.mark.feature("C128")
def test_offers_can_be_refused_with_one_click(server: Controller) -> None:
    letters = [
        Letter(
            1,
            "li@example.com",
            "周末全场八折",
            title="会员日",
            refusal_url="https://mall.example/m/no/1-abc/",
        ),
        Letter(2, "wang@example.com", "123456", title="验证码"),
        Letter(3, "nobody@example.com", "…", title="x"),
    ]
    answers = Smtp().send(_account(server), "a" * 32, letters)
    assert [answer.is_taken for answer in answers] == [True, True, False]
    assert answers[2].code == "550"
    offer, code = server.handler.mails
    assert offer["List-Unsubscribe"] == "<https://mall.example/m/no/1-abc/>"
    assert offer["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert offer["Message-ID"] == f"<{'a' * 32}.1@mall.example>"
    assert "周末全场八折" in offer.get_payload(decode=True).decode()
    assert code["List-Unsubscribe"] is None


def test_no_plain_connection_to_other_machines(server: Controller) -> None:
    with pytest.raises(Refused):
        Smtp().send(_account(server, host="mail.example"), "a" * 32, [Letter(1, "li@example.com", "x")])


def test_an_absent_server_took_nothing(server: Controller) -> None:
    with pytest.raises(TryLater):
        Smtp().send(_account(server, port="9"), "a" * 32, [Letter(1, "li@example.com", "x")])
