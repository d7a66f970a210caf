"""What people say in their own words: clauses, a linear model of how content they are and of topics, and figures about it.

Pure. The model is logistic regression over character n-grams weighted by naive Bayes log-count ratios (Wang and Manning
2012), one against the rest; it is trained elsewhere and only applied here, with nothing but the standard library.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from zhike.service.rules.intents import utterances

SENTIMENTS = ("positive", "neutral", "negative")
SOURCES = ("answer", "ticket", "chat")
OTHER = "other"
NGRAMS = (1, 2, 3, 4)
TEXT_MAX = 4_000
PER_FAMILY = 24
PER_TEST_FAMILY = 4
TESTED_EVERY = 4
TOPIC_SURE = 0.5
ALONE = 0.9
"""A topic that no key word names must be so sure."""
UNSURE = 0.65
"""Below this a person is asked to look."""
NO_PRIOR: Mapping[str, float] = {}
_KNOWN_BEFORE = 2.5
_SIGNS = {"+": "positive", "-": "negative", "~": "neutral"}
_NOISE = re.compile(r"[\s\"'“”‘’（）()【】《》<>…~～—\-]+")
_CLAUSE = re.compile(r"[，。；！？,;!?\n]+|(?<=.)(?:但是|不过|可是|然而|可惜|另外|而且|就是(?!说))")


# --- what it learns from -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """``topics`` None: nothing is known about them, so it teaches only how content somebody is."""

    text: str
    sentiment: str
    topics: tuple[str, ...] | None


@dataclass(slots=True)
class Topic:
    """``families`` by sentiment; every fourth of each is for the test and never trained on."""

    code: str
    title: str
    keys: tuple[str, ...] = ()
    families: dict[str, list[str]] = field(default_factory=lambda: {one: [] for one in SENTIMENTS})

    def trained(self, sentiment: str) -> list[str]:
        every = self.families[sentiment]
        return [one for at, one in enumerate(every) if at % TESTED_EVERY != TESTED_EVERY - 1]

    def tested(self, sentiment: str) -> list[str]:
        return self.families[sentiment][TESTED_EVERY - 1 :: TESTED_EVERY]


@dataclass(frozen=True, slots=True)
class Corpus:
    """``praise`` and ``blame`` are words that fit anywhere; ``blind`` whole comments that nothing was tuned on.

    ``looked_at`` were blind once; words were chosen after reading them. None of them is trained on.
    """

    topics: dict[str, Topic]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    blind: tuple[Example, ...]
    looked_at: tuple[Example, ...] = ()

    def training(self) -> list[Example]:
        """Everything to learn from, each text once, and nothing that the test holds."""
        held = {one.text for one in (*self.testing(many=1_000), *self.blind, *self.looked_at)}
        found = {
            text: Example(text, sentiment, (topic.code,))
            for topic in self.topics.values()
            for sentiment in SENTIMENTS
            for family in topic.trained(sentiment)
            for text in utterances(family, PER_FAMILY)
        }
        for words, frames, sentiment in (
            (self.praise, _SAID, "positive"),
            (self.praise, _DENIED, "negative"),
            (self.blame, _SAID, "negative"),
            (self.blame, _SPARED, "positive"),
        ):
            for word in words:
                for frame in frames:
                    text = frame.format(word)
                    found.setdefault(text, Example(text, sentiment, None))
        return [one for one in found.values() if one.text not in held]

    def testing(self, many: int = PER_TEST_FAMILY) -> list[Example]:
        return [
            Example(text, sentiment, (topic.code,))
            for topic in self.topics.values()
            for sentiment in SENTIMENTS
            for family in topic.tested(sentiment)
            for text in utterances(family, many)
        ]


_SAID = ("{}", "很{}", "真的{}", "太{}了", "非常{}", "感觉{}", "{}得很", "特别{}，", "都挺{}的")
_DENIED = ("不{}", "一点都不{}", "不太{}", "没有那么{}", "并不{}", "不够{}")
_SPARED = ("不{}", "一点不{}", "没有{}", "毫不{}")


def parse(text: str) -> Corpus:
    """A corpus as its file writes it; the file's own head says how."""
    topics: dict[str, Topic] = {}
    words: dict[str, tuple[str, ...]] = {">": (), "<": ()}
    whole: dict[str, list[Example]] = {"*": [], "?": []}
    topic = Topic("", "")
    for line in (line.strip() for line in text.splitlines()):
        sign, rest = line[:1], line[1:].strip()
        if sign == "@":
            code, title = rest.split(maxsplit=1)
            topic = Topic(code, title)
            topics[topic.code] = topic
        elif sign == "=":
            topic.keys = tuple(rest.split("|"))
        elif sign in _SIGNS:
            topic.families[_SIGNS[sign]].append(rest)
        elif sign in words:
            words[sign] = tuple(rest.split("|"))
        elif sign in whole:
            sentiment, codes, said = rest.split(maxsplit=2)
            whole[sign].append(Example(said, sentiment, tuple(codes.split(","))))
    return Corpus(topics, words[">"], words["<"], tuple(whole["*"]), tuple(whole["?"]))


# --- features ------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Full width and case folded, spaces and brackets away, runs of one sign shortened; what is said stays."""
    folded = _NOISE.sub("", unicodedata.normalize("NFKC", text[:TEXT_MAX]).lower())
    return re.sub(r"(.)\1{3,}", r"\1\1\1", folded)


def grams(text: str) -> set[str]:
    """Which character n-grams of one to four letters a text has."""
    said = plain(text)
    return {said[at : at + size] for size in NGRAMS for at in range(len(said) - size + 1)}


def clauses(text: str) -> list[str]:
    """The parts of a comment, each about one thing: at punctuation, and where it turns (但是, 不过 …)."""
    return [part.strip() for part in _CLAUSE.split(text[:TEXT_MAX]) if len(part.strip()) >= 2]


# --- the model -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Linear:
    """One against the rest: ``weights`` has a row of ``len(codes)`` numbers for each n-gram of ``index``."""

    codes: tuple[str, ...]
    index: Mapping[str, int]
    weights: Sequence[float]
    bias: Sequence[float]

    def sureness(self, text: str) -> dict[str, float]:
        """How likely each code is, taken alone."""
        rows = [self.index[gram] for gram in grams(text) if gram in self.index]
        width, scale = len(self.codes), 1 / math.sqrt(len(rows) or 1)
        totals = list(self.bias)
        for row in rows:
            begin = row * width
            for at in range(width):
                totals[at] += self.weights[begin + at] * scale
        return {
            code: 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
            for code, total in zip(self.codes, totals, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """``topics`` says how content somebody is with each thing they name; ``sureness`` is of the whole."""

    sentiment: str
    sureness: float
    topics: dict[str, str]

    @property
    def is_unsure(self) -> bool:
        return self.sureness < UNSURE


@dataclass(frozen=True, slots=True)
class Model:
    sentiment: Linear
    topic: Linear
    keys: Mapping[str, tuple[str, ...]]

    def feeling(self, text: str, prior: Mapping[str, float] = NO_PRIOR) -> tuple[str, float]:
        """The likeliest sentiment and its share among the three, each weighed by what was known before."""
        found = {code: share * prior.get(code, 1.0) for code, share in self.sentiment.sureness(text).items()}
        best = max(found, key=lambda code: found[code])
        return best, found[best] / (sum(found.values()) or 1.0)

    def topics_of(self, clause: str) -> list[str]:
        """What a clause is about: by its key words, otherwise what the model is sure of."""
        said = plain(clause)
        named = [code for code, keys in self.keys.items() if any(plain(key) in said for key in keys)]
        found = self.topic.sureness(clause)
        if len(named) > 1:
            most = max(found.get(code, 0.0) for code in named)
            named = [code for code in named if found.get(code, 0.0) >= min(TOPIC_SURE, most)]
        if named:
            return named
        best = max(found, key=lambda code: found[code])
        return [best] if best != OTHER and found[best] >= ALONE else []

    def read(self, text: str, prior: Mapping[str, float] = NO_PRIOR) -> Reading:
        """The whole comment, and each thing it is about; a clause that says nothing for itself goes with the whole."""
        whole, sureness = self.feeling(text, prior)
        parts = clauses(text) or [text]
        found: dict[str, list[str]] = {}
        for part in parts:
            feeling, sure = self.feeling(part, prior) if len(parts) > 1 else (whole, sureness)
            for code in self.topics_of(part):
                found.setdefault(code, []).append(feeling if sure >= TOPIC_SURE else whole)
        return Reading(whole, round(sureness, 4), {code: _together(said) for code, said in found.items()})


def _together(feelings: Sequence[str]) -> str:
    """Of several clauses about one thing: blame outweighs praise, and either outweighs nothing."""
    counted = Counter(feelings)
    if counted["negative"] and counted["negative"] >= counted["positive"]:
        return "negative"
    return "positive" if counted["positive"] else "neutral"


def prior(verdict: str = "", kind: str = "") -> Mapping[str, float]:
    """What the score of an answer (low, high) or the kind of a ticket says about its words before they are read."""
    if verdict == "low" or kind == "complaint":
        return {"negative": _KNOWN_BEFORE}
    return {"positive": _KNOWN_BEFORE} if verdict == "high" or kind == "praise" else NO_PRIOR


# --- figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quality:
    """``right`` of ``cases`` sentiments; topics by precision and recall over all of them."""

    cases: int
    right: int
    topics_named: int
    topics_right: int
    topics_there: int

    def as_figures(self) -> dict[str, float | int]:
        return {
            "cases": self.cases,
            "sentiment": round(self.right / (self.cases or 1), 4),
            "precision": round(self.topics_right / (self.topics_named or 1), 4),
            "recall": round(self.topics_right / (self.topics_there or 1), 4),
        }


def quality(model: Model, cases: Iterable[Example]) -> Quality:
    """How examples are read; "other" is no topic."""
    many = right = named = hit = there = 0
    for one in cases:
        reading = model.read(one.text)
        wanted = {code for code in one.topics or () if code != OTHER}
        many += 1
        right += reading.sentiment == one.sentiment
        named += len(reading.topics)
        hit += len(wanted & set(reading.topics))
        there += len(wanted)
    return Quality(many, right, named, hit, there)
