"""Verifies a member's rotating QR code at a till that has no network: python verify_card.py CARDS.csv PAYLOAD.

Stands alone on purpose: Python's own library and a file of `card number,secret in hex` are all a till needs.
"""

import csv
import hashlib
import hmac
import sys
import time
from pathlib import Path

STEP_S, DIGITS, DRIFT_STEPS = 30, 8, 1


def code_at(secret: bytes, step: int) -> str:
    """RFC 6238 with SHA-256."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha256).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def verify(payload: str, secrets: dict[str, bytes], last_steps: dict[str, int], now: float) -> str:
    """The card number, or ValueError. `last_steps` remembers what was shown here before, so nothing is taken twice."""
    version, _, rest = payload.partition(".")
    number, _, code = rest.rpartition(".")
    if version != "ZK1" or number not in secrets:
        raise ValueError("unknown card")
    current = int(now) // STEP_S
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(code_at(secrets[number], step).encode(), code.encode()):
            if step <= last_steps.get(number, -1):
                raise ValueError("code already used")
            last_steps[number] = step
            return number
    raise ValueError("code expired")


if __name__ == "__main__":
    with Path(sys.argv[1]).open(newline="") as rows:
        cards = {number: bytes.fromhex(secret) for number, secret in csv.reader(rows)}
    try:
        print(verify(sys.argv[2], cards, {}, time.time()))
    except ValueError as refusal:
        sys.exit(str(refusal))
