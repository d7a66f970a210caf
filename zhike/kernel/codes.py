"""Codes that people read aloud and type: unguessable, and wrong when one character is wrong. Pure.

31 characters without those people mistake for each other (0 O, 1 I L), and 31 is prime: a weighted sum modulo 31 with
weights that are all different and never zero finds every single wrong character and every swap of two of them. The
principle is that of the ISBN-10 check digit (ISO 2108, modulo 11). A free character is worth almost 5 bits.
"""

from __future__ import annotations

from collections.abc import Iterable

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
FREE_MAX = 29
_VALUE = {letter: value for value, letter in enumerate(ALPHABET)}


def code_of(random: bytes, free: int) -> str | None:
    """``free`` characters from random bytes and the check character; None when there were too few of use.

    A byte of 248 and more is thrown away, so that all characters are equally likely.
    """
    letters = [ALPHABET[byte % 31] for byte in random if byte < 248][:free]
    return None if len(letters) < free else "".join(letters) + check_character("".join(letters))


def check_character(free: str) -> str:
    """The last character: the weighted sum of all, the last weighing 1, is 0 modulo 31."""
    return ALPHABET[-sum(weight * _VALUE[letter] for weight, letter in _weighted(free)) % 31]


def _weighted(free: str) -> Iterable[tuple[int, str]]:
    return ((len(free) + 1 - place, letter) for place, letter in enumerate(free))


def is_right(code: str, free: int) -> bool:
    """Whether it is a code with so many free characters, its check character right."""
    return (
        len(code) == free + 1
        and all(letter in _VALUE for letter in code)
        and check_character(code[:-1]) == code[-1]
    )


def read(text: str, prefix: str) -> str:
    """A code as scanned (with the prefix of its QR) or typed, in the form in which it is stored."""
    text = text.strip().upper().removeprefix(prefix)
    return "".join(letter for letter in text if letter not in " -\u2013\u3000")


def spoken(code: str, size: int = 4) -> str:
    """In groups, for people."""
    return " ".join(code[start : start + size] for start in range(0, len(code), size))
