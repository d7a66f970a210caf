"""What a program can say of a conversation without judging it: times, greetings, numbers that were given away. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

GREETINGS = ("您好", "你好", "早上好", "上午好", "中午好", "下午好", "晚上好", "欢迎")
FAREWELLS = ("祝您", "再见", "感谢您", "谢谢您", "不客气", "随时联系", "还有什么可以帮", "很高兴为您服务")
ASKED = ("核实", "验证", "核对", "后四位", "校验", "证件", "本人")
_PERSONAL = re.compile(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dXx]|\d{16,19})(?!\d)")
"""A mobile number, an identity card number, the number of a bank card."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a conversation as the facts need it; ``kind`` and ``what`` as messages and events have them."""

    number: int
    kind: str
    author_kind: str
    audience: str
    text: str
    what: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """``state`` is good, bad or plain (only said, nothing to hold it against); ``numbers`` are the messages it is about."""

    code: str
    state: str
    value: int | None = None
    numbers: tuple[int, ...] = ()


def facts(said: Sequence[Said], answer_within_s: int, words: Sequence[int], csat: int | None) -> list[Fact]:
    """Every fact of a conversation; ``words`` are messages with a watched word of ours, ``csat`` the member's score (1 to 5)."""
    spoken = [one for one in said if one.audience == "member" and one.kind != "event"]
    ours = [one for one in spoken if one.author_kind == "staff"]
    found = [_first_answer(said, ours, answer_within_s), _longest_wait(spoken)]
    found.append(_holds("greeting", ours[:1], GREETINGS))
    found.append(_holds("farewell", ours[-2:], FAREWELLS))
    found.append(_identity(ours))
    found.append(Fact("watched_words", "bad" if words else "good", len(words), tuple(words)))
    if csat is not None:
        found.append(Fact("satisfaction", "plain", csat))
    return found


def _first_answer(said: Sequence[Said], ours: Sequence[Said], within_s: int) -> Fact:
    """From when it was handed to people (or, where it never was, from the first word) to the first word of ours, in seconds."""
    begun = next((one for one in said if one.kind == "event" and one.what == "queued"), None)
    begun = begun or next((one for one in said if one.author_kind == "member"), None)
    if begun is None or not ours:
        return Fact("first_answer", "bad" if begun else "plain")
    waited = int((ours[0].at - begun.at).total_seconds())
    return Fact("first_answer", "good" if waited <= within_s else "bad", waited, (ours[0].number,))


def _longest_wait(spoken: Sequence[Said]) -> Fact:
    """The longest time between a word of the member and our next one, after our first, in seconds."""
    longest: tuple[int, tuple[int, ...]] = (0, ())
    asked: Said | None = None
    begun = False
    for one in spoken:
        if one.author_kind == "staff":
            if begun and asked is not None:
                longest = max(longest, (int((one.at - asked.at).total_seconds()), (asked.number, one.number)))
            begun, asked = True, None
        elif one.author_kind == "member" and asked is None:
            asked = one
    return Fact("longest_wait", "plain", *longest)


def _holds(code: str, rows: Sequence[Said], words: Sequence[str]) -> Fact:
    hit = next((one for one in rows if any(word in one.text for word in words)), None)
    if hit is not None:
        return Fact(code, "good", 1, (hit.number,))
    return Fact(code, "bad" if rows else "plain", 0, tuple(one.number for one in rows[:1]))


def _identity(ours: Sequence[Said]) -> Fact:
    """Whether we wrote a personal number, and whether who it is had been asked before."""
    told = next((one for one in ours if _PERSONAL.search(one.text)), None)
    if told is None:
        return Fact("identity", "plain")
    asked = next(
        (one for one in ours if one.number < told.number and any(word in one.text for word in ASKED)), None
    )
    numbers = (asked.number, told.number) if asked else (told.number,)
    return Fact("identity", "good" if asked else "bad", 1 if asked else 0, numbers)
