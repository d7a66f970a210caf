"""The rotating code of a member card: RFC 6238 TOTP, SHA-256, 30-second steps, 8 digits."""

from __future__ import annotations

import hashlib
import hmac
import struct

STEP_S = 30
DIGITS = 8
DRIFT_STEPS = 1
PREFIX = "ZK1"


def step_at(unix_time: float) -> int:
    return int(unix_time) // STEP_S


def code_at(secret_hex: str, step: int) -> str:
    """The code of one step (RFC 4226 dynamic truncation of HMAC-SHA-256)."""
    digest = hmac.new(bytes.fromhex(secret_hex), struct.pack(">Q", step), hashlib.sha256).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def payload(number: str, secret_hex: str, unix_time: float) -> str:
    """What the QR shows: ``ZK1.<card number>.<code>``."""
    return f"{PREFIX}.{number}.{code_at(secret_hex, step_at(unix_time))}"


def parse(text: str) -> tuple[str, str] | None:
    """(card number, code) of a payload, or None when it is not one."""
    parts = text.strip().split(".")
    if len(parts) != 3 or parts[0] != PREFIX or len(parts[2]) != DIGITS or not parts[2].isdecimal():
        return None
    return parts[1], parts[2]


def matching_step(secret_hex: str, code: str, unix_time: float) -> int | None:
    """The step the code belongs to, at most one before or after now; None when it is wrong or old."""
    now = step_at(unix_time)
    for step in (now, now - DRIFT_STEPS, now + DRIFT_STEPS):
        if hmac.compare_digest(code_at(secret_hex, step), code):
            return step
    return None
