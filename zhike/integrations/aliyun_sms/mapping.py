"""Aliyun's words and ours. Pure."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from zhike.messaging.ports import Question, Reply, Report

ZONE = ZoneInfo("Asia/Shanghai")
_ACCOUNT_TROUBLE = (
    "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidTimeStamp", "IncompleteSignature", "SignatureNonceUsed",
    "Forbidden", "NoPermission", "isp.RAM_PERMISSION_DENY", "isv.OUT_OF_SERVICE", "isv.PRODUCT_UN_SUBSCRIPT",
    "isv.PRODUCT_UNSUBSCRIBE", "isv.ACCOUNT", "isv.SMS_TEMPLATE_ILLEGAL", "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.AMOUNT_NOT_ENOUGH", "isv.SMS_SIGNATURE_SCENE_ILLEGAL", "isv.TEMPLATE_MISSING_PARAMETERS",
    "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_JSON_PARAM", "MissingParameter",
)  # fmt: skip
_LATER = ("Throttling", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL")


def is_account_trouble(code: str) -> bool:
    """It would be the same for every message: another account may help, trying again does not."""
    return code.startswith(_ACCOUNT_TROUBLE)


def seconds_to_wait(code: str) -> float | None:
    """How long to leave the account alone, None when the code says nothing of the kind."""
    if code.startswith("Throttling"):
        return 2.0
    return 3600.0 if code.startswith(_LATER) else None


def domestic(phone: str) -> str:
    """Mainland numbers without their code, others without the plus sign, as Aliyun wants them."""
    return phone[3:] if phone.startswith("+86") else phone.lstrip("+")


def e164(phone: str) -> str:
    """A number as Aliyun reports it."""
    digits = re.sub(r"\D", "", phone)
    if re.fullmatch(r"1[3-9]\d{9}", digits):
        return f"+86{digits}"
    return f"+{digits.removeprefix('00')}"


def are_networks(text: str) -> bool:
    """Whether this is a list of addresses and networks, with commas between."""
    try:
        _networks(text)
    except ValueError:
        return False
    return True


def may_call(caller: str, allowed: str) -> bool:
    """Whether a call may come from there: from anywhere where none is named, from nowhere where what is named is no network."""
    try:
        networks = _networks(allowed)
        address = ipaddress.ip_address(caller) if networks else None
    except ValueError:
        return False
    return address is None or any(address in network for network in networks)


def _networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip()]


DELIVERED, NOT_DELIVERED = 3, 2
"""SendStatus of QuerySendDetails; 1 is still on its way."""


def told(entry: Mapping[str, Any], question: Question) -> Report | None:
    """One entry of QuerySendDetails; None while Aliyun knows no end, or says nothing that can be read."""
    if entry.get("SendStatus") not in (DELIVERED, NOT_DELIVERED):
        return None
    try:
        at = moment(str(entry["ReceiveDate"]))
    except (KeyError, ValueError):
        at = question.sent_at
    code = str(entry.get("ErrCode") or "")
    return Report(question.reference, question.to, entry["SendStatus"] == DELIVERED, code, at)


def report(entry: Mapping[str, Any]) -> Report:
    """One entry of the push SmsReport. Raises KeyError, ValueError."""
    return Report(
        reference=str(entry["biz_id"]),
        to=e164(str(entry["phone_number"])),
        is_delivered=entry["success"] is True,
        code=str(entry.get("err_code", "")),
        at=moment(str(entry["report_time"])),
        out_key=str(entry.get("out_id") or ""),
        text=str(entry.get("err_msg", "")),
    )


def reply(entry: Mapping[str, Any]) -> Reply:
    """One entry of the push SmsUp. Raises KeyError, ValueError."""
    return Reply(
        key=str(entry["sequence_id"]),
        sender=e164(str(entry["phone_number"])),
        text=str(entry["content"]),
        at=moment(str(entry["send_time"])),
    )


def moment(text: str) -> dt.datetime:
    """Aliyun's times are Beijing's, without saying so."""
    return dt.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE).astimezone(dt.UTC)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_ADJACENT = re.compile(r"\$\{[a-z0-9_]+\}\s*\$\{")


def has_adjacent_variables(body: str) -> bool:
    """Two variables side by side, which could say anything."""
    return _ADJACENT.search(body) is not None


def has_link(body: str) -> bool:
    return re.search(r"https?://|www\.", body, re.IGNORECASE) is not None
