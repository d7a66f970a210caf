"""Tencent Cloud's SMS on 127.0.0.1, for tests and the demo: signatures, limits, statuses and replies.

``GET /_phone`` and ``POST /_templates``, ``/_callbacks``, ``/_reply`` play the operator and the phones.
"""

from __future__ import annotations

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

from zhike.integrations.shared.emulation import LocalServer, QuietHandler
from zhike.integrations.tencent_sms import signing

CLOCK_DRIFT_S = 300
OFF_NUMBERS = ("+8613000000000",)


@dataclass
class Sms:
    phone: str
    text: str
    serial: str
    context: str
    at: float
    status: str = ""


@dataclass
class Operator:
    """The state of the emulated vendor; tests set its faults."""

    keys: dict[str, str] = field(default_factory=lambda: {"demo-key": "demo-secret"})
    app_id: str = "1400006666"
    templates: dict[str, str] = field(default_factory=dict)
    sent: list[Sms] = field(default_factory=list)
    report_url: str = ""
    reply_url: str = ""
    report_copies: int = 1
    report_pause_s: float = 0.05
    returns_context: bool = False
    blocked: set[str] = field(default_factory=set)
    now: Callable[[], float] = time.time
    fault: Callable[[str], str] = lambda action: ""
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Problem(Exception):
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message or code


class TencentEmulator(LocalServer):
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
        shown = [
            {"to": sms.phone, "text": sms.text, "at": sms.at}
            for sms in reversed(self.operator.sent[-200:])
            if sms.status != "FAIL"
        ]
        self.answer_json({"messages": shown})

    def on_post(self) -> None:
        body = self.body()
        if self.path.startswith("/_"):
            self.answer_json(_play(self.operator, self.path, json.loads(body)))
            return
        action = self.headers.get("X-TC-Action", "")
        fault = self.operator.fault(action)
        if fault == "drop_before":
            self.hang_up()
            return
        response: dict[str, Any] = {"RequestId": str(uuid.uuid4())}
        try:
            self._check_signature(body)
            with self.operator.lock:
                self.operator.calls.append(action)
                if fault == "throttle":
                    raise Problem("RequestLimitExceeded", "Your current request times exceeds the limit.")
                response |= _act(self.operator, action, json.loads(body))
        except Problem as problem:
            response["Error"] = {"Code": problem.code, "Message": problem.message}
        if fault == "drop_after":
            self.hang_up()
            return
        self.answer_json({"Response": response})

    def _check_signature(self, body: bytes) -> None:
        found = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d{2}-\d{2})/sms/tc3_request, "
            r"SignedHeaders=content-type;host, Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if found is None:
            raise Problem("AuthFailure.InvalidAuthorization")
        key_id, _day, given = found.groups()
        secret = self.operator.keys.get(key_id)
        if secret is None:
            raise Problem("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
        timestamp = int(self.headers.get("X-TC-Timestamp", "0"))
        right = signing.signature(
            secret,
            service="sms",
            host=self.headers.get("Host", ""),
            content_type=self.headers.get("Content-Type", ""),
            body=body,
            timestamp=timestamp,
        )
        if not hmac.compare_digest(right, given):
            raise Problem("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")
        if abs(self.operator.now() - timestamp) > CLOCK_DRIFT_S:
            raise Problem("AuthFailure.SignatureExpire")


def _act(operator: Operator, action: str, given: dict[str, Any]) -> dict[str, Any]:
    if given.get("SmsSdkAppId") != operator.app_id:
        raise Problem("InvalidParameterValue.SdkAppIdNotExist")
    if action == "SendSms":
        return _take(operator, given)
    if action == "PullSmsSendStatusByPhoneNumber":
        found = [
            {
                "PhoneNumber": sms.phone,
                "SerialNo": sms.serial,
                "ReportStatus": sms.status or "SUCCESS",
                "SessionContext": sms.context if operator.returns_context else "",
                "UserReceiveTime": int(sms.at),
            }
            for sms in operator.sent
            if sms.phone == given["PhoneNumber"] and given["BeginTime"] <= sms.at <= given["EndTime"]
        ]
        return {"PullSmsSendStatusSet": found[: given["Limit"]]}
    raise Problem("InvalidAction", f"The action {action} does not exist.")


def _take(operator: Operator, given: dict[str, Any]) -> dict[str, Any]:
    wording = operator.templates.get(given["TemplateId"])
    phones, values = given["PhoneNumberSet"], given.get("TemplateParamSet") or []
    if len(phones) > 200:
        raise Problem("LimitExceeded.PhoneNumberCountLimit")
    statuses, taken = [], []
    for phone in phones:
        code = "Ok"
        if wording is None:
            code = "FailedOperation.TemplateIncorrectOrUnapproved"
        elif len(set(re.findall(r"\{(\d+)\}", wording))) != len(values):
            code = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        elif not re.fullmatch(r"\+861[3-9]\d{9}", phone):
            code = "InvalidParameterValue.IncorrectPhoneNumber"
        elif phone in operator.blocked:
            code = "FailedOperation.PhoneNumberInBlacklist"
        serial = f"{uuid.uuid4().int % 10**12}:{uuid.uuid4().int % 10**18}" if code == "Ok" else ""
        statuses.append(
            {
                "SerialNo": serial,
                "PhoneNumber": phone,
                "Fee": 1 if code == "Ok" else 0,
                "SessionContext": given.get("SessionContext", ""),
                "Code": code,
                "Message": "send success" if code == "Ok" else code,
                "IsoCode": "CN",
            }
        )
        if code == "Ok":
            text = re.sub(r"\{(\d+)\}", lambda m: str(values[int(m.group(1)) - 1]), wording or "")
            text = f"【{given.get('SignName', '')}】{text}"
            taken.append(Sms(phone, text, serial, given.get("SessionContext", ""), operator.now()))
    operator.sent += taken
    threading.Thread(target=_deliver, args=(operator, taken), daemon=True).start()
    return {"SendStatusSet": statuses}


def _deliver(operator: Operator, batch: list[Sms]) -> None:
    time.sleep(operator.report_pause_s)
    entries = []
    for sms in batch:
        sms.status = "FAIL" if sms.phone in OFF_NUMBERS else "SUCCESS"
        received = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(operator.now() + 8 * 3600))
        entries.append(
            {
                "user_receive_time": received,
                "nationcode": "86",
                "mobile": sms.phone[3:],
                "report_status": sms.status,
                "errmsg": "DELIVRD" if sms.status == "SUCCESS" else "MK:0001",
                "description": "用户短信接收成功" if sms.status == "SUCCESS" else "空号",
                "sid": sms.serial,
            }
        )
    if operator.report_url:
        for _copy in range(operator.report_copies):
            push(operator.report_url, entries)


def push(url: str, body: Any) -> dict[str, Any]:
    """Tencent's POST; what is answered, {} when nobody does."""
    request = urllib.request.Request(  # noqa: S310  an address of this machine
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))
    except (OSError, ValueError):
        return {}


def _play(operator: Operator, path: str, given: dict[str, Any]) -> dict[str, Any]:
    if path == "/_templates":
        names = list(dict.fromkeys(re.findall(r"\$\{([a-z0-9_]+)\}", given["body"])))
        body = given["body"]
        for number, name in enumerate(names, start=1):
            body = body.replace("${" + name + "}", "{" + str(number) + "}")
        operator.templates[given["code"]] = body
    elif path == "/_callbacks":
        operator.report_url, operator.reply_url = given["reports"], given["replies"]
    elif path == "/_reply":
        return push(operator.reply_url, reply_entry(given["phone"], given["text"], operator.now()))
    return {}


def reply_entry(phone: str, text: str, at: float) -> dict[str, Any]:
    """The body of the reply callback."""
    return {
        "extend": "",
        "mobile": phone.removeprefix("+86"),
        "nationcode": "86",
        "sign": "",
        "text": text,
        "time": int(at),
    }
