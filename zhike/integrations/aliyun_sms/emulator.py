"""Aliyun on 127.0.0.1, for tests and the demo: signatures, limits, receipts and replies as the real one has them.

What is Aliyun's is under ``/``. Beside it, for whoever plays the operator and the phones: ``GET /_phone`` lists what was
delivered, ``POST /_templates`` approves a wording, ``POST /_callbacks`` sets where to push, ``POST /_reply`` answers from a phone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from zhike.integrations.aliyun_sms import mapping, signing
from zhike.integrations.shared.emulation import LocalServer, QuietHandler

CLOCK_DRIFT = dt.timedelta(minutes=15)
CODES_PER_MINUTE = 1
OFF_NUMBERS = ("13000000000",)
"""Numbers whose phone is switched off for ever: their messages fail."""


@dataclass
class Sms:
    phone: str
    text: str
    template: str
    biz_id: str
    out_id: str
    at: dt.datetime
    status: int = 1  # 1 on its way, 2 failed, 3 delivered


@dataclass
class Operator:
    """The state of the emulated vendor. Tests set its faults; ``fault`` is asked before each call of an action."""

    keys: dict[str, str] = field(default_factory=lambda: {"demo-key": "demo-secret"})
    signs: set[str] | None = None
    templates: dict[str, str] = field(default_factory=dict)
    look_up: Callable[[str], str | None] = lambda code: None
    per_minute: int = 0
    sent: list[Sms] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    report_url: str = ""
    reply_url: str = ""
    report_copies: int = 1
    report_pause_s: float = 0.05
    report_again_s: tuple[float, ...] = (60.0, 300.0, 600.0)
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    fault: Callable[[str], str] = lambda action: ""
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Problem(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


class AliyunEmulator(LocalServer):
    """Starts on a free port; ``url`` is its endpoint."""

    def __init__(self, operator: Operator | None = None, port: int = 0) -> None:
        self.operator = operator or Operator()
        state = self.operator

        class Handler(_Handler):
            operator = state

        super().__init__(Handler, port)


class _Handler(QuietHandler):
    operator: Operator

    def on_get(self) -> None:
        if urlsplit(self.path).path != "/_phone":
            self.answer_json({"Code": "InvalidAction.NotFound"}, 404)
            return
        with self.operator.lock:
            count, sent = len(self.operator.sent), self.operator.sent[-200:]
        shown = [
            {"to": mapping.e164(sms.phone), "text": sms.text, "at": sms.at.isoformat(), "status": sms.status}
            for sms in reversed(sent)
            if sms.status != 2
        ]
        self.answer_json({"messages": shown, "count": count})

    def on_post(self) -> None:
        body = self.body()
        address = urlsplit(self.path)
        if address.path.startswith("/_"):
            self.answer_json(_play(self.operator, address.path, json.loads(body)))
            return
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        action = self.headers.get("x-acs-action", "")
        fault = self.operator.fault(action)
        if fault == "drop_before":
            self.hang_up()
            return
        try:
            self._check_signature(query, body)
            answer = self._act(action, query | dict(parse_qsl(body.decode(), keep_blank_values=True)), fault)
        except Problem as problem:
            self.answer_json(
                {"RequestId": str(uuid.uuid4()).upper(), "Code": problem.code, "Message": problem.message},
                problem.status,
            )
            return
        if fault == "drop_after":
            self.hang_up()
            return
        if fault == "hang":
            time.sleep(60)
        self.answer_json({"RequestId": str(uuid.uuid4()).upper(), "Message": "OK", "Code": "OK"} | answer)

    def _act(self, action: str, given: dict[str, str], fault: str) -> dict[str, Any]:
        operator = self.operator
        with operator.lock:
            operator.calls.append(action)
            if fault == "throttle":
                raise Problem(400, "Throttling.User", "Request was denied due to user flow control.")
            if fault == "down":
                raise Problem(503, "ServiceUnavailable")
            if action == "SendSms":
                phones = given["PhoneNumbers"].split(",")
                values = json.loads(given.get("TemplateParam") or "{}")
                return _take(operator, phones, [given["SignName"]], [values] * len(phones), given)
            if action == "SendBatchSms":
                phones = json.loads(given["PhoneNumberJson"])
                if len(phones) > 100:
                    raise Problem(200, "isv.MOBILE_COUNT_OVER_LIMIT")
                signs, values = json.loads(given["SignNameJson"]), json.loads(given["TemplateParamJson"])
                return _take(operator, phones, signs, values, given)
            if action == "QuerySendDetails":
                return _details(operator, given)
        raise Problem(404, "InvalidAction.NotFound")

    def _check_signature(self, query: dict[str, str], body: bytes) -> None:
        text = self.headers.get("Authorization", "")
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})", text
        )
        if found is None:
            raise Problem(400, "IncompleteSignature")
        key_id, names, given = found.groups()
        secret = self.operator.keys.get(key_id)
        if secret is None:
            raise Problem(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if self.headers.get("x-acs-content-sha256") != hashlib.sha256(body).hexdigest():
            raise Problem(400, "SignatureDoesNotMatch")
        headers = {name: self.headers.get(name, "") for name in names.split(";")}
        required = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"}
        right = signing.signature(
            secret,
            method="POST",
            path="/",
            query=query,
            headers=headers,
            hashed=self.headers["x-acs-content-sha256"],
        )
        if not required <= set(headers) or not hmac.compare_digest(right, given):
            raise Problem(400, "SignatureDoesNotMatch", "Specified signature is not matched.")
        at = dt.datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
        if abs(self.operator.now() - at) > CLOCK_DRIFT:
            raise Problem(400, "InvalidTimeStamp.Expired")
        with self.operator.lock:
            if headers["x-acs-signature-nonce"] in self.operator.nonces:
                raise Problem(400, "SignatureNonceUsed")
            self.operator.nonces.add(headers["x-acs-signature-nonce"])


def _take(
    operator: Operator,
    phones: list[str],
    signs: list[str],
    values: list[dict[str, str]],
    given: dict[str, str],
) -> dict[str, Any]:
    """Check as Aliyun does, all or nothing; then the messages are on their way."""
    template = given.get("TemplateCode", "")
    wording = operator.templates.get(template) or operator.look_up(template)
    if wording is None:
        raise Problem(200, "isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
    if operator.signs is not None and not set(signs) <= operator.signs:
        raise Problem(200, "isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")
    now = operator.now()
    for phone, value in zip(phones, values, strict=True):
        if not re.fullmatch(r"1[3-9]\d{9}", phone):
            raise Problem(200, "isv.MOBILE_NUMBER_ILLEGAL", f"{phone} 无效号码")
        if any(name not in value for name in re.findall(r"\$\{([a-z0-9_]+)\}", wording)):
            raise Problem(200, "isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值")
        recent = [s for s in operator.sent if s.phone == phone and now - s.at < dt.timedelta(minutes=1)]
        if operator.per_minute and len(recent) >= operator.per_minute:
            raise Problem(200, "isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
    biz_id = f"{uuid.uuid4().int % 10**15}^0"
    batch = []
    for index, (phone, value) in enumerate(zip(phones, values, strict=True)):
        sign = signs[index] if len(signs) > 1 else signs[0]
        text = _filled(wording, value)
        batch.append(Sms(phone, f"【{sign}】{text}", template, biz_id, given.get("OutId", ""), now))
    operator.sent += batch
    threading.Thread(target=_deliver, args=(operator, batch), daemon=True).start()
    return {"BizId": biz_id}


def _filled(wording: str, value: dict[str, str]) -> str:
    return re.sub(r"\$\{([a-z0-9_]+)\}", lambda found: str(value[found.group(1)]), wording)


def _details(operator: Operator, given: dict[str, str]) -> dict[str, Any]:
    found = [
        sms
        for sms in operator.sent
        if sms.phone == given["PhoneNumber"]
        and sms.at.astimezone(mapping.ZONE).strftime("%Y%m%d") == given["SendDate"]
        and given.get("BizId", sms.biz_id) == sms.biz_id
    ]
    size, page = int(given["PageSize"]), int(given["CurrentPage"])
    shown = [
        {
            "PhoneNum": sms.phone,
            "Content": sms.text,
            "TemplateCode": sms.template,
            "OutId": sms.out_id,
            "SendStatus": sms.status,
            "SendDate": sms.at.astimezone(mapping.ZONE).strftime("%Y-%m-%d %H:%M:%S"),
            "ErrCode": "DELIVERED" if sms.status == 3 else "",
        }
        for sms in found[(page - 1) * size : page * size]
    ]
    return {"TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown}}


def _deliver(operator: Operator, batch: list[Sms]) -> None:
    """A moment later the phones ring, and the reports go out: late, and more than once where a test wants that."""
    time.sleep(operator.report_pause_s)
    entries = []
    for sms in batch:
        is_off = sms.phone in OFF_NUMBERS
        with operator.lock:
            sms.status = 2 if is_off else 3
        at = operator.now().astimezone(mapping.ZONE).strftime("%Y-%m-%d %H:%M:%S")
        entries.append(
            {
                "phone_number": sms.phone,
                "send_time": sms.at.astimezone(mapping.ZONE).strftime("%Y-%m-%d %H:%M:%S"),
                "report_time": at,
                "success": not is_off,
                "err_code": "MOBILE_NOT_ON_SERVICE" if is_off else "DELIVERED",
                "err_msg": "停机" if is_off else "用户接收成功",
                "sms_size": "1",
                "biz_id": sms.biz_id,
                "out_id": sms.out_id,
            }
        )
    if operator.report_url:
        for _copy in range(operator.report_copies):
            _push_until_taken(operator, entries)


def _push_until_taken(operator: Operator, entries: list[dict[str, Any]]) -> None:
    """Again after 1, 5 and 10 minutes where nobody answered, then never more; as Aliyun does it."""
    for pause in (0.0, *operator.report_again_s):
        time.sleep(pause)
        if push(operator.report_url, entries).get("code") == 0:
            return


def push(url: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Aliyun's POST of a JSON array; what it answers, {} when nobody does."""
    request = urllib.request.Request(  # noqa: S310  an address of this machine
        url, json.dumps(entries).encode(), {"Content-Type": "application/json;charset=utf-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))
    except (OSError, ValueError):
        return {}


def _play(operator: Operator, path: str, given: dict[str, Any]) -> dict[str, Any]:
    """What the operator's own console and the phones do."""
    if path == "/_templates":
        operator.templates[given["code"]] = given["body"]
    elif path == "/_callbacks":
        operator.report_url, operator.reply_url = given["reports"], given["replies"]
    elif path == "/_reply":
        return push(operator.reply_url, [reply_entry(operator, given["phone"], given["text"])])
    return {}


def reply_entry(operator: Operator, phone: str, text: str) -> dict[str, Any]:
    """One entry of the push SmsUp."""
    at = operator.now().astimezone(mapping.ZONE).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "phone_number": mapping.domestic(phone),
        "send_time": at,
        "content": text,
        "sign_name": "",
        "dest_code": "1069012345",
        "sequence_id": uuid.uuid4().int % 10**15,
    }
