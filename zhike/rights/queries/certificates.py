"""Is a certificate of erasure what it says it is?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from zhike.kernel import signing
from zhike.rights import rules

PURPOSE = "erasure certificate"


def verdict_on(whole: Mapping[str, Any]) -> str:
    """What is wrong with a certificate as it was downloaded; "" when it is genuine. Raises KeyError, ValueError."""
    text = rules.canonical(whole["document"])
    digest = hashlib.sha256(text.encode()).digest()
    if text != whole["canonical"] or digest.hex() != whole["sha256"]:
        return "the document was changed"
    public_key = bytes.fromhex(whole["public_key"])
    if not signing.is_signed(public_key, digest, bytes.fromhex(whole["signature"])):
        return "the signature does not fit"
    if public_key not in signing.public_keys(PURPOSE).values():
        return "signed, but by a key that is not in this installation's keyring"
    return ""
