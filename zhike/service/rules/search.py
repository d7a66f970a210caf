"""Finding articles: BM25 over words, and by pinyin. Pure; whoever calls splits the text into words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

K1, B = 1.2, 0.75
"""The usual constants of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""
TITLE_WEIGHT, QUESTION_WEIGHT = 3, 2


@dataclass(frozen=True, slots=True)
class Index:
    """Documents by place: how often each word is in them, how long they are, in how many each word is."""

    ids: tuple[int, ...]
    counts: tuple[Mapping[str, int], ...]
    lengths: tuple[int, ...]
    spread: Mapping[str, int]

    @property
    def mean_length(self) -> float:
        return sum(self.lengths) / len(self.lengths) if self.lengths else 1.0


def build(documents: Iterable[tuple[int, Sequence[str]]]) -> Index:
    """Of (id, words); a word that weighs more stands there more often."""
    ids, counts, lengths = [], [], []
    spread: Counter[str] = Counter()
    for pk, words in documents:
        count = Counter(words)
        ids.append(pk)
        counts.append(count)
        lengths.append(len(words))
        spread.update(count.keys())
    return Index(tuple(ids), tuple(counts), tuple(lengths), spread)


def search(index: Index, words: Sequence[str], limit: int = 10) -> list[tuple[int, float]]:
    """(id, score) of what fits, the best first."""
    many, mean = len(index.ids), index.mean_length
    found = []
    for place, pk in enumerate(index.ids):
        score = 0.0
        for word in set(words):
            often = index.counts[place].get(word, 0)
            if often:
                rare = math.log(1 + (many - index.spread[word] + 0.5) / (index.spread[word] + 0.5))
                length = K1 * (1 - B + B * index.lengths[place] / mean)
                score += rare * often * (K1 + 1) / (often + length)
        if score > 0:
            found.append((pk, score))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]


def is_pinyin(text: str) -> bool:
    """Whether a query is typed in Latin letters only: "jifen", "tuihuo", "yysj"."""
    plain = text.replace(" ", "").replace("'", "")
    return len(plain) >= 2 and plain.isascii() and plain.isalpha()


@lru_cache(maxsize=4_096)
def pinyin(text: str) -> tuple[str, str]:
    """The syllables of a text in a row, and their first letters."""
    from pypinyin import lazy_pinyin

    syllables = [one.lower() for one in lazy_pinyin(text) if one.isascii() and one.isalnum()]
    return "".join(syllables), "".join(one[0] for one in syllables)


def sounds_like(query: str, text: str) -> bool:
    """Whether a query in pinyin, whole or by first letters, is in the sound of a text."""
    wanted = query.replace(" ", "").replace("'", "").lower()
    whole, firsts = pinyin(text)
    return wanted in whole or wanted in firsts
