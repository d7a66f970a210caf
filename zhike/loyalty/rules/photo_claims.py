"""When a photographed receipt is given at once, what speaks against it, and how what it says is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SAME_PICTURE_BITS = 12
"""Up to so many of 256 bits differ between two photographs of one sheet that was copied, scaled or compressed again."""
REFUSED_DAYS, REFUSED_MANY = 90, 3

PICTURE, PAPER, OWN_RECEIPT, OTHER_RECEIPT, AMOUNT = (
    "picture",
    "paper",
    "own_receipt",
    "other_receipt",
    "amount",
)
TILL_AMOUNT, TILL_SILENT, READING, REFUSED_BEFORE = "till_amount", "till_silent", "reading", "refused_before"
GRAVE = frozenset({PICTURE, PAPER, OTHER_RECEIPT, REFUSED_BEFORE})
"""What keeps a claim from being given at once although the till sent the receipt."""

UNREADABLE, NOT_A_RECEIPT, WRONG_DETAILS, COUNTED, ALTERED, NOT_OURS, OTHER = (
    "unreadable", "not_a_receipt", "wrong_details", "counted", "altered", "not_ours", "other",
)  # fmt: skip
REASONS = (UNREADABLE, NOT_A_RECEIPT, WRONG_DETAILS, COUNTED, ALTERED, NOT_OURS, OTHER)
DISHONEST = frozenset({COUNTED, ALTERED})
"""Refusals that speak against the member, not only against the picture."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One thing that speaks against a claim: its code, the claim or receipt it points to, and a figure."""

    code: str
    claim: str = ""
    receipt: str = ""
    figure: int = 0

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "claim": self.claim, "receipt": self.receipt, "figure": self.figure}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a claim before anything is decided.

    ``pictures``: (claim, bits that differ) of earlier claims whose picture is like this one. ``papers``: open claims of
    others for the same receipt. ``own_receipts``, ``other_receipts``: receipts of the same shop, day and amount that
    belong to this member or to another. ``amounts``: claims of others for the same shop, day and amount. ``till_fen``:
    what the till says of this number, None when it sent none; ``till_receipts``: how many it sent that day.
    """

    pictures: Sequence[tuple[str, int]] = ()
    papers: Sequence[str] = ()
    own_receipts: Sequence[str] = ()
    other_receipts: Sequence[str] = ()
    amounts: Sequence[str] = ()
    till_fen: int | None = None
    till_receipts: int = 0
    refused_before: int = 0
    misread: Sequence[str] = field(default=())


def suspicions(found: Found, net_fen: int) -> list[Suspicion]:
    """What speaks against a claim, the gravest first."""
    told = [Suspicion(PICTURE, claim=claim, figure=bits) for claim, bits in found.pictures]
    told += [Suspicion(PAPER, claim=claim) for claim in found.papers]
    told += [Suspicion(OTHER_RECEIPT, receipt=receipt) for receipt in found.other_receipts]
    if found.refused_before >= REFUSED_MANY:
        told.append(Suspicion(REFUSED_BEFORE, figure=found.refused_before))
    told += [Suspicion(OWN_RECEIPT, receipt=receipt) for receipt in found.own_receipts]
    told += [Suspicion(AMOUNT, claim=claim) for claim in found.amounts]
    if found.till_fen is not None and found.till_fen != net_fen:
        told.append(Suspicion(TILL_AMOUNT, figure=found.till_fen))
    if found.till_fen is None and found.till_receipts:
        told.append(Suspicion(TILL_SILENT, figure=found.till_receipts))
    told += [Suspicion(READING, claim=name) for name in found.misread]
    return told


def is_given_at_once(found: Found, net_fen: int) -> bool:
    """The till sent this receipt with this amount, and nothing grave speaks against it."""
    if found.till_fen != net_fen:
        return False
    return not any(one.code in GRAVE for one in suspicions(found, net_fen))


def misread(reading: Mapping[str, Mapping[str, Any]], typed: Mapping[str, str]) -> list[str]:
    """Fields that a reader of pictures saw clearly (90 % or more) and the member wrote otherwise."""
    return [
        name
        for name, text in typed.items()
        if name in reading and reading[name]["certainty"] >= 90 and str(reading[name]["value"]) != text
    ]


def needs_second(net_fen: int, limit_fen: int) -> bool:
    """Whether two people must look at it."""
    return net_fen > limit_fen
