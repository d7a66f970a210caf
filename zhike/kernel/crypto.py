"""Encryption of single fields, and blind indexes to find them by.

AES-256-GCM with a key per field, derived by HKDF from the keyring. The envelope `v1.<kid>.<nonce>.<ciphertext>` names
its key, and the additional data "model|field|row" bind it to its place: a value copied to another row does not decrypt.
An index is a version byte and 16 bytes of HMAC-SHA-256 under a key of its own; Chinese mobile numbers can be
enumerated, so its safety rests on that key alone. Callers normalise before indexing.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zhike.kernel import keyring

SCHEME = b"v1"
NONCE_BYTES = 12
INDEX_BYTES = 16


class DecryptionFailed(Exception):
    """The key is unknown, or the value was changed or moved. Says which field, never the value."""


def encrypt(text: str, *, field: str, row: str | int) -> bytes:
    """The envelope of `text` for one field ("customers.identifier.value") of one row."""
    kid = keyring.current().newest_kid
    nonce = os.urandom(NONCE_BYTES)
    sealed = _cipher(kid, keyring.current().keys[kid], field).encrypt(
        nonce, text.encode(), _place(field, row)
    )
    return b".".join([SCHEME, kid.encode(), _pack(nonce), _pack(sealed)])


def decrypt(envelope: bytes, *, field: str, row: str | int) -> str:
    """The text of an envelope. Raises DecryptionFailed."""
    try:
        scheme, kid, nonce, sealed = bytes(envelope).split(b".")
        if scheme != SCHEME:
            raise DecryptionFailed(f"{field}: unknown scheme")
        name = kid.decode("ascii")
        cipher = _cipher(name, _secret(name, field), field)
        return cipher.decrypt(_unpack(nonce), _unpack(sealed), _place(field, row)).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise DecryptionFailed(f"{field}: not readable with its key at this place") from error


def key_id(envelope: bytes) -> str:
    """The id of the key that an envelope was made with, "" for anything else."""
    parts = bytes(envelope).split(b".")
    return parts[1].decode("ascii", "replace") if len(parts) == 4 and parts[0] == SCHEME else ""


def blind_index(value: str, *, field: str) -> bytes:
    """The index to store: equal values of a field have equal indexes. 17 bytes, the first is the key's version."""
    ring = keyring.current()
    return _index(ring.newest_index_version, ring.index_keys[ring.newest_index_version], value, field)


def blind_indexes(value: str, *, field: str) -> list[bytes]:
    """The indexes to look for, newest first: under all live versions, because a rotation takes time."""
    versions = reversed(keyring.current().index_keys.items())
    return [_index(version, secret, value, field) for version, secret in versions]


def _secret(kid: str, field: str) -> bytes:
    secret = keyring.current().keys.get(kid) or keyring.reload().keys.get(kid)
    if secret is None:
        raise DecryptionFailed(f"{field}: no key {kid!r}")
    return secret


@functools.lru_cache(maxsize=512)
def _cipher(kid: str, secret: bytes, field: str) -> AESGCM:
    return AESGCM(_derive(secret, f"zhike/field/{kid}/{field}"))


@functools.lru_cache(maxsize=512)
def _index_key(secret: bytes, field: str) -> bytes:
    return _derive(secret, f"zhike/index/{field}")


def _index(version: int, secret: bytes, value: str, field: str) -> bytes:
    digest = hmac.digest(_index_key(secret, field), value.encode(), "sha256")
    return bytes([version]) + digest[:INDEX_BYTES]


def _derive(secret: bytes, info: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info.encode()).derive(secret)


def _place(field: str, row: str | int) -> bytes:
    model, _dot, column = field.rpartition(".")
    if not model or row in ("", None):
        raise ValueError(
            "encryption needs a field such as 'customers.identifier.value' and the id of the row"
        )
    return f"{model}|{column}|{row}".encode()


def _pack(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _unpack(text: bytes) -> bytes:
    """Only what `_pack` makes: one value has one text."""
    raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _pack(raw) != text:
        raise ValueError("not canonical")
    return raw
