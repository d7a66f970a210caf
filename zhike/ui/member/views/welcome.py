"""The welcome of a new member, on the card until the first purchase and for a while after it."""

from __future__ import annotations

from typing import Any

from zhike.engagement import queries
from zhike.ui.components.welcome import gift_words
from zhike.ui.member.access import SignedIn

SHOWN = ("promised", "waiting", "granted", "taken_back")


def welcome_of(member: SignedIn) -> dict[str, Any] | None:
    """What the card says of it; None when there is nothing (any more) to say."""
    own = queries.own_welcome(member.id, member.now)
    if own is None or own.status not in SHOWN:
        return None
    if own.status == "granted" and (member.now.date() - own.until).days > 0:
        return None
    return {"own": own, "words": gift_words(own.terms, own.coupon_name)}
