"""What people mean when they write back. Pure."""

from __future__ import annotations

import datetime as dt
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


def kind_of_following(is_following: bool, is_sign: bool) -> str:
    """One letter: somebody followed (f), left (l), or did what only followers can (s)."""
    return "s" if is_sign else "f" if is_following else "l"


def is_newer(known_at: dt.datetime, told: str, at: dt.datetime, kind: str) -> bool:
    """Whether an event of ``at`` changes what is known of ``known_at``, when kinds ``told`` were heard of that second."""
    if at != known_at:
        return at > known_at
    return kind != "s" and kind not in told
