"""The key pair by which push services know this house (RFC 8292), and the token that it signs."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
TOKEN_LIFETIME = dt.timedelta(hours=12)
"""Push services refuse tokens that live longer than 24 hours."""


def new_key() -> str:
    """A private key in base64url, as everybody exchanges VAPID keys."""
    return packed(ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(32, "big"))


@functools.lru_cache(maxsize=16)
def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError."""
    raw = unpacked(text)
    if len(raw) != 32:
        raise ValueError("a private key has 32 bytes")
    return ec.derive_private_key(int.from_bytes(raw, "big"), CURVE)


def is_private_key(text: str) -> bool:
    try:
        private_key(text)
    except ValueError:
        return False
    return True


def public_key(text: str) -> str:
    """The public half, as a browser wants it: ``applicationServerKey``."""
    point = private_key(text).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return packed(point)


def authorization(text: str, audience: str, contact: str, now: dt.datetime) -> str:
    """The header for requests to one push service: ``audience`` is its scheme and host."""
    claims = {"aud": audience, "exp": int((now + TOKEN_LIFETIME).timestamp()), "sub": contact}
    token = jwt.encode(claims, private_key(text), algorithm="ES256")
    return f"vapid t={token}, k={public_key(text)}"


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    """Raises ValueError for what is not base64url."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
