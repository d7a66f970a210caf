"""Segments, as the API takes and gives them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from zhike.ui.api.schemas import Id, Input, text


class DefinitionIn(Input):
    """A tree of conditions; `mall_id` null is the whole group's."""

    definition: dict[str, Any]
    mall_id: Id | None = None


class SegmentIn(DefinitionIn):
    """A new segment."""

    code: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    name: Annotated[str, text(80, 1)]
    note: Annotated[str, text(300)] = ""


class SegmentSavedOut(Schema):
    id: int


class SegmentOut(Schema):
    """`count` is as of `counted_at`, for the whole place; null until it was first counted."""

    id: int
    code: str
    name: str
    note: str
    mall_id: int | None
    count: int | None
    counted_at: dt.datetime | None


class SegmentsOut(Schema):
    items: list[SegmentOut]


class SegmentFileOut(Schema):
    segment: SegmentOut
    version: int
    definition: dict[str, Any]
    sentence: str


class CountOut(Schema):
    """Members within the key's scope."""

    count: int


class MembersOfSegmentOut(Schema):
    """`next_after` continues; null at the end."""

    items: list[int]
    next_after: int | None
