"""Who a campaign is meant for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from zhike.insight import queries as insight
from zhike.kernel.access import Viewer
from zhike.loyalty import queries as loyalty

SEGMENTS = "segments.view"


@dataclass(frozen=True, slots=True)
class Audience:
    """``id`` None is every member in scope; ``count`` is what was counted last, None when nobody counted."""

    id: int | None
    code: str
    name: str
    count: int | None = None


def audiences(viewer: Viewer) -> list[Audience]:
    """What the viewer may choose from: everybody, then the segments by name."""
    segments = insight.segments(viewer) if viewer.may(SEGMENTS) else []
    return [
        Audience(None, "", _("All members")),
        *(Audience(one.id, one.code, one.name, one.count) for one in segments),
    ]


def audience_names(viewer: Viewer) -> dict[int | None, str]:
    """For pages that list campaigns."""
    return {one.id: one.name for one in audiences(viewer)}


def audience_members(
    viewer: Viewer, segment: int | None, mall_id: int | None, now: dt.datetime
) -> Iterator[int]:
    """The ids of the members meant, in order, as the segment stands now, within the viewer's scope and the mall's.

    To be looked at as a member is enough here; consent to offers is asked at the gates, so that the planner can tell who
    lacks it. Raises SegmentNotFound, NotAllowed.
    """
    everybody = loyalty.each_member_id(viewer, mall_id=mall_id)
    if segment is None:
        return everybody
    chosen = insight.segment_members(viewer, segment, purpose="membership", channel=None, now=now)
    if mall_id is None:
        return chosen
    here = set(everybody)
    return (member_id for member_id in chosen if member_id in here)
