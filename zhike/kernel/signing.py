"""Ed25519 signatures of this installation: one key pair per purpose, derived by HKDF from the keyring's secrets.

What is derived needs no file of its own and is as safe as the keyring. A rotation of the keyring makes a new pair; what
the old one signed stays provable, because whoever keeps a signature keeps the public key with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zhike.kernel import keyring


@dataclass(frozen=True, slots=True)
class Signature:
    """``kid`` names the secret of the keyring the pair comes from; ``public_key`` has 32 bytes, ``value`` 64."""

    kid: str
    public_key: bytes
    value: bytes


def sign(purpose: str, message: bytes) -> Signature:
    """Sign with the newest key. ``purpose`` ("ledger digest") keeps signatures of different kinds apart."""
    ring = keyring.current()
    pair = _pair(purpose, ring.keys[ring.newest_kid])
    return Signature(ring.newest_kid, pair.public_key().public_bytes_raw(), pair.sign(message))


def public_keys(purpose: str) -> dict[str, bytes]:
    """The public keys of every secret in the keyring by its id, oldest first."""
    keys = keyring.current().keys
    return {kid: _pair(purpose, secret).public_key().public_bytes_raw() for kid, secret in keys.items()}


def is_signed(public_key: bytes, message: bytes, value: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _pair(purpose: str, secret: bytes) -> Ed25519PrivateKey:
    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"zhike signature|{purpose}".encode())
    return Ed25519PrivateKey.from_private_bytes(derive.derive(secret))
