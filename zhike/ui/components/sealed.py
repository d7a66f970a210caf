"""Personal data on its way through a session: the session's row holds an envelope, never the text."""

from __future__ import annotations

from zhike.kernel import crypto

_FIELD = "session.value"


def seal(text: str) -> str:
    """What may stand in a session."""
    return crypto.encrypt(text, field=_FIELD, row="session").decode()


def unseal(envelope: object) -> str | None:
    """The text of an envelope; None for anything else, and when its key was retired since: then it is asked for anew."""
    try:
        return crypto.decrypt(str(envelope).encode(), field=_FIELD, row="session") if envelope else None
    except crypto.DecryptionFailed:
        return None
