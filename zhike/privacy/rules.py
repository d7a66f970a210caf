"""Which decision is in force, and when one may ask again. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

ANY = "any"
ASK_AGAIN_AFTER = dt.timedelta(days=180)
"""How long a refusal or withdrawal is left alone."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest decision on one purpose and channel."""

    purpose: str
    channel: str
    decision: str
    decided_at: dt.datetime


def _deciding(standings: Iterable[Standing], purpose: str, channel: str) -> Standing | None:
    """What was decided last about this purpose, on this channel or on any."""
    concerned = [s for s in standings if s.purpose == purpose and s.channel in (channel, ANY)]
    return max(concerned, key=lambda s: (s.decided_at, s.channel != ANY), default=None)


def may_contact(standings: Iterable[Standing], purpose: str, channel: str) -> bool:
    """Only with a grant in force, for the channel itself or for any; silence is no consent."""
    deciding = _deciding(standings, purpose, channel)
    return deciding is not None and deciding.decision == "granted"


def decision_on(standings: Iterable[Standing], purpose: str) -> str:
    """What was decided last about a purpose on any channel at all; "" when it was never asked."""
    deciding = _deciding(standings, purpose, ANY)
    return deciding.decision if deciding else ""


def has_grant(standings: Iterable[Standing], purpose: str, channel: str) -> bool:
    """Whether there is anything to withdraw; for the channel "any" a grant on one channel is enough."""
    known = list(standings)
    channels = {s.channel for s in known} if channel == ANY else {channel}
    return any(may_contact(known, purpose, one) for one in channels)


def may_ask_again(
    standings: Iterable[Standing], purpose: str, channel: str, now: dt.datetime, pause: dt.timedelta
) -> bool:
    """Never while granted; after a no only once the pause is over."""
    deciding = _deciding(standings, purpose, channel)
    if deciding is None:
        return True
    return deciding.decision != "granted" and now - deciding.decided_at >= pause
