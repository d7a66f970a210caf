"""What people mean when they write back. Pure."""

from __future__ import annotations

import re
import unicodedata

_REFUSALS = frozenset(
    ("r", "td", "t", "n", "0000", "stop", "unsubscribe", "quit", "退订", "退訂", "拒收", "取消", "停止")
)
_NOISE = re.compile(r"[\s\W_]+")
_BEGINNINGS = ("退订", "退訂", "拒收", "td", "unsubscribe")


def is_refusal(text: str) -> bool:
    """Whether this asks for no more messages. When in doubt it does: nobody minds one message less."""
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return plain in _REFUSALS or plain.startswith(_BEGINNINGS)
