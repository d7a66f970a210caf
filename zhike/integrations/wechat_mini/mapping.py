"""The mini-program's words and ours. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from zhike.integrations.shared.keywords import fills_keywords
from zhike.messaging.ports import CREDIT_ANSWERS, Report

OLD_TOKEN = frozenset({40001, 40014, 42001})
_WAITS = {-1: 5.0, 45009: 3600.0, 45011: 60.0}
"""Busy, the day's quota used up, too many a minute."""
_ACCOUNT_TROUBLE = frozenset({40013, 40125, 40037, 41002, 41004, 41030, 48001, 50001, 40164})
"""A wrong appid or secret, a template that is none, a page that is none, an address that is not on WeChat's list."""
NO_CREDIT = 43101
"""The member has no acceptance left, or refuses the template altogether."""
POPUP, CHANGE, SENT = "SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent"


def seconds_to_wait(code: int) -> float | None:
    return _WAITS.get(code)


def is_account_trouble(code: int) -> bool:
    """It would be the same for every message: another account may help, trying again does not."""
    return code in _ACCOUNT_TROUBLE


def lint(body: str) -> list[str]:
    return [] if fills_keywords(body) else ["wechat_lines"]


def answers(event: Element, name: str) -> list[tuple[str, str]]:
    """(template, answer) of a popup, or of a change in the settings. Raises ValueError for an answer that we do not know."""
    found = []
    for one in event.findall(f"{name}/List"):
        template, answer = _text(one, "TemplateId"), _text(one, "SubscribeStatusString")
        if not 0 < len(template) <= 60 or answer not in CREDIT_ANSWERS:
            raise ValueError(answer)
        found.append((template, answer))
    return found


def reports(event: Element) -> Sequence[Report]:
    """What became of messages. Raises ValueError."""
    at, to = moment({"CreateTime": _text(event, "CreateTime")}), _text(event, "FromUserName")
    found = []
    for one in event.findall(f"{SENT}/List"):
        is_delivered = _text(one, "ErrorCode") == "0"
        code = "DELIVERED" if is_delivered else _text(one, "ErrorCode")[:20] or "failed"
        found.append(Report(str(int(_text(one, "MsgID"))), to, is_delivered, code, at))
    return found


def moment(event: Mapping[str, str]) -> dt.datetime:
    """Raises KeyError, ValueError, OverflowError."""
    return dt.datetime.fromtimestamp(int(event["CreateTime"]), dt.UTC)


def _text(event: Element, name: str) -> str:
    return (event.findtext(name) or "").strip()
