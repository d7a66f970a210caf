"""Words that should be looked at, found in whatever disguise: spaced out, full width, by another character, in pinyin. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CATEGORIES = ("abuse", "threat", "safety", "promise", "aside", "privacy")
SEVERITIES = ("notice", "serious")
SPEAKERS = ("both", "member", "staff")
VERDICTS = ("upheld", "harmless")
TERM_MAX = 40
TERMS_MAX = 200
HOMOPHONE_MIN = 3
"""Characters from which on other characters of the same sound count: of two, too many pairs sound alike."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A text without what hides words: ``places`` says where each character stood."""

    text: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What is looked for; ``sound`` are its syllables without tones, separated by spaces ("" when it is not Chinese)."""

    term: str
    folded: str
    sound: str
    category: str
    severity: str
    speaker: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A word with where it stands in the text as it was written, [start, end)."""

    word: Word
    start: int
    end: int


def fold(text: str) -> Folded:
    """Half width, small letters, only letters and digits: 投 。诉, ＡＢ and a b become 投诉, ab and ab."""
    kept, places = [], []
    for place, letter in enumerate(text):
        for plain in unicodedata.normalize("NFKC", letter).lower():
            if plain.isalnum():
                kept.append(plain)
                places.append(place)
    return Folded("".join(kept), tuple(places))


def is_han(letter: str) -> bool:
    return "\u3400" <= letter <= "\u9fff"


def hits(text: Folded, sounds: Sequence[str], words: Iterable[Word], speaker: str) -> list[Hit]:
    """Every watched word once, where it stands first. ``sounds`` has the syllable of each Chinese character of the folded
    text, and other characters as they are.
    """
    found = []
    spoken = "".join(sounds)
    begins: dict[int, int] = {}
    place = 0
    for index, sound in enumerate(sounds):
        begins[place] = index
        place += len(sound)
    begins[place] = len(sounds)
    for word in words:
        if word.speaker not in ("both", speaker):
            continue
        span = _plain(text.text, word) or _by_sound(text.text, spoken, begins, word)
        if span is not None:
            found.append(Hit(word, text.places[span[0]], text.places[span[1] - 1] + 1))
    return sorted(found, key=lambda hit: (hit.start, hit.end))


def _plain(text: str, word: Word) -> tuple[int, int] | None:
    at = text.find(word.folded)
    return None if at < 0 else (at, at + len(word.folded))


def _by_sound(text: str, spoken: str, begins: dict[int, int], word: Word) -> tuple[int, int] | None:
    """The same syllables, beginning and ending where characters do; short words only when written in letters."""
    sound = word.sound.replace(" ", "")
    if not sound:
        return None
    at = spoken.find(sound)
    while at >= 0:
        first, last = begins.get(at), begins.get(at + len(sound))
        if first is not None and last is not None:
            in_letters = any(not is_han(letter) for letter in text[first:last])
            if in_letters or len(word.folded) >= HOMOPHONE_MIN:
                return first, last
        at = spoken.find(sound, at + 1)
    return None


def gravest(found: Sequence[Hit]) -> Word:
    """The word by which an alert is ranked."""
    return max(found, key=lambda hit: SEVERITIES.index(hit.word.severity)).word


def pieces(text: str, marks: Sequence[Sequence[int]], around: int = 40) -> list[tuple[str, bool]]:
    """The sentence around the marks in pieces, each with whether it is marked."""
    first, last = min(start for start, _end in marks), max(end for _start, end in marks)
    begin, until = max(0, first - around), min(len(text), last + around)
    found: list[tuple[str, bool]] = [("…", False)] if begin else []
    at = begin
    for start, end in sorted(marks):  # type: ignore[type-var]
        if start > at:
            found.append((text[at:start], False))
        if end > at:
            found.append((text[max(at, start) : end], True))
        at = max(at, end)
    found.append((text[at:until] + ("…" if until < len(text) else ""), False))
    return [piece for piece in found if piece[0]]


USUAL: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("abuse", "notice", "member", ("骗子", "垃圾商场", "什么玩意", "不要脸")),
    ("abuse", "serious", "staff", ("爱买不买", "你自己看", "没空理你", "闭嘴")),
    ("threat", "serious", "member", ("打12315", "找媒体曝光", "发抖音曝光", "报警", "起诉你们")),
    ("safety", "serious", "member", ("食物中毒", "吃出异物", "摔伤", "被烫伤", "过敏送医")),
    ("promise", "serious", "staff", ("保证退款", "一定赔偿", "绝对没问题", "包您满意")),
    ("aside", "serious", "staff", ("加我私人微信", "转我个人账户", "私下给您", "微信转账给我")),
    ("privacy", "serious", "staff", ("身份证号发我", "验证码发我", "银行卡号")),
)
"""What a mall begins with: (category, severity, speaker, terms)."""
