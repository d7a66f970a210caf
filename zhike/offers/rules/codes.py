"""Coupon codes: unguessable, easy to read aloud, and wrong when one character is wrong.

31 characters without those people mistake for each other (0 O, 1 I L), and 31 is prime: a weighted sum modulo 31 with
weights that are all different and never zero finds every single wrong character and every swap of two of them. The
principle is that of the ISBN-10 check digit (ISO 2108, modulo 11). 15 free characters are 74 bits.
"""

from __future__ import annotations

from collections.abc import Iterable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
FREE = 15
LENGTH = FREE + 1
QR_PREFIX = "ZKC."
IMPORTED_MIN, IMPORTED_MAX = 6, 40

_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}


def code_of(random: bytes) -> str | None:
    """A code from random bytes; None when there were too few of use (a byte of 248 and more is thrown away)."""
    letters = [ALPHABET[byte % 31] for byte in random if byte < 248][:FREE]
    return None if len(letters) < FREE else "".join(letters) + check_character("".join(letters))


def check_character(free: str) -> str:
    """The last character: the weighted sum of all sixteen, the last weighing 1, is 0 modulo 31."""
    return ALPHABET[-sum(weight * _VALUE[letter] for weight, letter in _weighted(free)) % 31]


def _weighted(free: str) -> Iterable[tuple[int, str]]:
    return ((LENGTH - place, letter) for place, letter in enumerate(free))


def is_ours(code: str) -> bool:
    """Whether it is a code as we make them, its check character right."""
    return (
        len(code) == LENGTH
        and all(letter in _VALUE for letter in code)
        and check_character(code[:-1]) == code[-1]
    )


def read_code(text: str) -> str:
    """A code as scanned or typed, in the form in which it is stored."""
    text = text.strip().upper()
    if text.startswith(QR_PREFIX):
        text = text[len(QR_PREFIX) :]
    return "".join(letter for letter in text if letter not in " -\u2013\u3000")


def spoken(code: str) -> str:
    """In groups of four, for people."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def payload(code: str) -> str:
    """What the coupon's QR says."""
    return QR_PREFIX + code


def is_importable(code: str) -> bool:
    """Whether a foreign code can be kept: plain letters, digits and a few signs."""
    return (
        IMPORTED_MIN <= len(code) <= IMPORTED_MAX
        and code.isascii()
        and all(letter.isalnum() or letter in "_.:/+=" for letter in code)
    )
