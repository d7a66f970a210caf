"""Wordings for WeChat's templates: one line for each keyword, ``thing1：${name}``; ``url：${link}`` names what a tap opens. Pure."""

from __future__ import annotations

import re

_LINE = re.compile(r"([a-z_]+\d{1,3})\s*[：:]\s*(.*\S)\s*")
_URL = re.compile(r"url\s*[：:]\s*(\S+)\s*")
_KINDS = {
    "thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "time": 24, "date": 24, "amount": 16,
    "phone_number": 17, "car_number": 8, "name": 10, "phrase": 5, "const": 20, "keyword": 200,
}  # fmt: skip
"""How many characters WeChat takes for each kind of keyword; ``keyword`` is that of templates from before these limits."""


def fills_keywords(body: str) -> bool:
    """Whether every line fills a keyword that exists, or names the page."""
    lines = [line for line in body.splitlines() if line.strip()]
    is_filled = all(_URL.fullmatch(line) or _kind_of(line) in _KINDS for line in lines)
    return is_filled and any(_kind_of(line) for line in lines)


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
