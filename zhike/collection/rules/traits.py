"""What identify says of somebody: identifiers, profile fields, and what we have no place for. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_IDENTIFIERS = {
    "phone": "phone", "mobile": "phone", "email": "email", "unionid": "unionid", "unionId": "unionid", "openid": "openid",
    "openId": "openid", "card": "card", "cardNumber": "card", "plate": "plate", "licensePlate": "plate",
}  # fmt: skip
_SEXES = {
    "female": "female", "f": "female", "woman": "female", "女": "female",
    "male": "male", "m": "male", "man": "male", "男": "male",
}  # fmt: skip
_UNDERSTOOD = frozenset(
    {
        *_IDENTIFIERS,
        "name",
        "firstName",
        "lastName",
        "gender",
        "sex",
        "birthday",
        "title",
        "occupation",
        "address",
    }
    | {"language", "locale"}
)


@dataclass(frozen=True, slots=True)
class Traits:
    identifiers: tuple[tuple[str, str], ...]
    profile: dict[str, Any]
    unknown: tuple[str, ...]


def read_traits(traits: Mapping[str, Any]) -> Traits:
    """Segment's reserved traits and ours. Empty values say nothing; a value that is no date or sex is left out."""
    identifiers = {
        (kind, str(traits[trait]).replace("\x00", "").strip()): None
        for trait, kind in _IDENTIFIERS.items()
        if isinstance(traits.get(trait), str | int) and str(traits[trait]).strip()
    }
    profile = {
        "name": _name(traits),
        "sex": _SEXES.get(str(_first(traits, ("gender", "sex")) or "").casefold()),
        "birthday": _date(traits.get("birthday")),
        "occupation": _text(_first(traits, ("occupation", "title"))),
        "address": _address(traits.get("address")),
        "language": _text(_first(traits, ("language", "locale")))[:10],
    }
    unknown = tuple(sorted(str(trait) for trait in traits if trait not in _UNDERSTOOD))
    return Traits(tuple(identifiers), {field: value for field, value in profile.items() if value}, unknown)


def _first(traits: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((traits[name] for name in names if traits.get(name)), None)


def _name(traits: Mapping[str, Any]) -> str:
    if name := _text(traits.get("name")):
        return name
    first, last = _text(traits.get("firstName")), _text(traits.get("lastName"))
    is_chinese = any("一" <= character <= "鿿" for character in last + first)
    return last + first if is_chinese else f"{first} {last}".strip()


def _text(value: Any) -> str:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    return str(value).replace("\x00", "").strip()[:300]


def _date(value: Any) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def _address(value: Any) -> str:
    """A text, or Segment's object of country, state, city, street and postal code, largest part first."""
    if isinstance(value, Mapping):
        parts = (_text(value.get(part)) for part in ("country", "state", "city", "street", "postalCode"))
        return " ".join(part for part in parts if part)
    return _text(value)
