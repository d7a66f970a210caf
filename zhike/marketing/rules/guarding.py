"""When too many say no: a bound that may be looked at after every person and still stops a good campaign one time in twenty. Pure.

The evidence that more than a share p0 says no is the mean of the likelihood ratios of k of n for shares above p0 against p0. For any
true share up to p0 each is a supermartingale, so their mean passes 1/alpha ever at all with a chance of at most alpha (Ville's
inequality; J. Ville, "Etude critique de la notion de collectif", 1939; Ramdas, Grunwald, Vovk and Shafer, "Game-theoretic statistics
and safe anytime-valid inference", Statistical Science 38, 2023). One early no is never enough.
"""

from __future__ import annotations

import math

ALPHA = 0.05
STEPS = (1.5, 2.0, 3.0, 5.0)
"""Shares that the evidence is sought for, as multiples of the limit."""


def evidence(said_no: int, people: int, limit: float) -> float:
    """How many times likelier a larger share is than the limit, 0 < limit < 1; infinite beyond what a number can hold."""
    found = []
    for times in STEPS:
        share = min(times * limit, (1 + limit) / 2)
        told = said_no * math.log(share / limit) + (people - said_no) * math.log((1 - share) / (1 - limit))
        found.append(math.exp(min(told, 700)))
    return sum(found) / len(found)


def is_exceeded(said_no: int, people: int, limit_bp: int | None) -> bool:
    """Whether it is certain that more than the limit say no. Without a limit never; of a limit of nothing the first one is too many."""
    if limit_bp is None or not people:
        return False
    if limit_bp == 0:
        return said_no > 0
    return evidence(said_no, people, limit_bp / 10_000) >= 1 / ALPHA
