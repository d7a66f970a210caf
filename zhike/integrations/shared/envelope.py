"""How WeChat seals what it calls us with: AES-256-CBC under the EncodingAESKey, signed by SHA-1 with the token.

Plain text inside: 16 random bytes, the length in 4 bytes big-endian, the message, the appid; padded to blocks of 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32


class Unsealable(ValueError):
    """Not signed with our token, or not sealed with our key for our appid."""


def signature(token: str, *parts: str) -> str:
    """Over the parts and the token in the order of the alphabet. SHA-1 is WeChat's choice, not ours."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def is_signed(given: str, token: str, *parts: str) -> bool:
    return hmac.compare_digest(signature(token, *parts).encode(), given.encode())


def is_aes_key(text: str) -> bool:
    """An EncodingAESKey: 43 letters and digits, which are 32 bytes."""
    try:
        return len(text) == 43 and len(_key(text)) == 32
    except Unsealable:
        return False


def opened(sealed: str, aes_key: str, app_id: str) -> bytes:
    """The message. Raises Unsealable; what is wrong is not told, so that nobody learns from it."""
    key = _key(aes_key)
    try:
        raw = base64.b64decode(sealed, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = decryptor.update(raw) + decryptor.finalize()
        pad = plain[-1]
        [length] = struct.unpack(">I", plain[16:20])
        is_padded = 1 <= pad <= BLOCK and plain[-pad:] == bytes([pad]) * pad
    except (ValueError, IndexError, struct.error) as error:
        raise Unsealable from error
    message, receiver = plain[20 : 20 + length], plain[20 + length : len(plain) - pad]
    if not is_padded or len(message) != length or not hmac.compare_digest(receiver, app_id.encode()):
        raise Unsealable
    return message


def sealed(message: bytes, aes_key: str, app_id: str) -> str:
    """As WeChat does it, for the emulator."""
    key = _key(aes_key)
    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + app_id.encode()
    pad = BLOCK - len(plain) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def _key(aes_key: str) -> bytes:
    try:
        return base64.b64decode(aes_key + "=", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unsealable from error
