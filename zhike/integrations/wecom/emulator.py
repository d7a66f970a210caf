"""WeCom's customer contact on 127.0.0.1, for tests and the demo: tokens, tasks, caps, codes, hand-overs, sealed callbacks."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import segno

from zhike.integrations.shared import envelope
from zhike.integrations.shared.emulation import LocalServer, QuietHandler, push_xml
from zhike.integrations.wecom import mapping

CORP_ID, SECRET = "wwdemo0000000000", "demo-contact-secret"
TOKEN, AES_KEY = "demoWecomToken", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
TOKEN_LIFE_S = 7_200
WELCOME_S = 20
REMINDERS_A_DAY = 3
TRANSFERS_MAX, GUARD_S = 2, 90 * 86_400
TAKES_OVER_AFTER_S = 86_400
CALLS_A_MINUTE = 10_000


@dataclass
class Sent:
    """One customer's message in a task; ``status`` as WeCom counts: 0 waiting, 1 delivered, 2 no contact, 3 cap reached."""

    outside: str
    status: int = 0
    at: float = 0


@dataclass
class Task:
    msgid: str
    userid: str
    text: str
    messages: list[Sent]
    made_at: float
    is_confirmed: bool = False
    is_withdrawn: bool = False
    reminded: list[float] = field(default_factory=list)


@dataclass
class Transfer:
    userid: str
    to: str
    outside: str
    at: float
    status: int = 2


@dataclass
class Corp:
    """The state of the emulated corp; tests set its faults. ``links``: who of us has which customers, with phones noted."""

    users: set[str] = field(default_factory=set)
    unionids: dict[str, str] = field(default_factory=dict)
    links: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    report_url: str = ""
    url: str = ""
    tokens: list[tuple[str, float]] = field(default_factory=list)
    ways: dict[str, tuple[str, str]] = field(default_factory=dict)
    welcomes: dict[str, tuple[float, str]] = field(default_factory=dict)
    welcomed: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    rule: str = "month"
    full: set[str] = field(default_factory=set)
    page: int = 1_000
    now: Callable[[], float] = time.time
    fault: Callable[[str], int] = lambda path: 0
    knows: Callable[[str, str], bool] = lambda userid, outside: False
    unionid_of: Callable[[str], str] = lambda outside: ""
    confirms: Callable[[Task, float], bool] = lambda task, now: False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def has(self, userid: str, outside: str) -> bool:
        return (userid, outside) in self.links or self.knows(userid, outside)


def demo_unionid(outside: str) -> str:
    """Of one of the demonstration's made customers; "" for anybody else."""
    return f"oDEMOU{outside[6:]}" if outside.startswith("wmDEMO") else ""


def is_emulated(userid: str, outside: str) -> bool:
    """Whether this is one of the demonstration's made customers."""
    return bool(demo_unionid(outside))


def confirms_soon(task: Task, now: float) -> bool:
    """In the demonstration: the first associate looks after half a minute, the others never."""
    return task.userid.endswith("-1") and now >= task.made_at + 30


class Problem(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class WecomEmulator(LocalServer):
    """Starts on a free port; ``url`` is its endpoint."""

    def __init__(self, corp: Corp | None = None, port: int = 0) -> None:
        self.corp = corp or Corp()
        state = self.corp

        class Handler(_Handler):
            corp = state

        super().__init__(Handler, port)
        state.url = self.url


class _Handler(QuietHandler):
    corp: Corp

    def on_get(self) -> None:
        """WeCom's reads; ``/_phone`` is what lies in the customers' WeChat, newest first."""
        path = urlsplit(self.path).path
        if path.startswith("/_codes/"):
            made = io.BytesIO()
            segno.make(f"https://work.weixin.qq.com/ca/{path[8:]}").save(made, kind="png", scale=6)
            self.answer(made.getvalue(), headers={"Content-Type": "image/png"})
            return
        if path != "/_phone":
            self._take({})
            return
        with self.corp.lock:
            sent = [
                (one.at, {"to": one.outside, "text": task.text, "at": one.at})
                for task in self.corp.tasks.values()
                for one in task.messages
                if one.status == 1
            ]
        newest = sorted(sent, key=lambda pair: -pair[0])[:200]
        self.answer_json({"messages": [told for _at, told in newest]})

    def on_post(self) -> None:
        self._take(json.loads(self.body() or b"{}"))

    def _take(self, given: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            if code := self.corp.fault(parts.path):
                raise Problem(code, "fault")
            with self.corp.lock:
                answer = _act(self.corp, parts.path, query, given)
            self.answer_json({"errcode": 0, "errmsg": "ok"} | answer)
        except Problem as problem:
            self.answer_json({"errcode": problem.code, "errmsg": problem.text})


def _act(corp: Corp, path: str, query: dict[str, str], given: dict[str, Any]) -> dict[str, Any]:
    now = corp.now()
    if path == "/cgi-bin/gettoken":
        return _token(corp, query, now)
    token = query.get("access_token", "")
    if token not in dict(corp.tokens):
        raise Problem(40014, "invalid access_token")
    if now >= dict(corp.tokens)[token]:
        raise Problem(42001, "access_token expired")
    name = path.removeprefix("/cgi-bin/externalcontact/")
    corp.calls.append(name)
    act = _ACTS.get(name)
    if act is None:
        raise Problem(-1, "invalid url")
    return act(corp, given | query, now)


def _token(corp: Corp, query: dict[str, str], now: float) -> dict[str, Any]:
    if query.get("corpid") != CORP_ID:
        raise Problem(40013, "invalid corpid")
    if query.get("corpsecret") != SECRET:
        raise Problem(40001, "invalid credential")
    if not corp.tokens or now >= corp.tokens[-1][1]:
        corp.tokens.append((uuid.uuid4().hex, now + TOKEN_LIFE_S))
    text, end = corp.tokens[-1]
    return {"access_token": text, "expires_in": int(end - now)}


def _require_user(corp: Corp, userid: str) -> None:
    if userid not in corp.users:
        raise Problem(84061, "not external contact")


def _add_way(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    state, [userid] = str(given.get("state", "")), given["user"]
    _require_user(corp, userid)
    if given.get("type") != 1 or given.get("scene") != 2 or len(state) > 30:
        raise Problem(40058, "invalid parameter")
    key = hashlib.sha256(f"{userid}{len(corp.ways)}".encode()).hexdigest()[:32]
    corp.ways[key] = (userid, state)
    return {"config_id": key, "qr_code": f"{corp.url}/_codes/{key}"}


def _get(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    outside = given.get("external_userid", "")
    follows = [
        {"userid": userid, "remark_mobiles": list(phones)}
        for (userid, one), phones in corp.links.items()
        if one == outside
    ]
    follows = follows or [{"userid": userid} for userid in sorted(corp.users) if corp.knows(userid, outside)]
    if not follows:
        raise Problem(84061, "not external contact")
    card = {"external_userid": outside, "type": 1, "name": "微信用户"}
    if unionid := corp.unionids.get(outside) or corp.unionid_of(outside):
        card["unionid"] = unionid
    return {"external_contact": card, "follow_user": follows}


def _welcome(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    code = given.get("welcome_code", "")
    issued = corp.welcomes.get(code)
    if issued is None or now - issued[0] > WELCOME_S:
        raise Problem(41050, "welcome code is invalid or over")
    if code in corp.welcomed:
        raise Problem(41051, "welcome was sent or the chat began")
    if not given.get("text", {}).get("content"):
        raise Problem(40058, "no content")
    corp.welcomed[code] = given["text"]["content"]
    return {}


def _add_task(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    userid, outside = given.get("sender", ""), given.get("external_userid") or []
    _require_user(corp, userid)
    text = given.get("text", {}).get("content", "")
    if not text or len(text.encode()) > mapping.TEXT_BYTES_MAX or len(outside) > 10_000:
        raise Problem(40058, "invalid parameter")
    known = [one for one in outside if corp.has(userid, one)]
    failed = [one for one in outside if one not in known]
    if not known:
        raise Problem(41048, "no customer to send to")
    task = Task(f"msg{uuid.uuid4().hex[:25]}", userid, text, [Sent(one) for one in known], now)
    corp.tasks[task.msgid] = task
    return {"fail_list": failed, "msgid": task.msgid}


def confirm(corp: Corp, msgid: str) -> None:
    """What the member of staff does in WeCom: every customer gets it, as far as the cap lets."""
    with corp.lock:
        task, now = corp.tasks[msgid], corp.now()
        if task.is_confirmed or task.is_withdrawn:
            return
        task.is_confirmed = True
        since, cap = mapping.limit(corp.rule, dt.datetime.fromtimestamp(now, dt.UTC))
        begin = since.timestamp()
        for one in task.messages:
            got = sum(
                other.status == 1 and other.outside == one.outside and other.at >= begin
                for known in corp.tasks.values()
                for other in known.messages
            )
            one.status = 2 if not corp.has(task.userid, one.outside) else 3 if got >= cap else 1
            one.at = now if one.status == 1 else 0


def _task(corp: Corp, given: dict[str, Any], now: float) -> Task:
    task = corp.tasks.get(given.get("msgid", ""))
    if task is None:
        raise Problem(41042, "invalid msgid")
    if not task.is_confirmed and corp.confirms(task, now):
        confirm(corp, task.msgid)
    return task


def _task_list(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    task = _task(corp, given, now)
    return {"task_list": [{"userid": task.userid, "status": 2 if task.is_confirmed else 0}]}


def _send_result(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    task = _task(corp, given, now)
    begin = int(given.get("cursor") or 0)
    shown = task.messages[begin : begin + corp.page]
    rest = begin + corp.page if begin + corp.page < len(task.messages) else 0
    told = [
        {"external_userid": one.outside, "userid": task.userid, "status": one.status}
        | ({"send_time": int(one.at)} if one.at else {})
        for one in shown
    ]
    return {"send_list": told} | ({"next_cursor": str(rest)} if rest else {})


def _remind(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    task = _task(corp, given, now)
    if sum(at > now - 86_400 for at in task.reminded) >= REMINDERS_A_DAY:
        raise Problem(41093, "reminded three times in 24 hours")
    task.reminded.append(now)
    return {}


def _withdraw(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    corp.tasks[_task(corp, given, now).msgid].is_withdrawn = True
    return {}


def _transfer(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    userid, to = given.get("handover_userid", ""), given.get("takeover_userid", "")
    _require_user(corp, userid)
    _require_user(corp, to)
    outside = given.get("external_userid") or []
    if not 0 < len(outside) <= mapping.TRANSFER_MAX:
        raise Problem(40058, "invalid parameter")
    answers = []
    for one in outside:
        code = _transfer_fault(corp, userid, one, now)
        if not code:
            corp.transfers.append(Transfer(userid, to, one, now))
        answers.append({"external_userid": one, "errcode": code})
    return {"customer": answers}


def _transfer_fault(corp: Corp, userid: str, outside: str, now: float) -> int:
    if not corp.has(userid, outside):
        return 40096
    recent = [one for one in corp.transfers if one.outside == outside and one.at > now - GUARD_S]
    if any(one.status == 2 for one in recent):
        return 40129
    return 40128 if sum(one.status == 1 for one in recent) >= TRANSFERS_MAX else 0


def _transfer_result(corp: Corp, given: dict[str, Any], now: float) -> dict[str, Any]:
    asked = (given.get("handover_userid"), given.get("takeover_userid"))
    found = {}
    for one in corp.transfers:
        if one.status == 2 and now >= one.at + TAKES_OVER_AFTER_S:
            one.status = 4 if one.to in corp.full else 1
            if one.status == 1:
                corp.links[one.to, one.outside] = corp.links.pop((one.userid, one.outside), ())
        if (one.userid, one.to) == asked:
            found[one.outside] = one
    told = [
        {"external_userid": one.outside, "status": one.status, "takeover_time": int(one.at) if one.status == 1 else 0}
        for one in found.values()
    ]  # fmt: skip
    return {"customer": told}


_ACTS: dict[str, Callable[[Corp, dict[str, Any], float], dict[str, Any]]] = {
    "add_contact_way": _add_way,
    "get": _get,
    "send_welcome_msg": _welcome,
    "add_msg_template": _add_task,
    "get_groupmsg_task": _task_list,
    "get_groupmsg_send_result": _send_result,
    "remind_groupmsg_send": _remind,
    "cancel_groupmsg_send": _withdraw,
    "transfer_customer": _transfer,
    "transfer_result": _transfer_result,
}


def added(corp: Corp, userid: str, outside: str, *, way: str = "", unionid: str = "") -> dict[str, str]:
    """A customer adds somebody, by scanning the code ``way`` or not: the event that WeCom tells, with a welcome code."""
    with corp.lock:
        corp.links.setdefault((userid, outside), ())
        if unionid:
            corp.unionids[outside] = unionid
        code = uuid.uuid4().hex
        corp.welcomes[code] = (corp.now(), userid)
    event = {
        "ChangeType": "add_external_contact",
        "UserID": userid,
        "ExternalUserID": outside,
        "WelcomeCode": code,
    }
    return event | ({"State": corp.ways[way][1]} if way else {})


def call(corp: Corp, event: dict[str, str], *, corp_id: str = CORP_ID) -> tuple[str, bytes]:
    """The address and the body of a callback, signed and sealed."""
    told = {
        "ToUserName": CORP_ID, "FromUserName": "sys", "CreateTime": str(int(corp.now())), "MsgType": "event",
        "Event": "change_external_contact",
    } | event  # fmt: skip
    inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in told.items())
    sealed = envelope.sealed(f"<xml>{inside}</xml>".encode(), AES_KEY, corp_id)
    timestamp, nonce = str(int(corp.now())), uuid.uuid4().hex[:10]
    signed = envelope.signature(TOKEN, timestamp, nonce, sealed)
    query = urlencode({"msg_signature": signed, "timestamp": timestamp, "nonce": nonce})
    body = f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return f"{corp.report_url}?{query}", body.encode()


def push(corp: Corp, event: dict[str, str]) -> int:
    """WeCom's POST; the status of the answer, 0 when nobody answers."""
    return push_xml(*call(corp, event))
