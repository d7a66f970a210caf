"""Which decision is in force, and when one may ask again. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
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
    return decision_for(standings, purpose, ANY)


def decision_for(standings: Iterable[Standing], purpose: str, channel: str) -> str:
    """What was decided last about a purpose on this channel or on any; "" when it was never asked."""
    deciding = _deciding(standings, purpose, channel)
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


def is_pausing(
    standings: Iterable[Standing], purpose: str, channel: str, now: dt.datetime, pause: dt.timedelta
) -> bool:
    """Whether a no was said so short a while ago that it is left alone."""
    deciding = _deciding(standings, purpose, channel)
    return deciding is not None and deciding.decision != "granted" and now - deciding.decided_at < pause


def strictest(decisions: Iterable[str]) -> str:
    """What holds for one human being known by several ids: any no, else any silence (""), else the grant of all."""
    known = list(decisions)
    for decision in ("withdrawn", "refused", ""):
        if decision in known:
            return decision
    return "granted" if known else ""


def of_sides(sides: Sequence[tuple[dt.datetime | None, Sequence[Standing]]]) -> list[list[Standing]]:
    """What stands for each side of merged persons: its own decisions, and the others' made since they are one.

    Each side comes with the moment it was merged (None: the survivor) and its own standings. A grant holds for all
    only if it holds on every side, so merging never widens anything; a later decision of the one human being counts on
    every side, so a later no is a no for all.
    """
    found = []
    for since, own in sides:
        known = list(own)
        for other_since, others in sides:
            if others is own:
                continue
            begin = max(moment for moment in (since, other_since) if moment is not None)
            known += [one for one in others if one.decided_at >= begin]
        found.append(_newest(known))
    return found


def _newest(standings: Iterable[Standing]) -> list[Standing]:
    """One for each purpose and channel; of two at one moment the no."""
    newest: dict[tuple[str, str], Standing] = {}
    for one in sorted(standings, key=lambda s: (s.decided_at, s.decision != "granted")):
        newest[one.purpose, one.channel] = one
    return list(newest.values())
