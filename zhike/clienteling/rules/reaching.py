"""Which ways lead to a member now. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

CHANNELS = ("call", "wecom", "sms", "in_person")
CONSENT_CHANNELS = {"call": "phone", "wecom": "wechat", "sms": "sms"}
RESULTS = ("talked", "answered", "sent", "no_answer", "wrong_number", "asked_not_to")


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of a member and one channel. ``decision`` is granted, refused, withdrawn or "" (never asked)."""

    channel: str
    decision: str
    has_address: bool
    is_gone: bool
    is_suppressed: bool
    quiet_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Way:
    """``closed`` says why not: gone, no_address, refused, not_asked, suppressed, quiet; "" when it is open."""

    channel: str
    closed: str = ""
    until: dt.datetime | None = None


def way(reach: Reach, *, for_service: bool) -> Way:
    """An offer needs a consent for its channel; what a member waits for does not, but who said no to a channel is not
    called there, and quiet hours hold for both. In person nothing has to be asked.
    """
    if reach.is_gone:
        return Way(reach.channel, "gone")
    if reach.channel == "in_person":
        return Way(reach.channel)
    if not reach.has_address:
        return Way(reach.channel, "no_address")
    if reach.decision in ("refused", "withdrawn"):
        return Way(reach.channel, "refused")
    if reach.is_suppressed:
        return Way(reach.channel, "suppressed")
    if not reach.decision and not for_service:
        return Way(reach.channel, "not_asked")
    if reach.quiet_until is not None:
        return Way(reach.channel, "quiet", reach.quiet_until)
    return Way(reach.channel)
