"""A mini-program's WeChat on 127.0.0.1, for tests and the demo: tokens, templates, acceptances used up, sealed callbacks."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from zhike.integrations.shared import envelope
from zhike.integrations.shared.emulation import LocalServer, QuietHandler, push_xml

APP_ID, SECRET = "wxmini0000000000", "demo-mini-secret"
TOKEN, AES_KEY = "demoMiniToken", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"
TOKEN_LIFE_S = 7_200


@dataclass
class Sent:
    openid: str
    template: str
    data: dict[str, dict[str, str]]
    page: str
    msgid: int
    at: float


@dataclass
class App:
    """The state of the emulated app; ``credits`` are acceptances by (openid, template)."""

    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    credits: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusing: set[str] = field(default_factory=set)
    report_url: str = ""
    sent: list[Sent] = field(default_factory=list)
    token: tuple[str, float] = ("", 0.0)
    now: Callable[[], float] = time.time
    fault: Callable[[str], int] = lambda path: 0
    look_up: Callable[[str], tuple[str, ...] | None] = lambda template: None
    is_generous: Callable[[str], bool] = lambda openid: False
    report_pause_s: float = 0.0
    report_copies: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)


def is_emulated(openid: str) -> bool:
    """One of the demonstration's made members: they have accepted whatever the house says they have."""
    return openid.startswith("oMINI")


class Problem(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class MiniEmulator(LocalServer):
    """Starts on a free port; ``url`` is its endpoint."""

    def __init__(self, app: App | None = None, port: int = 0) -> None:
        self.app = app or App()
        state = self.app

        class Handler(_Handler):
            app = state

        super().__init__(Handler, port)


class _Handler(QuietHandler):
    app: App

    def on_get(self) -> None:
        """What lies in the service notices of members, newest first."""
        shown = [
            {"to": one.openid, "text": "　".join(value["value"] for value in one.data.values()), "at": one.at}
            for one in reversed(self.app.sent[-200:])
        ]
        self.answer_json({"messages": shown})

    def on_post(self) -> None:
        body, parts = self.body(), urlsplit(self.path)
        try:
            if code := self.app.fault(parts.path):
                raise Problem(code, "fault")
            token = parse_qs(parts.query).get("access_token", [""])[0]
            self.answer_json(_act(self.app, parts.path, token, json.loads(body)))
        except Problem as problem:
            self.answer_json({"errcode": problem.code, "errmsg": problem.text})


def _act(app: App, path: str, token: str, given: dict[str, Any]) -> dict[str, Any]:
    now = app.now()
    if path == "/cgi-bin/stable_token":
        if (given.get("appid"), given.get("secret")) != (APP_ID, SECRET):
            raise Problem(40125 if given.get("appid") == APP_ID else 40013, "invalid appid or secret")
        with app.lock:
            if given.get("force_refresh") or now >= app.token[1] - 300:
                app.token = (uuid.uuid4().hex, now + TOKEN_LIFE_S)
        return {"access_token": app.token[0], "expires_in": int(app.token[1] - now)}
    if path != "/cgi-bin/message/subscribe/send":
        raise Problem(40066, "invalid url")
    if token != app.token[0] or now >= app.token[1]:
        raise Problem(40001, "access_token invalid")
    return {"errcode": 0, "errmsg": "ok", "msgid": _take(app, given)}


def _take(app: App, given: dict[str, Any]) -> int:
    openid, template = str(given.get("touser", "")), str(given.get("template_id", ""))
    wanted = app.templates.get(template) or app.look_up(template)
    if wanted is None:
        raise Problem(40037, "invalid template_id")
    data = given.get("data", {})
    if set(data) != set(wanted) or not all(one.get("value") for one in data.values()):
        raise Problem(47003, "argument invalid")
    with app.lock:
        if not app.is_generous(openid):
            if openid in app.refusing or app.credits[openid, template] < 1:
                raise Problem(43101, "user refuse to accept the msg")
            app.credits[openid, template] -= 1
        sent = Sent(openid, template, data, given.get("page", ""), 300_000_000 + len(app.sent), app.now())
        app.sent.append(sent)
    if app.report_url.startswith("http"):
        threading.Thread(target=_report, args=(app, sent), daemon=True).start()
    return sent.msgid


def _report(app: App, sent: Sent) -> None:
    time.sleep(app.report_pause_s)
    entry = {
        "TemplateId": sent.template,
        "MsgID": str(sent.msgid),
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }
    for _copy in range(app.report_copies):
        push(app, sent.openid, "subscribe_msg_sent_event", "SubscribeMsgSentEvent", [entry])


def tapped(app: App, openid: str, answers: dict[str, str], *, at: float | None = None) -> tuple[str, bytes]:
    """A member answers the pop-up: the call that WeChat makes. What is accepted may be used once."""
    entries = [
        {"TemplateId": template, "SubscribeStatusString": answer, "PopupScene": "0"}
        for template, answer in answers.items()
    ]
    with app.lock:
        app.credits.update((openid, template) for template, answer in answers.items() if answer == "accept")
    return call(app, openid, "subscribe_msg_popup_event", "SubscribeMsgPopupEvent", entries, at=at)


def call(
    app: App,
    openid: str,
    event: str,
    name: str,
    entries: Sequence[dict[str, str]],
    *,
    at: float | None = None,
) -> tuple[str, bytes]:
    """The address and the body of a callback, signed and sealed."""

    def tags(told: dict[str, str]) -> str:
        return "".join(f"<{tag}><![CDATA[{value}]]></{tag}>" for tag, value in told.items())

    told = {
        "ToUserName": "gh_mini", "FromUserName": openid, "CreateTime": str(int(at if at is not None else app.now())),
        "MsgType": "event", "Event": event,
    }  # fmt: skip
    listed = "".join(f"<List>{tags(one)}</List>" for one in entries)
    sealed = envelope.sealed(f"<xml>{tags(told)}<{name}>{listed}</{name}></xml>".encode(), AES_KEY, APP_ID)
    timestamp, nonce = str(int(app.now())), uuid.uuid4().hex[:10]
    query = {
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": envelope.signature(TOKEN, timestamp, nonce, sealed),
    }
    body = f"<xml><ToUserName><![CDATA[gh_mini]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return f"{app.report_url}?{urlencode(query)}", body.encode()


def push(app: App, openid: str, event: str, name: str, entries: Sequence[dict[str, str]]) -> int:
    """WeChat's POST; the status of the answer, 0 when nobody answers."""
    return push_xml(*call(app, openid, event, name, entries))
