"""What a member means: utterances written as families, features of Chinese text, a linear model, and what to do with its answer.

Pure. The model is multinomial logistic regression over weighted character n-grams; it is trained elsewhere and only
applied here, with nothing but the standard library.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["job", "article", "unable", "human", "talk", "none"]
SHOPS = (
    "优衣库", "星巴克", "海底捞", "苹果店", "屈臣氏", "老凤祥", "奶茶店", "书店", "超市", "火锅店", "喜茶", "耐克", "眼镜店", "美甲店",
    "周大福", "咖啡店", "华为", "西西弗", "外婆家", "丝芙兰",
)  # fmt: skip
PER_FAMILY = 20
TESTED_EVERY = 4
"""Every fourth ordinary family and the last one of slang is for the test."""
PER_TEST_FAMILY = 4
NGRAMS = (1, 2, 3)
_OPTION = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Intent:
    """``families`` are trained on; ``plain_tests`` and ``hard_tests`` never: families of their own, the hard ones slang."""

    code: str
    skill: str
    kind: Kind
    title: str
    families: tuple[str, ...]
    plain_tests: tuple[str, ...]
    hard_tests: tuple[str, ...]
    keys: tuple[str, ...]
    blind: tuple[str, ...]

    def training(self, per_family: int, frames: int = 99) -> list[str]:
        """Utterances to learn from, each once; key words in so many frames."""
        said = [one for family in self.families for one in utterances(family, per_family)]
        said += [frame.format(key) for key in self.keys for frame in FRAMES[:frames]]
        tested = {
            one for family in (*self.plain_tests, *self.hard_tests) for one in utterances(family, 1_000)
        }
        return [one for one in dict.fromkeys(said) if one not in tested and one not in self.blind]


FRAMES = ("{}", "请问{}", "我想问{}", "{}怎么回事", "关于{}", "咨询{}", "{}的事", "问下{}呢")


def parse(text: str) -> dict[str, Intent]:
    """The intents of a file, by code; its own head says how it is written."""
    found: dict[str, Intent] = {}
    head: list[str] = []
    families: list[str] = []
    slang: list[str] = []
    keys: list[str] = []
    blind: list[str] = []

    def end() -> None:
        if head:
            code, skill, kind, title = head
            trained = [one for at, one in enumerate(families) if at % TESTED_EVERY != TESTED_EVERY - 1]
            plain = families[TESTED_EVERY - 1 :: TESTED_EVERY]
            parts = (tuple(trained + slang[:-1]), tuple(plain), tuple(slang[-1:]))
            found[code] = Intent(code, skill, kind, title, *parts, tuple(keys), tuple(blind))  # type: ignore[arg-type]

    for line in (line.strip() for line in text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            end()
            head = line[1:].split(maxsplit=3)
            families, slang, keys, blind = [], [], [], []
        elif line.startswith("="):
            keys = line[1:].split("|")
        elif line.startswith("*"):
            blind.append(line[1:])
        elif line.startswith("?"):
            slang.append(line[1:])
        else:
            families.append(line)
    end()
    return found


def utterances(family: str, many: int) -> list[str]:
    """Up to ``many`` of the utterances a family stands for, spread evenly over all of them; the same ones every time."""
    parts = _OPTION.split(family)
    choices = [[part] if place % 2 == 0 else part.split("|") for place, part in enumerate(parts)]
    if "{shop}" in family:
        choices = [
            list(itertools.chain.from_iterable(_with_shops(one) for one in options)) for options in choices
        ]
    sizes = [len(options) for options in choices]
    total = math.prod(sizes)
    step = max(1.0, total / many)
    found: dict[str, None] = {}
    for turn in range(min(many, total)):
        rest, words = int(turn * step), []
        # Neighbours in number differ in every part, not only in the last.
        for place, options in enumerate(choices):
            rest, at = divmod(rest, len(options))
            words.append(options[(at + turn * (place + 1)) % len(options)])
        said = "".join(words).strip()
        if said:
            found[said] = None
    return list(found)


def _with_shops(text: str) -> list[str]:
    return [text.replace("{shop}", shop) for shop in SHOPS] if "{shop}" in text else [text]


# --- features ------------------------------------------------------------------------------------------------------

# What people say for the same thing; longer ones first.
_SAME = (
    ("购物券", "优惠券"), ("代金券", "优惠券"), ("抵用券", "优惠券"), ("满减券", "优惠券"), ("卡券", "优惠券"), ("卫生间", "洗手间"),
    ("厕所", "洗手间"), ("小朋友", "孩子"), ("宝宝", "孩子"), ("小孩", "孩子"), ("娃", "孩子"), ("买单", "结账"),
    ("付账", "结账"), ("付款", "结账"), ("埋单", "结账"), ("为啥", "为什么"), ("干啥", "干什么"), ("啥时候", "什么时候"),
    ("啥", "什么"), ("咋样", "怎么"), ("咋", "怎么"), ("如何", "怎么"), ("哪儿", "哪"), ("哪里", "哪"),
    ("这儿", "这里"), ("您", "你"), ("登陆", "登录"), ("账户", "账号"), ("帐号", "账号"), ("查看", "查"),
    ("查询", "查"), ("看看", "查"), ("看下", "查"), ("看一下", "查"), ("查一下", "查"), ("帮忙", "帮我"),
    ("麻烦", ""), ("能不能", "能"), ("可不可以", "能"), ("可以", "能"), ("有没有", "有"), ("不见", "丢"),
    ("找不着", "找不到"), ("弄丢", "丢"), ("电话", "手机号"), ("号码", "手机号"), ("开门", "营业"), ("关门", "打烊"),
    ("闭店", "打烊"), ("贵宾", "会员"), ("现钱", "现金"), ("小票", "订单"),
)  # fmt: skip
_TAIL = re.compile(r"(?<=.{3})(了?[吗呢呀啊吧不没嘛哦]+)$")

_NOISE = re.compile(r"[\s，。！？!?,.;；:：~～、“”\"'‘’（）()【】…—\-]+")
_FILLER = re.compile(r"^(你好|您好|请问|麻烦|那个|嗯|啊|哎)+(?=.{3,})")


def normalise(text: str) -> str:
    """Full width and case folded, punctuation and opening courtesies away."""
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text).lower())
    plain = _FILLER.sub("", plain)[:200]
    for said, meant in _SAME:
        plain = plain.replace(said, meant)
    return _TAIL.sub("", plain)


def ngrams(text: str) -> Counter[str]:
    """Character n-grams of one to three letters, with marks at both ends."""
    marked = f"^{normalise(text)}$"
    return Counter(
        marked[at : at + size]
        for size in NGRAMS
        for at in range(len(marked) - size + 1)
        if marked[at : at + size] not in ("^", "$")
    )


def vocabulary(texts: Sequence[str], spread_min: int = 2) -> tuple[dict[str, int], list[float]]:
    """The n-grams of a training set by row, and how much each weighs (smoothed inverse document frequency)."""
    spread: Counter[str] = Counter()
    for text in texts:
        spread.update(ngrams(text).keys())
    index = {
        gram: row for row, gram in enumerate(sorted(g for g, many in spread.items() if many >= spread_min))
    }
    return index, [math.log((1 + len(texts)) / (1 + spread[gram])) + 1 for gram in index]


def weighted(text: str, index: Mapping[str, int], idf: Sequence[float]) -> dict[int, float]:
    """Features of unit length by their row."""
    counts = ngrams(text)
    found = {
        index[gram]: (1 + math.log(count)) * idf[index[gram]]
        for gram, count in counts.items()
        if gram in index
    }
    length = math.sqrt(sum(value * value for value in found.values())) or 1.0
    return {row: value / length for row, value in found.items()}


@dataclass(frozen=True, slots=True)
class Model:
    """``weights`` has a row of ``len(codes)`` numbers for each n-gram."""

    codes: tuple[str, ...]
    index: Mapping[str, int]
    idf: Sequence[float]
    weights: Sequence[float]
    bias: Sequence[float]

    def predict(self, text: str) -> list[tuple[str, float]]:
        """Every intent with its probability, the likeliest first."""
        width = len(self.codes)
        scores = list(self.bias)
        for row, value in weighted(text, self.index, self.idf).items():
            begin = row * width
            for at, weight in enumerate(self.weights[begin : begin + width]):
                scores[at] += value * weight
        top = max(scores, default=0.0)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers) or 1.0
        return sorted(
            ((code, power / total) for code, power in zip(self.codes, powers, strict=True)),
            key=lambda pair: -pair[1],
        )


# --- what to do with it --------------------------------------------------------------------------------------------

SURE = 0.7
"""From here on the likeliest intent is taken: the lowest tenth at which at most 3 % are answered wrongly on the test part."""
MAYBE = 0.12
"""From here on it is offered as one of a few to choose from."""
OFFERED = 3
UNRELATED = "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """``act`` is do (the first code), ask (which of the codes?) or pass (a person must)."""

    act: Literal["do", "ask", "pass"]
    codes: tuple[str, ...]
    sureness: float


def read(ranked: Sequence[tuple[str, float]], asked_before: bool = False) -> Reading:
    """What to do with a model's answer. Asking back happens once; after that a person is asked."""
    code, sureness = ranked[0]
    if sureness >= SURE:
        return Reading("do", (code,), sureness)
    likely = tuple(name for name, share in ranked[:OFFERED] if share >= MAYBE / 4 and name != UNRELATED)
    if sureness >= MAYBE and likely and code != UNRELATED and not asked_before:
        return Reading("ask", likely, sureness)
    return Reading("pass", likely, sureness)


def named(text: str, names: Iterable[tuple[int, str]]) -> list[int]:
    """Whose name is in a text: the longest names first, and a name of three or more letters by its beginning too."""
    plain = normalise(text)
    found: list[int] = []
    for pk, name in sorted(names, key=lambda pair: -len(pair[1])):
        wanted = normalise(name)
        if len(wanted) >= 2 and wanted in plain and pk not in found:
            found.append(pk)
    return found
