"""Tags, as the API takes and gives them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from zhike.ui.api.schemas import Input, text


class TagOut(Schema):
    """`rule` is the one in force; null for tags that are given by hand, and until one is published."""

    code: str
    name: str
    name_en: str
    category: str
    kind: str
    state: str
    version: int
    ttl_days: int | None
    rule: dict[str, Any] | None
    sentence: str


class TagsOut(Schema):
    items: list[TagOut]


class MemberTagOut(Schema):
    """`source` is rule, staff or member; `figures` are those of the rule's conditions in reading order."""

    code: str
    name: str
    category: str
    source: str
    since: dt.datetime
    why: str
    figures: list[int]
    by: str
    note: str


class MemberTagsOut(Schema):
    items: list[MemberTagOut]
    refused: list[MemberTagOut]


class MarkIn(Input):
    """A tag given by hand, or refused."""

    code: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    is_on: Annotated[bool, Field(strict=True)] = True
    note: Annotated[str, text(200)] = ""
