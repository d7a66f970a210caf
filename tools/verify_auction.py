"""Check an auction from its published record, with nothing but Python: ``python tools/verify_auction.py auction-1.json``.

The record says which terms were promised, which commitments were made in which order, and, after the end, what each bid
was. This says what does not fit: terms that changed, a bid that was changed, left out or put in, or another winner than
the highest bids, the earlier of equal ones.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

STANDS = ("won", "lost", "void")
"""States of the bids that stood at the end; void: its member may not have it any more."""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def verify(record: dict[str, Any], receipts: tuple[str, ...] = ()) -> list[str]:
    """What is wrong; empty when all is as promised. ``receipts`` are commitments that bidders were given."""
    wrong: list[str] = []
    terms, bids = record["terms"], record["bids"]
    said = json.dumps(terms, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if _sha256(said) != record["digest"]:
        wrong.append("the terms are not those that were published")
    head = record["digest"]
    for one in bids:
        head = _sha256(f"{head}|{one['commitment']}")
    if head != record["head"]:
        wrong.append("bids were added, left out or put in another order")
    if [one["number"] for one in bids] != list(range(1, len(bids) + 1)):
        wrong.append("the bids are not numbered one by one")
    wrong += [
        f"nobody kept the bid {one}" for one in receipts if one not in {bid["commitment"] for bid in bids}
    ]
    return wrong + (_result(terms, bids) if record["status"] == "closed" else [])


def _result(terms: dict[str, Any], bids: list[dict[str, Any]]) -> list[str]:
    wrong = []
    for one in bids:
        text = f"{terms['code']}|{one['number']}|{one['bidder']}|{one['points']}|{one['salt']}"
        if _sha256(text) != one["commitment"]:
            wrong.append(f"bid {one['number']} is not what was committed to")
    board = _board(terms, bids)
    wrong += [
        f"bid {one['number']} {'stood' if one['number'] in board else 'did not stand'} at the end"
        for one in bids
        if (one["state"] in STANDS) != (one["number"] in board)
    ]
    ranking = sorted(
        (one for one in bids if one["state"] in STANDS), key=lambda one: (-one["points"], one["number"])
    )
    able = [one for one in ranking if one["state"] != "void"]
    for place, one in enumerate(able, 1):
        right = place if place <= terms["units"] else None
        if one["place"] != right or (one["state"] == "won") != (right is not None):
            wrong.append(f"bid {one['number']} should have place {right}")
    return wrong


def _board(terms: dict[str, Any], bids: list[dict[str, Any]]) -> set[int]:
    """The numbers of the bids that stand when all were made: one a bidder, of the open kind as many as there are units."""
    standing: dict[int, dict[str, Any]] = {}
    for one in bids:
        standing[one["bidder"]] = one
        if terms["kind"] == "open" and len(standing) > terms["units"]:
            weakest = min(standing.values(), key=lambda bid: (bid["points"], -bid["number"]))
            del standing[weakest["bidder"]]
    return {one["number"] for one in standing.values()}


if __name__ == "__main__":
    found = verify(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), tuple(sys.argv[2:]))
    print("\n".join(found) or "The record fits: terms, bids and winners are as they were promised.")
    sys.exit(bool(found))
