"""Tencent's words and ours, and what it does not let through. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from zhike.messaging.ports import Question, Reply, Report

ZONE = ZoneInfo("Asia/Shanghai")
_ACCOUNT_TROUBLE = (
    "AuthFailure", "UnauthorizedOperation", "InvalidAction", "MissingParameter", "UnsupportedOperation",
    "FailedOperation.InsufficientBalanceInSmsPackage", "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.TemplateIncorrectOrUnapproved", "FailedOperation.TemplateUnapprovedOrNotExist",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "FailedOperation.ContainSensitiveWord",
    "InvalidParameterValue.SdkAppIdNotExist", "InvalidParameterValue.TemplateParameterFormatError",
)  # fmt: skip
_BANNED = re.compile(
    r"优惠券|代金券|积分(?:领取|兑换|换)|抽奖|中奖|返现|返利|召回|老用户回归|拉新|邀请.{0,4}到店|恭候|公众号|小程序|问卷|"
    r"美容|医美|白酒|红酒|酒水|医疗|贷款"
)
"""Content that Tencent bans from templates of every type (as of 2025-06): coupons, points to fetch or change, draws,
cashback, winning back and inviting, its own accounts and mini-programs, surveys, beauty, alcohol, medicine."""


def is_account_trouble(code: str) -> bool:
    """It would be the same for every message: another account may help, trying again does not."""
    return code.startswith(_ACCOUNT_TROUBLE)


def seconds_to_wait(code: str) -> float | None:
    """How long to leave the account alone, None when the code says nothing of the kind."""
    if code.startswith("RequestLimitExceeded"):
        return 2.0
    if code == "LimitExceeded.AppDailyLimit" or code.startswith("LimitExceeded.AppMainland"):
        return 3600.0
    return None


def is_banned(body: str) -> bool:
    """Whether a wording would be refused for what it offers."""
    return _BANNED.search(body) is not None


def report(entry: Mapping[str, Any]) -> Report:
    """One entry of the status callback. Raises KeyError, ValueError."""
    at = dt.datetime.fromisoformat(str(entry["user_receive_time"]))
    return Report(
        reference=str(entry["sid"]),
        to=f"+{entry['nationcode']}{entry['mobile']}",
        is_delivered=entry["report_status"] == "SUCCESS",
        code=str(entry.get("errmsg", "")),
        at=at.replace(tzinfo=ZONE).astimezone(dt.UTC),
        text=str(entry.get("description", "")),
    )


def told(entry: Mapping[str, Any], question: Question) -> Report | None:
    """One entry of PullSmsSendStatus; None while Tencent knows no end, or says nothing that can be read."""
    if entry.get("ReportStatus") not in ("SUCCESS", "FAIL"):
        return None
    try:
        at = dt.datetime.fromtimestamp(int(entry["UserReceiveTime"]), dt.UTC)
    except (KeyError, ValueError, OverflowError, TypeError):
        at = question.sent_at
    is_delivered = entry["ReportStatus"] == "SUCCESS"
    code = "DELIVRD" if is_delivered else str(entry.get("Description") or "FAIL")
    return Report(question.reference, question.to, is_delivered, code, at)


def reply(entry: Mapping[str, Any]) -> Reply:
    """The reply callback, which bears no number of its own: who wrote what when tells one from another.

    Raises KeyError, ValueError.
    """
    sender = f"+{entry['nationcode']}{entry['mobile']}"
    time, text = int(entry["time"]), str(entry["text"])
    key = hashlib.sha256(f"{sender}|{time}|{text}".encode()).hexdigest()
    return Reply(key=key, sender=sender, text=text, at=dt.datetime.fromtimestamp(time, dt.UTC))


_ADJACENT = re.compile(r"\$\{[a-z0-9_]+\}\s*\$\{")


def has_adjacent_variables(body: str) -> bool:
    """Two variables side by side, which could say anything."""
    return _ADJACENT.search(body) is not None
