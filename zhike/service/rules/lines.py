"""Through which doors customers come and how long they may be answered there; how threads are told apart. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable

CHANNELS = ("app", "email", "wechat")
THREADED = frozenset({"email"})
"""Where one person may have several live conversations, one for each matter."""
TITLE_MAX = 200
TEXT_MAX = 20_000
FOLDED_MAX = 20_000
BOT_ANSWERS_MAX = 3
"""So often the assistant answers in a threaded conversation; two programs that write to each other stop here."""
RETRIES = (1, 5, 15, 60, 240)
"""Minutes between tries to hand an answer over."""
CHECK_AGAIN = (1, 2, 5, 15, 60)
"""Minutes until a line that failed is tried again."""
MEDIA_TRIES = 5

_OURS = re.compile(r"zk\.([0-9a-z]{1,13})\.([0-9a-z]{1,7})\.([0-9a-f]{24})")
_TAG = re.compile(r"zk-([0-9a-z]{1,13})-([0-9a-f]{24})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def reference(secret: bytes, conversation_id: int, number: int) -> str:
    """Our name for an answer. It says which conversation it belongs to, under a signature (HMAC-SHA-256, cut to 96 bits)."""
    text = f"{_short(conversation_id)}.{_short(number)}"
    return f"zk.{text}.{_signature(secret, text)}"


def return_mark(secret: bytes, conversation_id: int) -> str:
    """What a reply address carries to lead back to its conversation, signed in the same way."""
    text = _short(conversation_id)
    return f"zk-{text}-{_signature(secret, 'to.' + text)}"


def conversation_of(secret: bytes, names: Iterable[str]) -> int | None:
    """The conversation that a name of ours leads to; the last name counts most. None when no signature is right."""
    for name in reversed(list(names)):
        found = _OURS.search(name)
        if found and _is_signed(secret, f"{found[1]}.{found[2]}", found[3]):
            return int(found[1], 36)
        tag = _TAG.search(name)
        if tag and _is_signed(secret, f"to.{tag[1]}", tag[2]):
            return int(tag[1], 36)
    return None


def own_name(secret: bytes, text: str) -> str:
    """The name in a text that only we can have given, as it was given; "" when there is none."""
    found = _OURS.search(text)
    return found[0] if found and _is_signed(secret, f"{found[1]}.{found[2]}", found[3]) else ""


def closed_since(
    heard_at: dt.datetime,
    answers: int,
    open_for: dt.timedelta | None,
    answers_max: int | None,
    now: dt.datetime,
) -> str:
    """Why we may not answer now: "time" or "count"; "" when we may."""
    if open_for is not None and now - heard_at > open_for:
        return "time"
    return "count" if answers_max is not None and answers >= answers_max else ""


def next_try(tries: int, now: dt.datetime) -> dt.datetime | None:
    """When to hand over again after so many tries; None when it is enough."""
    return now + dt.timedelta(minutes=RETRIES[tries - 1]) if 0 < tries <= len(RETRIES) else None


def next_check(failures: int, now: dt.datetime) -> dt.datetime:
    """When to look into a line again that failed so many times in a row."""
    return now + dt.timedelta(minutes=CHECK_AGAIN[min(max(failures, 1), len(CHECK_AGAIN)) - 1])


def _short(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def _signature(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:24]


def _is_signed(secret: bytes, text: str, given: str) -> bool:
    return hmac.compare_digest(_signature(secret, text), given)
