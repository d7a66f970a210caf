"""Computes a lucky draw again: `python verify_draw.py record.json`. Needs nothing but Python.

The record is what the member app hands out as soon as a draw is over. Checked are: the seed is the one that was committed
to before the start; every roll is HMAC-SHA-256(seed, "code|number|nonce"), first 8 bytes, modulo 1,000,000; every roll means
the prize its odds say; a prize that had run out was replaced by the one that never does; no number is missing.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any


def verify(record: dict[str, Any]) -> list[str]:
    """Sentences of what does not fit; none when all is right."""
    seed = bytes.fromhex(record["seed"])
    wrong = []
    if hashlib.sha256(seed).hexdigest() != record["commitment"]:
        wrong.append("the seed is not the one that was committed to")
    prizes, left = record["prizes"], [one["stock"] for one in record["prizes"]]
    fallback = next(place for place, one in enumerate(prizes) if one["fallback"])
    if sum(one["odds_ppm"] for one in prizes) != 1_000_000:
        wrong.append("the odds do not sum to 100%")
    if [one["number"] for one in record["tickets"]] != list(range(1, record["drawn"] + 1)):
        wrong.append("a ticket is missing")
    for ticket in record["tickets"]:
        message = f"{record['code']}|{ticket['number']}|{ticket['nonce']}".encode()
        digest = hmac.new(seed, message, hashlib.sha256).digest()
        roll = rest = int.from_bytes(digest[:8], "big") % 1_000_000
        place = 0
        while rest >= prizes[place]["odds_ppm"]:
            rest -= prizes[place]["odds_ppm"]
            place += 1
        given = place if left[place] is None or left[place] > 0 else fallback
        if left[given] is not None:
            left[given] -= 1
        if (ticket["roll"], ticket["drawn"], ticket["prize"]) != (roll, place, given):
            wrong.append(f"ticket {ticket['number']}: expected roll {roll}, prize {prizes[given]['name']}")
    return wrong


if __name__ == "__main__":
    FOUND = verify(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print("\n".join(FOUND) or "every draw is as it was promised")
    sys.exit(bool(FOUND))
