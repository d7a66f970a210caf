"""Wordings: their variables, how long they are, what they cost. Pure.

Length: a Chinese text message of up to 70 characters is one part, a longer one is charged in parts of 67, the signature
included (Aliyun's and Tencent's rule for domestic messages).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ONE_PART = 70
EACH_PART = 67
LENGTH_MAX = 500
REFUSAL = "拒收请回复R"
"""How a commercial text message says that it can be refused."""

_VARIABLE = re.compile(r"\$\{([a-z][a-z0-9_]{0,29})\}")
_PATH = r"/m/[A-Za-z0-9/_\-.]*"
_MALFORMED = re.compile(r"\$\{(?![a-z][a-z0-9_]{0,29}\})")


@dataclass(frozen=True, slots=True)
class Length:
    """``cost`` is in thousandths of a fen."""

    characters: int
    parts: int
    cost: int


def variables(body: str) -> tuple[str, ...]:
    """The names in a wording, in the order in which each first stands in it."""
    return tuple(dict.fromkeys(_VARIABLE.findall(body)))


def render(body: str, values: Mapping[str, str]) -> str:
    """The wording with its values; a name without one stays as it is, and ``missing`` tells of it."""
    return _VARIABLE.sub(lambda found: values.get(found.group(1), found.group()), body)


def missing(body: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """The names that no value was given for."""
    return tuple(name for name in variables(body) if not values.get(name))


def ordered(body: str, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The values of a wording in its order, as vendors who count their variables want them."""
    return tuple((name, values.get(name, "")) for name in variables(body))


def own_path(text: str, house: str) -> str:
    """The path of the first link to the house's own pages in a text, "" when there is none."""
    found = re.search(re.escape(house) + _PATH, text) if house else None
    return found.group()[len(house) :] if found else ""


def without_links(text: str, house: str) -> str:
    """A text for a notification, which is a link itself: without links to the house's own pages."""
    return re.sub(rf"[ \u3000]*{re.escape(house)}{_PATH}", "", text).strip() if house else text


def parts(text: str) -> int:
    """How many text messages this is, the signature included."""
    count = len(text)
    return 1 if count <= ONE_PART else -(-count // EACH_PART)


def length(text: str, price: int) -> Length:
    """``price`` is fen for a thousand parts, so one part costs ``price`` thousandths of a fen."""
    needed = parts(text)
    return Length(len(text), needed, needed * price)


def faults(body: str, channel: str, kind: str) -> list[str]:
    """What is wrong with a wording whoever sends it: codes, worst first."""
    found = []
    if not body.strip():
        found.append("empty")
    if _MALFORMED.search(body):
        found.append("malformed_variable")
    if channel == "sms" and len(body) > LENGTH_MAX:
        found.append("too_long")
    if channel == "sms" and "【" in body:
        found.append("signature_in_text")
    if channel == "sms" and kind == "marketing" and REFUSAL not in body:
        found.append("no_way_to_refuse")
    return found


def best_language(wanted: str, offered: Sequence[str], house: str) -> str | None:
    """The language to write in: the person's own, its nearest kin, the house's, or the only one there is."""
    if wanted in offered:
        return wanted
    kin = next((one for one in offered if wanted and one.split("-")[0] == wanted.split("-")[0]), None)
    return kin or (house if house in offered else next(iter(offered), None))
