"""Who pays for points. A payer is a code: the mall itself, or a party with its id.

Points that several parties pay for are divided when they are earned, into lots that each have one payer; from then on
every point knows its payer, whatever becomes of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

OWN = "mall"
SINCE = "@"
MERCHANT = "merchant"  # in a rule: the merchant of the purchase, whoever that is
WHOLE_BP = 10_000
PAYERS_MAX = 4
_CODE = re.compile(r"mall|merchant|(merchant|brand):[1-9][0-9]{0,17}|bank:[a-z0-9_-]{1,30}", re.ASCII)


def is_own(code: str) -> bool:
    """Whether the mall pays itself, so that nobody owes it anything for these points."""
    code = base_code(code)
    return code == OWN or code.startswith(f"{OWN}:")


def base_code(code: str) -> str:
    """Who pays, of a funding's code: ``mall@7`` are points that the mall gave since version 7 of the rates."""
    return code.partition(SINCE)[0]


def code_since(code: str, version_id: int | None) -> str:
    """The code under which a payer's points are kept apart since a notice; None: since ever."""
    return f"{code[:32]}{SINCE}{version_id}" if version_id else code


def is_payer(code: str) -> bool:
    """Whether a rule may name this payer."""
    return _CODE.fullmatch(code) is not None


def wrong_funding(funding: Mapping[str, int]) -> str | None:
    """Why a rule's ``funding`` (payer: basis points) cannot be used, or None; empty means that the mall pays."""
    if not all(is_payer(code) for code in funding):
        return "unknown_payer"
    if len(funding) > PAYERS_MAX:
        return "too_many_payers"
    if any(not 0 < share <= WHOLE_BP for share in funding.values()):
        return "out_of_range"
    return None if not funding or sum(funding.values()) == WHOLE_BP else "not_ten_thousand"


def payers_at(funding: Mapping[str, int], merchant_id: int) -> dict[str, int]:
    """The payers of a purchase by name, in the order of their codes: who "the merchant" is, is settled here."""
    found: dict[str, int] = {}
    for code, share in funding.items():
        payer = f"{MERCHANT}:{merchant_id}" if code == MERCHANT else code
        found[payer] = found.get(payer, 0) + share
    return dict(sorted(found.items()))


def portions(parts: Sequence[int], upto: int) -> list[int]:
    """How many of the first ``upto`` of all points fall on each of the parts, in proportion to them.

    By the divisor method of Webster and Sainte-Laguë, an equal claim going to the part that comes first: as ``upto``
    grows no portion ever shrinks, and with all points each part is complete. So points may be taken back in steps of any
    sizes, each step being the difference of two portions. (Largest remainders would not do: a portion could shrink.)
    """
    whole, count = sum(parts), len(parts)
    if upto >= whole:
        return list(parts)
    given = [max(0, part * upto // whole - count) for part in parts]
    for _ in range(upto - sum(given)):
        claims = [Fraction(part, 2 * had + 1) for part, had in zip(parts, given, strict=True)]
        given[claims.index(max(claims))] += 1
    return given
