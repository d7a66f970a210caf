"""WeChat's words and ours. Pure. How wordings fill templates: ``shared.keywords``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from zhike.integrations.shared.keywords import data, fills_keywords, url
from zhike.messaging.ports import Report

__all__ = ["data", "url"]

OLD_TOKEN = frozenset({40001, 40014, 42001})
"""Error codes of a token that is over or was replaced: get another and try once more."""
_WAITS = {-1: 5.0, 45009: 3600.0, 45011: 60.0, 43108: 5.0}
"""Busy, the day's quota used up, too many a minute, two at once to one person."""
_ACCOUNT_TROUBLE = frozenset({40013, 40125, 40036, 40037, 41002, 41004, 48001, 50001, 61004, 40164, 43107})
"""A wrong appid or secret, a template that is none, an address that is not on WeChat's list, a capability taken away."""


def seconds_to_wait(code: int) -> float | None:
    return _WAITS.get(code)


def is_account_trouble(code: int) -> bool:
    """It would be the same for every message: another account may help, trying again does not."""
    return code in _ACCOUNT_TROUBLE


def lint(body: str, kind: str) -> list[str]:
    """Offers are not what WeChat lets service accounts send in this way; every line must fill a keyword that exists."""
    found = ["wechat_no_offers"] if kind == "marketing" else []
    if not fills_keywords(body):
        found.append("wechat_lines")
    return found


def report(event: Mapping[str, str]) -> Report:
    """TEMPLATESENDJOBFINISH. Raises KeyError, ValueError."""
    status = event["Status"]
    return Report(
        reference=str(int(event["MsgID"])),
        to=event["FromUserName"],
        is_delivered=status == "success",
        code="DELIVERED" if status == "success" else status,
        at=moment(event),
    )


def moment(event: Mapping[str, str]) -> dt.datetime:
    """Raises KeyError, ValueError, OverflowError."""
    return dt.datetime.fromtimestamp(int(event["CreateTime"]), dt.UTC)
