"""What a note says of a member: tags its sentences speak for, each with the sentence. Pure.

A word list with denials; it proposes, and a person decides. How often it is right is measured in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zhike.clienteling.rules.lexicon import CONCEPTS, DENIALS, OTHERS, SENSITIVE

TEXT_MAX = 1_000
PROPOSALS_MAX = 6
DENIAL_REACH = 4
SOURCES = ("typed", "voice")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]?")
_CLAUSE = re.compile(r"[^，,、。！？!?；;\n\s]+")
_SIZE = re.compile(
    r"(?:穿|买|要|拿)?(?P<size>(?:[XxＸ]{0,3}[SsLlMm])|(?:3[4-9]|4[0-6]))\s?(?:码|号)(?!楼|线|柜)"
)
_FILLERS = re.compile(r"(?:嗯+|呃+|那个那个|这个这个|就是说)[，,]?")
NAMES_LENGTH_MIN = 2


@dataclass(frozen=True, slots=True)
class Proposed:
    """A tag's name, the word that spoke for it, and where its sentence stands in the text."""

    name: str
    why: str
    begin: int
    end: int


def cleaned(text: str, source: str) -> str:
    """As kept: lines and spaces tidied; of a transcript the fillers of speech are left out."""
    lines = [" ".join(line.split()) for line in text.replace("\r", "").split("\n")]
    whole = "\n".join(line for line in lines if line)
    return _FILLERS.sub("", whole) if source == "voice" else whole


def sensitive_words(text: str) -> list[str]:
    """Words that must not be written of a member here."""
    return [word for word in SENSITIVE if word in text]


def proposals(text: str, tag_names: Iterable[str] = ()) -> list[Proposed]:
    """Tags that the text speaks for, in the order of the text, each once. ``tag_names`` are the mall's own."""
    own = [(name, (name,)) for name in tag_names if len(name) >= NAMES_LENGTH_MIN]
    concepts = [*CONCEPTS, *(pair for pair in own if pair[0] not in dict(CONCEPTS))]
    found: dict[str, Proposed] = {}
    for sentence in _SENTENCE.finditer(text):
        begin, end = _trimmed(text, sentence.start(), sentence.end())
        for name, why in _of_sentence(text[begin:end], concepts):
            found.setdefault(name, Proposed(name, why, begin, end))
    return list(found.values())[:PROPOSALS_MAX]


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    return begin, end


def _of_sentence(sentence: str, concepts: list[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
    for clause in _CLAUSE.findall(sentence):
        if any(word in clause for word in OTHERS):
            continue
        for name, words in concepts:
            if word := next((word for word in words if _says(clause, word)), ""):
                yield name, word
        if (size := _SIZE.search(clause)) and not _is_denied(clause, size.start("size")):
            yield f"尺码{size['size'].upper()}", size[0]


def _says(clause: str, word: str) -> bool:
    at = clause.find(word)
    while at >= 0:
        if not _is_denied(clause, at):
            return True
        at = clause.find(word, at + 1)
    return False


def _is_denied(clause: str, at: int) -> bool:
    """Whether a no stands shortly before; 不错 and 没想到 and 不仅 are none, and a double no is a yes."""
    before = clause[max(0, at - DENIAL_REACH) : at]
    for kind in ("不错", "没想到", "不仅", "不光", "特别", "别的", "差不多", "不得不", "没少", "离不开"):
        before = before.replace(kind, "")
    return any(word in before for word in DENIALS)
