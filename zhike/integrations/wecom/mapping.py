"""WeCom's words and ours. Pure."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from zhike.messaging.ports import TaskFate

ZONE = ZoneInfo("Asia/Shanghai")
"""WeCom's days and months are China's."""
OLD_TOKEN = frozenset({40014, 42001})
TEXT_BYTES_MAX = 4_000
TRANSFER_MAX = 100
RULES = ("month", "week", "day")
"""How WeCom counts customer messages: as many a month as it has days, 7 a week, or 1 a day."""
_VARIABLE = re.compile(r"\$\{\w+\}")
_WAITS = {-1: 5.0, 45009: 60.0, 45033: 60.0, 6000: 5.0}
"""Busy, too many calls (WeCom then blocks for a minute), too many at once, data taken by another call."""
_FATES = {0: "waiting", 1: "delivered", 2: "failed", 3: "failed"}
_FATE_CODES = {2: "not_a_contact", 3: "vendor_cap"}
_TRANSFERS = {1: "done", 2: "waiting", 3: "refused", 4: "full", 5: "failed"}
_TRANSFER_FAULTS = {"40099": "full", "40128": "guarded", "40129": "guarded", "40100": "guarded"}


def seconds_to_wait(code: int) -> float | None:
    return _WAITS.get(code)


def lint(body: str, kind: str) -> list[str]:
    """One task has one text for everybody in it, and WeCom takes 4,000 bytes."""
    found = ["wecom_same_for_all"] if _VARIABLE.search(body) else []
    if len(body.encode()) > TEXT_BYTES_MAX:
        found.append("too_long")
    return found


def limit(rule: str, now: dt.datetime) -> tuple[dt.datetime, int]:
    """Since when how many messages a customer may get: developer.work.weixin.qq.com/document/path/92135 (November 2025)."""
    day = now.astimezone(ZONE).date()
    since, count = day.replace(day=1), calendar.monthrange(day.year, day.month)[1]
    if rule == "day":
        since, count = day, 1
    elif rule == "week":
        since, count = day - dt.timedelta(days=day.weekday()), 7
    return dt.datetime.combine(since, dt.time(), ZONE), count


def fate(told: Mapping[str, Any]) -> TaskFate:
    """One entry of ``send_list``. Raises KeyError, ValueError."""
    status = int(told["status"])
    at = dt.datetime.fromtimestamp(int(told["send_time"]), dt.UTC) if told.get("send_time") else None
    return TaskFate(str(told["external_userid"]), _FATES[status], _FATE_CODES.get(status, ""), at)


def transfer(status: int) -> str:
    return _TRANSFERS.get(status, "failed")


def transfer_fault(code: str) -> str:
    return _TRANSFER_FAULTS.get(code, "failed")


def moment(event: Mapping[str, str]) -> dt.datetime:
    """Raises KeyError, ValueError, OverflowError."""
    return dt.datetime.fromtimestamp(int(event["CreateTime"]), dt.UTC)
