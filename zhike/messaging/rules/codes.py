"""One-time codes: how many, how long, how often. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CODE_DIGITS = 6
VALID_FOR = dt.timedelta(minutes=10)
TRIES_MAX = 5
PAUSE = dt.timedelta(minutes=1)
WINDOW = dt.timedelta(hours=1)
CODES_PER_WINDOW_MAX = 5

PURPOSES = ("log_in", "enroll", "verify_phone", "confirm_redemption")

Verdict = Literal["right", "wrong", "expired", "too_many_tries"]


@dataclass(frozen=True, slots=True)
class SentCode:
    """What is known of the latest code: ``is_right`` says whether what was typed matches it."""

    expires_at: dt.datetime
    tries: int
    is_used: bool
    is_right: bool


def wait_before_code(sent_at: Sequence[dt.datetime], now: dt.datetime) -> dt.timedelta:
    """How long until a phone may get another code, given when it got those of the last hour; zero when now."""
    recent = sorted(at for at in sent_at if at > now - WINDOW)
    waits = [dt.timedelta()]
    if recent:
        waits.append(recent[-1] + PAUSE - now)
    if len(recent) >= CODES_PER_WINDOW_MAX:
        waits.append(recent[-CODES_PER_WINDOW_MAX] + WINDOW - now)
    return max(waits)


def judge(code: SentCode | None, now: dt.datetime) -> Verdict:
    """A used code is as wrong as any other, so that a replay learns nothing."""
    if code is None or code.is_used:
        return "wrong"
    if now >= code.expires_at:
        return "expired"
    if code.tries >= TRIES_MAX:
        return "too_many_tries"
    return "right" if code.is_right else "wrong"
