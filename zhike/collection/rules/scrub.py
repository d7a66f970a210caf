"""Personal data taken out of what is kept in clear: by the name of a property, and by the look of its value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "***"
DEPTH_MAX = 4
KEYS_MAX = 80
ITEMS_MAX = 100
TEXT_MAX = 500
NAME_MAX = 100

_PERSONAL_NAMES = """
    phone mobile mobilephone phonenumber mobilenumber tel telephone cellphone email mail emailaddress firstname lastname
    fullname realname username nickname customername buyername receivername receiver contactname contact consignee address
    addresses shippingaddress billingaddress street address1 address2 addressline1 addressline2 idcard idcardno idnumber
    identitycard nationalid passport passportnumber birthday birthdate dateofbirth dob age ip ipaddress password passwd pwd
    token accesstoken refreshtoken secret authorization cookie session sessionid openid unionid cardnumber cardno bankcard
    bankcardno iban cvv cvc licenseplate plate platenumber wechat wechatid weixin qq lat latitude lng lon longitude location
    geo coordinates useragent userid customerid memberid anonymousid deviceid idfa idfv imei oaid androidid advertisingid
    mac macaddress search ssn
"""
_PERSONAL = frozenset(_PERSONAL_NAMES.split())
_CODES = frozenset(
    (
        "orderid",
        "checkoutid",
        "cartid",
        "productid",
        "sku",
        "couponid",
        "transactionid",
        "variantid",
        "promotionid",
    )
)
_ADDRESSES = frozenset(("url", "referrer", "referer", "href", "link", "path", "imageurl"))

_SUSPECT = re.compile(r"@|\d{11}|\d[- ]\d{4}[- ]\d{4}")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:\d{8}|[- ]\d{4}[- ]\d{4})(?!\d)")
_LONG_NUMBER = re.compile(r"(?<!\d)\d{15,19}[Xx]?(?!\d)")
_PHONE_NUMBERS = range(13_000_000_000, 20_000_000_000)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    return "".join(character for character in key.lower() if character.isalnum())


@lru_cache(maxsize=4096)
def is_personal(key: str) -> bool:
    """Whether a property of this name holds personal data whatever its value looks like."""
    return _plain(key) in _PERSONAL


def scrub(value: Any, key: str = "", depth: int = 0) -> Any:
    """The value without personal data, cut to a sensible size. What is hidden says so; what is too deep is dropped."""
    if isinstance(value, str):
        return _text(value, key)
    if isinstance(value, dict):
        if depth >= DEPTH_MAX:
            return {}
        return {
            _name(name): HIDDEN if is_personal(name) else scrub(one, name, depth + 1)
            for name, one in list(value.items())[:KEYS_MAX]
            if one is not None
        }
    if isinstance(value, list):
        return [scrub(one, key, depth + 1) for one in value[:ITEMS_MAX]] if depth < DEPTH_MAX else []
    if isinstance(value, int) and value in _PHONE_NUMBERS and _plain(key) not in _CODES:
        return HIDDEN
    return value


def _name(key: str) -> str:
    """A property's name: people's own words too, so it may hold a number or an address like any value."""
    return _text(key, "")[:NAME_MAX]


def _text(text: str, key: str) -> str:
    text = text.replace("\x00", "")[:TEXT_MAX]
    plain = _plain(key)
    if plain in _ADDRESSES:
        text = without_query(text)
    if not _SUSPECT.search(text):
        return text
    text = _EMAIL.sub(HIDDEN, text)
    if plain in _CODES:
        return text
    return _LONG_NUMBER.sub(_hide_if_personal, _PHONE.sub(HIDDEN, text))


def without_query(address: str) -> str:
    """An address without user, query and fragment: those carry tokens and searches."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HIDDEN
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _hide_if_personal(match: re.Match[str]) -> str:
    number = match[0].upper()
    return HIDDEN if is_identity_number(number) or passes_luhn(number) else match[0]


def is_identity_number(number: str) -> bool:
    """A resident identity number (GB 11643): 17 digits and a check character."""
    if len(number) != 18 or not number[:17].isdigit():
        return False
    rest = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False)) % 11
    return number[17] == "10X98765432"[rest]


def passes_luhn(number: str) -> bool:
    """A bank card number, by its check digit (ISO/IEC 7812)."""
    if not number.isdigit() or len(number) < 15:
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2])
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


def masked(value: Any, key: str = "") -> Any:
    """A message for people who look for faults: its whole shape, every personal value hidden."""
    if isinstance(value, dict):
        return {
            _name(name): HIDDEN
            if name in ("traits", "ip") and not isinstance(one, dict)
            else masked_field(name, one)
            for name, one in list(value.items())[:KEYS_MAX]
        }
    if isinstance(value, list):
        return [masked(one, key) for one in value[:ITEMS_MAX]]
    return scrub(value, key)


def masked_field(name: str, value: Any) -> Any:
    """One field of a shown message; ids keep their first two characters, so that two can be told apart."""
    if isinstance(value, Mapping):
        return dict.fromkeys(map(_name, value), HIDDEN) if name == "traits" else masked(value, name)
    if name in ("userId", "anonymousId", "previousId", "groupId") and value not in (None, ""):
        return f"{str(value)[:2]}***"
    if name in ("messageId", "timestamp", "originalTimestamp", "sentAt"):
        return scrub(value)
    return HIDDEN if is_personal(name) and value is not None else masked(value, name)
