"""Identifiers in one form, names as they are searched, and what a text in the search box may mean. Pure."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

KINDS = ("account", "phone", "unionid", "card", "openid", "email", "plate")
"""Kinds of identifiers, the ones that prove most first: where two disagree, the earlier decides."""

DEFAULT_REGION = "CN"
NAME_LENGTH_MAX = 80
BIRTH_YEAR_MIN = 1900

_CN_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_PHONE_NOISE = re.compile(r"[\s().\-‐-―]+")
_CARD = re.compile(r"[A-Z0-9]{4,32}")
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_ACCOUNT = re.compile(r"[a-z0-9_-]{1,20}:[^\s\x00-\x1f]{1,100}")
_WECHAT_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][A-Z0-9]{4,5}[A-Z0-9挂学警港澳使领]"
    r"|[A-Z]{2}[0-9]{1,4}"  # Hong Kong, Macao
)
_SEPARATORS = re.compile(r"[\s·•.\-]+")
_CJK = r"㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f〇"
_RUN = re.compile(rf"([{_CJK}]+)|([a-z0-9]+)")


class NotAnIdentifier(ValueError):
    """The text is not a phone number, card … at all."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def normalise(kind: str, value: str) -> str:
    """The one form in which an identifier is stored and compared; a phone number becomes E.164.

    Raises NotAnIdentifier.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    normal = _NORMALISERS[kind](text) if kind in _NORMALISERS else None
    if normal is None:
        raise NotAnIdentifier(kind)
    return normal


def _phone(text: str) -> str | None:
    compact = _PHONE_NOISE.sub("", text)
    if mobile := _CN_MOBILE.fullmatch(compact):
        return "+86" + mobile.group(1)
    if not compact.isascii() or not 5 <= len(compact) <= 20:
        return None
    import phonenumbers

    try:
        number = phonenumbers.parse(compact, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _card(text: str) -> str | None:
    card = _SEPARATORS.sub("", text).upper()
    return card if _CARD.fullmatch(card) else None


def _email(text: str) -> str | None:
    email = text.lower()
    return email if len(email) <= 254 and _EMAIL.fullmatch(email) else None


def _wechat_id(text: str) -> str | None:
    return text if _WECHAT_ID.fullmatch(text) else None


def _account(text: str) -> str | None:
    """ "space:user id": what a web site or app calls somebody, and whose numbering it is."""
    return text if _ACCOUNT.fullmatch(text) else None


def _plate(text: str) -> str | None:
    plate = _SEPARATORS.sub("", text).upper()
    return plate if _PLATE.fullmatch(plate) else None


_NORMALISERS = {
    "phone": _phone,
    "card": _card,
    "email": _email,
    "openid": _wechat_id,
    "unionid": _wechat_id,
    "plate": _plate,
    "account": _account,
}


def mask(kind: str, value: str) -> str:
    """What anybody may see of a normalised identifier: enough to recognise one's own."""
    if kind == "phone":
        return _masked_phone(value)
    if kind == "email":
        name, _at, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"
    if kind == "plate":
        return value[:2] + "*" * max(len(value) - 4, 1) + value[-2:]
    if kind == "account":
        return _masked_account(value)
    if kind == "card":
        shown = 4 if len(value) >= 8 else 2
        return "****" + value[-shown:]
    return f"{value[:4]}****{value[-2:]}"


def _masked_account(value: str) -> str:
    """The space readable, of the user id as much as tells two of them apart."""
    space, _colon, user_id = value.partition(":")
    return f"{space}:{user_id[:2]}***{user_id[-2:] if len(user_id) > 6 else ''}"


def _masked_phone(value: str) -> str:
    if value.startswith("+86") and len(value) == 14:
        return f"{value[3:6]}****{value[10:]}"
    return f"{value[:4]}****{value[-3:]}"


def clean_name(name: str) -> str:
    """A name as it is stored: one form of each character, no control characters, no spaces between Chinese ones."""
    text = "".join(
        character if character.isprintable() else " " for character in unicodedata.normalize("NFKC", name)
    )
    text = re.sub(r"[•‧・∙⋅]", "·", " ".join(text.split()))
    return re.sub(rf"(?<=[{_CJK}·]) (?=[{_CJK}·])", "", text)


def mask_name(name: str) -> str:
    """张三 → 张*, 张小明 → 张*明, Alice Wang → A***."""
    if not name:
        return ""
    if not _is_cjk(name[0]):
        return name[0] + "***"
    last = name[-1] if len(name) > 2 else ""
    return name[0] + "*" * (len(name) - 1 - len(last)) + last


def mask_birthday(birthday: dt.date) -> str:
    """The day to congratulate, without the age."""
    return f"****-{birthday:%m-%d}"


def is_plausible_birthday(birthday: dt.date, today: dt.date) -> bool:
    return birthday <= today and birthday.year >= BIRTH_YEAR_MIN


# Readings as a surname where the usual reading is another.
_SURNAMES = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "长孙": ("zhang", "sun"), "单于": ("chan", "yu"),
    "澹台": ("tan", "tai"), "尉": ("wei",), "曾": ("zeng",), "单": ("shan",), "仇": ("qiu",), "解": ("xie",),
    "查": ("zha",), "盖": ("ge",), "区": ("ou",), "朴": ("piao",), "员": ("yun",), "缪": ("miao",), "覃": ("qin",),
    "种": ("chong",), "乐": ("yue",), "召": ("shao",), "黑": ("he",), "秘": ("bi",), "繁": ("po",), "逄": ("pang",),
    "谌": ("chen",), "任": ("ren",), "翟": ("zhai",), "宿": ("su",), "那": ("na",), "折": ("she",), "冼": ("xian",),
    "祭": ("zhai",), "尹": ("yin",), "能": ("nai",), "哈": ("ha",), "车": ("che",), "晁": ("chao",), "葛": ("ge",),
}  # fmt: skip


def pinyin(name: str) -> tuple[str, str]:
    """(letters without tones, initials) of a name: 张三 → ("zhangsan", "zs"), 单美玲 → ("shanmeiling", "sml")."""
    syllables = list(_syllables(name))
    return "".join(syllables)[:200], "".join(syllable[0] for syllable in syllables)[:40]


def _syllables(name: str) -> Iterator[str]:
    is_first = True
    for match in _RUN.finditer(_folded(name)):
        chinese, other = match.groups()
        if other:
            yield other
        else:
            yield from _named(chinese) if is_first else _read(chinese)
        is_first = False


def _named(chinese: str) -> Iterator[str]:
    """A run of characters that begins with a surname."""
    for length in (2, 1):
        if reading := _SURNAMES.get(chinese[:length]):
            yield from reading
            yield from _read(chinese[length:])
            return
    yield from _read(chinese)


@lru_cache(maxsize=50_000)
def _read(chinese: str) -> tuple[str, ...]:
    if not chinese:
        return ()
    from pypinyin import lazy_pinyin

    return tuple(syllable for syllable in lazy_pinyin(chinese, errors="ignore") if syllable)


def _folded(text: str) -> str:
    """Lower case without accents or full-width forms."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def grams(name: str) -> list[str]:
    """All single Chinese characters of a name and all pairs of neighbours, for searching by any part of it."""
    found: set[str] = set()
    for run in re.findall(rf"[{_CJK}]+", unicodedata.normalize("NFKC", name)):
        found.update(run)
        found.update(run[at : at + 2] for at in range(len(run) - 1))
    return sorted(found)


def _is_cjk(character: str) -> bool:
    return re.match(rf"[{_CJK}]", character) is not None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a text in the search box may mean: identifiers to look up exactly, and a name or its letters."""

    identifiers: tuple[tuple[str, str], ...] = ()
    name: str = ""
    letters: str = ""


def meaning_of(text: str) -> Meaning:
    """Read the one box: digits are a phone or a card, Chinese characters a name or a plate, letters a pinyin."""
    clean = clean_name(text)[:NAME_LENGTH_MAX]
    identifiers = tuple(_possible_identifiers(clean))
    if any(map(_is_cjk, clean)):
        has_plate = any(kind == "plate" for kind, _value in identifiers)
        return Meaning(identifiers, name="" if has_plate else clean)
    letters = re.sub(r"[^a-z]", "", _folded(clean))
    is_wordy = bool(letters) and not any(character.isdigit() or character == "@" for character in clean)
    return Meaning(identifiers, letters=letters if is_wordy else "")


def _possible_identifiers(text: str) -> Iterator[tuple[str, str]]:
    has_digit = any(character.isdigit() for character in text)
    for kind in KINDS:
        if kind == "account" or (kind in ("openid", "unionid") and len(text) < 20):
            continue
        if kind == "card" and not has_digit:
            continue
        try:
            yield kind, normalise(kind, text)
        except NotAnIdentifier:
            continue


_SOUND_ALIKES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in [
        ("zh", "z"), ("z(?!h)", "zh"), ("ch", "c"), ("c(?!h)", "ch"), ("sh", "s"), ("s(?!h)", "sh"),
        ("ang", "an"), ("an(?!g)", "ang"), ("eng", "en"), ("en(?!g)", "eng"), ("ing", "in"), ("in(?!g)", "ing"),
        ("l(?=[aeiouv])", "n"), ("n(?=[aeiouv])", "l"), ("f", "h"), ("h(?=u)", "f"), ("lv", "lu"), ("nv", "nu"),
    ]
]  # fmt: skip
SOUND_ALIKES_MAX = 80


def sound_alikes(letters: str) -> list[str]:
    """Pinyin that the ear or a southern tongue takes for this one, nearest first: zangsan → zhangsan."""
    found: dict[str, None] = {}
    border: Iterable[str] = [letters]
    for _distance in range(2):
        border = [variant for spelling in border for variant in _confused(spelling)]
        for variant in border:
            found.setdefault(variant)
    found.pop(letters, None)
    return list(found)[:SOUND_ALIKES_MAX]


def _confused(letters: str) -> Iterator[str]:
    for pattern, replacement in _SOUND_ALIKES:
        for match in pattern.finditer(letters):
            yield letters[: match.start()] + replacement + letters[match.end() :]


TYPO_LENGTH_MIN = 5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def typing_slips(letters: str) -> list[str]:
    """Every text one slip of the finger away: a letter too few, too many, wrong, or swapped with its neighbour."""
    if not TYPO_LENGTH_MIN <= len(letters) <= 24:
        return []
    splits = [(letters[:at], letters[at:]) for at in range(len(letters) + 1)]
    swapped = [left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1]
    missing = [left + right[1:] for left, right in splits if right]
    wrong = [left + other + right[1:] for left, right in splits if right for other in _ALPHABET]
    extra = [left + other + right for left, right in splits for other in _ALPHABET]
    return [slip for slip in dict.fromkeys(swapped + missing + wrong + extra) if slip != letters]


Key = tuple[str, bytes]
"""Kind and blind index: what an identifier is compared by."""

_STRENGTH = {kind: place for place, kind in enumerate(KINDS)}


def by_strength(keys: Iterable[Key]) -> list[Key]:
    return sorted(keys, key=lambda key: (_STRENGTH[key[0]], key[1]))


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whom each of many inputs means (OneID).

    ``targets[i]`` is the person of input i: a known id, or -1, -2 … for persons to be made, described first by input
    ``first_inputs[0]``, ``first_inputs[1]`` …. ``added`` are (target, input, key) that nobody held; ``conflicts`` are
    (target, other target, kind) where an identifier that came along belongs to somebody else, and stays there.
    """

    targets: list[int]
    first_inputs: list[int]
    added: list[tuple[int, int, Key]]
    conflicts: list[tuple[int, int, str]]


def resolve(inputs: Iterable[Iterable[Key]], holders: dict[Key, int]) -> Resolution:
    """Give each input the person of its strongest identifier that anybody holds, or a new one.

    ``holders`` says who holds a key already. The answer depends on the order of the inputs alone.
    """
    held = dict(holders)
    resolution = Resolution([], [], [], [])
    for number, given in enumerate(inputs):
        keys = by_strength(set(given))
        target = next((held[key] for key in keys if key in held), None)
        if target is None:
            resolution.first_inputs.append(number)
            target = -len(resolution.first_inputs)
        resolution.targets.append(target)
        for key in keys:
            if key not in held:
                held[key] = target
                resolution.added.append((target, number, key))
            elif held[key] != target:
                resolution.conflicts.append((target, held[key], key[0]))
    return resolution


MACHINE_SOURCES = frozenset({"collection", "import", "file"})
"""Sources of persons where no human being typed the profile in."""


@dataclass(frozen=True, slots=True)
class Said:
    """Who said something last (a machine or a human being), and when."""

    by_machine: bool
    at: dt.datetime


def may_learn(is_known: bool, last: Said, said_at: dt.datetime) -> bool:
    """A claim fills a gap; of two machines the later word counts; what a human being entered stays."""
    return not is_known or (last.by_machine and said_at >= last.at)


ADULT_AGE = 18


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is known of two persons that are said to be one; texts are normalised, "" or None when unknown."""

    names: tuple[str, str]
    sexes: tuple[str, str]
    birthdays: tuple[dt.date | None, dt.date | None]
    shared_phone: bool = False
    shared_device: bool = False
    on_staff: bool = False


def guards(likeness: Likeness, today: dt.date) -> tuple[str, ...]:
    """Why two members of staff must agree before these two are merged; empty when one may decide.

    A number or a device that passed through both hands is what families and colleagues share; sex and birthday do not
    change; a minor has a parent nearby whose data theirs could be taken for; nobody merges themself at work alone.
    """
    found = []
    sexes = {sex for sex in likeness.sexes if sex not in ("", "unknown")}
    born = [birthday for birthday in likeness.birthdays if birthday is not None]
    if len(set(born)) > 1:
        found.append("birthday")
    if len(sexes) > 1:
        found.append("sex")
    if any(is_minor(birthday, today) for birthday in born):
        found.append("minor")
    if likeness.shared_phone:
        found.append("shared_phone")
    if likeness.shared_device:
        found.append("shared_device")
    if likeness.on_staff:
        found.append("staff")
    return tuple(found)


def is_minor(birthday: dt.date, today: dt.date) -> bool:
    """Under 18 on this day."""
    return (
        today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))
    ) < ADULT_AGE


STRONG_KINDS = frozenset({"account", "unionid", "openid"})
"""Identifiers that nobody hands on."""


def suggests(kinds: Iterable[str], first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two records that shared identifiers of these kinds are suggested to be one person.

    A birthday or a sex that differs speaks against it, whatever they share. A number, a card or a plate passes from hand
    to hand, so the names must be the same, or sound the same; what belongs to an online account is enough by itself.
    ``first`` and ``second`` have name, pinyin, birthday and sex, "" when unknown.
    """
    for field in ("birthday", "sex"):
        if first[field] and second[field] and first[field] != second[field]:
            return False
    if STRONG_KINDS & set(kinds):
        return True
    return bool(first["name"]) and (
        first["name"] == second["name"] or (bool(first["pinyin"]) and first["pinyin"] == second["pinyin"])
    )
