"""WeChat's official account on 127.0.0.1, for tests and the demo: tokens, templates, followers, sealed callbacks."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from zhike.integrations.shared import envelope
from zhike.integrations.shared.emulation import LocalServer, QuietHandler, push_xml
from zhike.integrations.wechat_mp import mapping

APP_ID, SECRET = "wxdemo0000000000", "demo-secret"
TOKEN, AES_KEY = "demoToken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
TOKEN_LIFE_S = 7_200
AHEAD_S = 300
SERVICE_WINDOW_S, SERVICE_ANSWERS = 48 * 3_600, 5


@dataclass
class Sent:
    openid: str
    template: str
    data: dict[str, dict[str, str]]
    url: str
    msgid: int
    client_msg_id: str
    at: float


@dataclass
class Account:
    """The state of the emulated account; tests set its faults."""

    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    followers: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    report_url: str = ""
    sent: list[Sent] = field(default_factory=list)
    tokens: list[tuple[str, float]] = field(default_factory=list)
    fetches: list[bool] = field(default_factory=list)
    now: Callable[[], float] = time.time
    fault: Callable[[str], int] = lambda path: 0
    look_up: Callable[[str], tuple[str, ...] | None] = lambda template: None
    follows: Callable[[str], bool] = lambda openid: False
    report_pause_s: float = 0.0
    report_copies: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)
    heard: dict[str, tuple[float, int]] = field(default_factory=dict)
    served: list[tuple[str, str]] = field(default_factory=list)
    typing: list[str] = field(default_factory=list)
    media: dict[str, tuple[str, bytes]] = field(default_factory=dict)


def keywords(wording: str | None) -> tuple[str, ...] | None:
    """The keywords of a template, by what the house says of it; None when it says nothing."""
    return tuple(mapping.data(wording)) if wording is not None else None


def is_emulated(openid: str) -> bool:
    """Whether this is one of the demonstration's made members."""
    return openid.startswith("oDEMO")


class Problem(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class WechatEmulator(LocalServer):
    """Starts on a free port; ``url`` is its endpoint."""

    def __init__(self, account: Account | None = None, port: int = 0) -> None:
        self.account = account or Account()
        state = self.account

        class Handler(_Handler):
            account = state

        super().__init__(Handler, port)


class _Handler(QuietHandler):
    account: Account

    def on_get(self) -> None:
        """What lies in the WeChat of those who follow, newest first; or a file that somebody sent."""
        parts = urlsplit(self.path)
        if parts.path == "/cgi-bin/media/get":
            self._give_file(parse_qs(parts.query))
            return
        shown = [
            {"to": one.openid, "text": "　".join(value["value"] for value in one.data.values()), "at": one.at}
            for one in reversed(self.account.sent[-200:])
        ]
        self.answer_json({"messages": shown})

    def _give_file(self, query: dict[str, list[str]]) -> None:
        try:
            _require_token(self.account, query)
            kind, raw = self.account.media.get(query.get("media_id", [""])[0], ("", b""))
            if not kind:
                raise Problem(40007, "invalid media_id")
        except Problem as problem:
            self.answer_json({"errcode": problem.code, "errmsg": problem.text})
        else:
            self.answer(raw, 200, {"Content-Type": kind})

    def on_post(self) -> None:
        body = self.body()
        parts = urlsplit(self.path)
        try:
            if code := self.account.fault(parts.path):
                raise Problem(code, "fault")
            answer = _act(self.account, parts.path, parse_qs(parts.query), json.loads(body))
        except Problem as problem:
            answer = {"errcode": problem.code, "errmsg": problem.text}
        self.answer_json(answer)


def _act(account: Account, path: str, query: dict[str, list[str]], given: dict[str, Any]) -> dict[str, Any]:
    if path == "/cgi-bin/stable_token":
        return _token(account, given)
    _require_token(account, query)
    if path == "/cgi-bin/message/custom/send":
        return _serve(account, given)
    if path == "/cgi-bin/message/custom/typing":
        account.typing.append(given["touser"])
        return {"errcode": 0, "errmsg": "ok"}
    if path != "/cgi-bin/message/template/send":
        raise Problem(40066, "invalid url")
    return {"errcode": 0, "errmsg": "ok", "msgid": _take(account, given)}


def _require_token(account: Account, query: dict[str, list[str]]) -> None:
    now, token = account.now(), query.get("access_token", [""])[0]
    if not account.tokens or (token, True) not in [(text, now < end) for text, end in account.tokens[-1:]]:
        raise Problem(42001 if token in dict(account.tokens) else 40001, "access_token expired or invalid")


def _serve(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    """A customer-service message: for 48 hours after the customer's last one, and five times."""
    openid, now = given.get("touser", ""), account.now()
    if given.get("msgtype") != "text" or not given.get("text", {}).get("content"):
        raise Problem(40008, "invalid message type")
    with account.lock:
        heard_at, answers = account.heard.get(openid, (now if account.follows(openid) else 0.0, 0))
        if now - heard_at > SERVICE_WINDOW_S:
            raise Problem(45015, "response out of time limit or subscription is canceled")
        if answers >= SERVICE_ANSWERS:
            raise Problem(45047, "out of response count limit")
        account.heard[openid] = (heard_at, answers + 1)
        account.served.append((openid, given["text"]["content"]))
    return {"errcode": 0, "errmsg": "ok"}


def note_heard(account: Account, openid: str) -> None:
    """The customer wrote: we may answer again."""
    account.heard[openid] = (account.now(), 0)


def _token(account: Account, given: dict[str, Any]) -> dict[str, Any]:
    if (given.get("appid"), given.get("grant_type")) != (APP_ID, "client_credential"):
        raise Problem(40013, "invalid appid")
    if given.get("secret") != SECRET:
        raise Problem(40125, "invalid appsecret")
    now, by_force = account.now(), bool(given.get("force_refresh"))
    with account.lock:
        account.fetches.append(by_force)
        if by_force or not account.tokens or now >= account.tokens[-1][1] - AHEAD_S:
            account.tokens.append((uuid.uuid4().hex, now + TOKEN_LIFE_S))
        text, end = account.tokens[-1]
    return {"access_token": text, "expires_in": int(end - now)}


def _take(account: Account, given: dict[str, Any]) -> int:
    template = given.get("template_id", "")
    keywords = account.templates.get(template) or account.look_up(template)
    if keywords is None:
        raise Problem(40037, "invalid template_id")
    if given.get("touser") not in account.followers and not account.follows(given.get("touser", "")):
        raise Problem(43004, "require subscribe")
    if set(given.get("data", {})) != set(keywords) or not all(
        one.get("value") for one in given["data"].values()
    ):
        raise Problem(47003, "argument invalid! data is empty or does not fit the template")
    with account.lock:
        known = [one for one in account.sent if one.client_msg_id == given.get("client_msg_id")]
        if known:
            return known[0].msgid
        sent = Sent(
            given["touser"], given["template_id"], given["data"], given.get("url", ""), 200_000_000 + len(account.sent),
            given.get("client_msg_id", ""), account.now(),
        )  # fmt: skip
        account.sent.append(sent)
    if account.report_url:
        threading.Thread(target=_report, args=(account, sent), daemon=True).start()
    return sent.msgid


def _report(account: Account, sent: Sent) -> None:
    time.sleep(account.report_pause_s)
    status = "failed:user block" if sent.openid in account.refusing else "success"
    event = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": str(sent.msgid), "Status": status}
    for _copy in range(account.report_copies):
        push(account, sent.openid, event)


def call(account: Account, openid: str, event: dict[str, str]) -> tuple[str, bytes]:
    """The address and the body of a callback, signed and sealed."""
    told = {
        "ToUserName": "gh_demo", "FromUserName": openid, "CreateTime": str(int(account.now())), "MsgType": "event",
    } | event  # fmt: skip
    inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in told.items())
    sealed = envelope.sealed(f"<xml>{inside}</xml>".encode(), AES_KEY, APP_ID)
    timestamp, nonce = str(int(account.now())), uuid.uuid4().hex[:10]
    query = urlencode(
        {
            "signature": envelope.signature(TOKEN, timestamp, nonce),
            "timestamp": timestamp,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": envelope.signature(TOKEN, timestamp, nonce, sealed),
        }
    )
    body = f"<xml><ToUserName><![CDATA[gh_demo]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return f"{account.report_url}?{query}", body.encode()


def push(account: Account, openid: str, event: dict[str, str]) -> int:
    """WeChat's POST; the status of the answer, 0 when nobody answers."""
    url, body = call(account, openid, event)
    return push_xml(url, body)
