"""A draw that anybody can compute again: commit, draw, reveal. Pure.

Before the start the operator publishes SHA-256 of a random seed. The roll of ticket n is the first 8 bytes of
HMAC-SHA-256(seed, "code|n|nonce"), big-endian, modulo 1,000,000, with a nonce the member's own browser makes: neither side
can choose it alone. Afterwards the seed is published. (The remainder of 2**64 favours no roll by more than 1 in 10**13.)
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MILLION = 1_000_000
TOP_PRIZE_FEN = 5_000_000
"""反不正当竞争法 (2025) art. 11: the highest prize of a prize draw is worth ¥50,000 at most."""


@dataclass(frozen=True, slots=True)
class Prize:
    """``stock`` None: without end, the fallback alone."""

    name: str
    kind: str
    odds_ppm: int
    stock: int | None
    value_fen: int
    points: int = 0
    is_fallback: bool = False


def commitment(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()


def roll_of(seed: bytes, code: str, number: int, nonce: str) -> int:
    """0 to 999,999."""
    found = hmac.new(seed, f"{code}|{number}|{nonce}".encode(), hashlib.sha256).digest()
    return int.from_bytes(found[:8], "big") % MILLION


def place_of(roll: int, odds: Sequence[int]) -> int:
    """Which prize a roll means: each owns as many rolls as its odds, in their order."""
    for place, share in enumerate(odds):
        if roll < share:
            return place
        roll -= share
    raise ValueError("the odds do not sum to a million")


def faults(prizes: Sequence[Prize]) -> list[str]:
    """What keeps these prizes from being published: odds, fallback, stock, top-prize, value."""
    checks = {
        "odds": sum(one.odds_ppm for one in prizes) == MILLION and all(one.odds_ppm > 0 for one in prizes),
        "fallback": sum(one.is_fallback for one in prizes) == 1,
        "stock": all((one.stock is None) == one.is_fallback and one.stock != 0 for one in prizes),
        "top-prize": all(one.value_fen <= TOP_PRIZE_FEN for one in prizes),
        "value": all(one.value_fen > 0 and (one.kind != "points" or one.points > 0) for one in prizes),
    }
    return [name for name, is_right in checks.items() if not is_right]


def digest(terms: dict[str, Any], prizes: Sequence[Prize]) -> str:
    """SHA-256 of the rules as canonical JSON."""
    said = terms | {
        "prizes": [[one.name, one.kind, one.odds_ppm, one.stock, one.value_fen, one.points] for one in prizes]
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
