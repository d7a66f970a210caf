"""Surveys: their questions, when people are asked, who may be asked, and what the answers add up to. Pure.

NPS is the share of 9 and 10 less the share of 0 to 6 (Reichheld 2003); its interval is the normal one of a difference of
multinomial shares. CSAT is the share of 4 and 5 of 5 with Wilson's interval. CES is the mean of 1 to 7.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

Kind = Literal["csat", "nps", "ces"]
SCALES: dict[str, tuple[int, int]] = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}
LOW: dict[str, int] = {"csat": 2, "nps": 6, "ces": 3}
"""Scores up to here are somebody's task."""
HIGH: dict[str, int] = {"csat": 5, "nps": 9, "ces": 6}
TRIGGERS = ("ticket", "sample", "link")
PLACES = ("store", "floor", "restroom", "till", "goods", "service")
QUESTIONS = ("choice", "many", "text", "score")
QUESTIONS_MAX, OPTIONS_MAX, TEXT_MAX = 12, 12, 500
Z95 = 1.959963984540054


class BadQuestions(ValueError):
    """``place`` is the question, from 1 (0: the survey itself)."""

    def __init__(self, place: int) -> None:
        super().__init__(str(place))
        self.place = place


def checked_questions(questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Questions after the first (the score itself): {"type", "text", "options", "required"}. Raises BadQuestions."""
    if len(questions) > QUESTIONS_MAX:
        raise BadQuestions(0)
    clean = []
    for place, one in enumerate(questions, start=1):
        kind, words = str(one.get("type", "")), " ".join(str(one.get("text", "")).split())
        options = [" ".join(str(option).split()) for option in one.get("options", ())]
        options = [option for option in options if option]
        needs_options = kind in ("choice", "many")
        if kind not in QUESTIONS or not 0 < len(words) <= 120 or needs_options != bool(options):
            raise BadQuestions(place)
        if needs_options and (not 2 <= len(options) <= OPTIONS_MAX or len(set(options)) != len(options)):
            raise BadQuestions(place)
        if any(len(option) > 40 for option in options):
            raise BadQuestions(place)
        clean.append({"type": kind, "text": words, "options": options, "required": bool(one.get("required"))})
    return clean


def checked_answers(
    questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Answers by the question's number as text, cleaned; None when one is missing or does not fit."""
    clean: dict[str, Any] = {}
    for place, one in enumerate(questions):
        given = answers.get(str(place))
        value = _answer(one, given)
        if value is None:
            if given not in (None, "", []) or one["required"]:
                return None
            continue
        clean[str(place)] = value
    return clean


def _answer(question: Mapping[str, Any], given: Any) -> Any:
    kind = question["type"]
    if kind == "text":
        words = str(given or "").strip()
        return words[:TEXT_MAX] or None
    if kind == "score":
        return int(given) if str(given).isdecimal() and 1 <= int(given) <= 5 else None
    if kind == "choice":
        return given if given in question["options"] else None
    chosen = [option for option in question["options"] if option in (given or ())]
    return chosen if chosen and len(chosen) == len(set(given)) else None


# --- when ----------------------------------------------------------------------------------------------------------

DAY_BEGINS, DAY_ENDS = dt.time(9), dt.time(20, 30)
ASK_AFTER = dt.timedelta(minutes=10)


def in_daytime(moment: dt.datetime, zone: str) -> dt.datetime:
    """The moment itself between 9:00 and 20:30 of the mall, otherwise the next morning at nine: nobody is asked at night."""
    local = moment.astimezone(ZoneInfo(zone))
    if DAY_BEGINS <= local.time() <= DAY_ENDS:
        return moment
    day = local.date() + dt.timedelta(days=int(local.time() > DAY_ENDS))
    return dt.datetime.combine(day, DAY_BEGINS, local.tzinfo).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class Times:
    """When to ask, when to remind (None: there is no time for it inside the window), and when it is over."""

    ask_at: dt.datetime
    remind_at: dt.datetime | None
    ends_at: dt.datetime


def times(since: dt.datetime, zone: str, window_days: int, remind_after_days: int) -> Times:
    """The window begins when people are asked; the reminder comes once, by day, and never after the window."""
    ask_at = in_daytime(since, zone)
    ends_at = ask_at + dt.timedelta(days=window_days)
    remind_at = None
    if remind_after_days:
        wanted = in_daytime(ask_at + dt.timedelta(days=remind_after_days), zone)
        remind_at = wanted if wanted < ends_at else None
    return Times(ask_at, remind_at, ends_at)


def is_in_sample(survey_id: int, wave: str, person_id: int, percent: int) -> bool:
    """A fair, repeatable draw: the same people in the same wave, others in the next."""
    digest = hashlib.sha256(f"{survey_id}/{wave}/{person_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % 10_000 < percent * 100


# --- figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` is NPS (−100 to 100), CSAT (share of 0 to 1) or the mean CES, with its 95 % interval; None without answers."""

    kind: str
    count: int
    value: float | None
    low: float | None
    high: float | None
    mean: float | None


def score_of(kind: str, counts: Mapping[int, int]) -> Score:
    """From how often each score was given."""
    total = sum(counts.values())
    if not total:
        return Score(kind, 0, None, None, None, None)
    mean = sum(score * n for score, n in counts.items()) / total
    if kind == "nps":
        up = sum(n for score, n in counts.items() if score >= 9) / total
        down = sum(n for score, n in counts.items() if score <= 6) / total
        half = Z95 * math.sqrt(max(0.0, up + down - (up - down) ** 2) / total)
        value = up - down
        return Score(kind, total, 100 * value, 100 * max(-1, value - half), 100 * min(1, value + half), mean)
    if kind == "csat":
        good = sum(n for score, n in counts.items() if score >= 4)
        low, high = wilson(good, total)
        return Score(kind, total, good / total, low, high, mean)
    spread = sum(n * (score - mean) ** 2 for score, n in counts.items()) / max(1, total - 1)
    half = Z95 * math.sqrt(spread / total)
    return Score(kind, total, mean, max(1.0, mean - half), min(7.0, mean + half), mean)


def wilson(good: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): honest for few answers and for shares near 0 and 1."""
    share, z2 = good / total, Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def verdict(kind: str, score: int) -> Literal["low", "high", ""]:
    return "low" if score <= LOW[kind] else "high" if score >= HIGH[kind] else ""
