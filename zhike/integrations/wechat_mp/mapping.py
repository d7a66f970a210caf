"""WeChat's words and ours. Pure.

A wording for a template is written as the template is filled: one line for each of its keywords, ``thing1：${name}``. A line
``url：${link}`` names the page that a tap opens.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from zhike.messaging.ports import Report

_LINE = re.compile(r"([a-z_]+\d{1,3})\s*[：:]\s*(.*\S)\s*")
_URL = re.compile(r"url\s*[：:]\s*(\S+)\s*")
_KINDS = {
    "thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "time": 24, "date": 24, "amount": 16,
    "phone_number": 17, "car_number": 8, "name": 10, "phrase": 5, "const": 20, "keyword": 200,
}  # fmt: skip
"""How many characters WeChat takes for each kind of keyword; ``keyword`` is that of templates from before these limits."""

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
    lines = [line for line in body.splitlines() if line.strip()]
    is_filled = all(_URL.fullmatch(line) or _kind_of(line) in _KINDS for line in lines)
    if not is_filled or not any(_kind_of(line) for line in lines):
        found.append("wechat_lines")
    return found


def data(text: str) -> dict[str, dict[str, str]]:
    """What fills a template, from a wording with its values; longer than WeChat takes is cut."""
    found = {}
    for line in text.splitlines():
        match = None if _URL.fullmatch(line) else _LINE.fullmatch(line)
        if match:
            keyword, value = match.groups()
            limit = _KINDS.get(keyword.rstrip("0123456789"), 20)
            found[keyword] = {"value": value if len(value) <= limit else value[: limit - 1] + "…"}
    return found


def url(text: str) -> str:
    """The page that a tap opens, "" when the wording names none."""
    return next((match.group(1) for line in text.splitlines() if (match := _URL.fullmatch(line))), "")


def _kind_of(line: str) -> str:
    match = _LINE.fullmatch(line)
    return match.group(1).rstrip("0123456789") if match else ""


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
