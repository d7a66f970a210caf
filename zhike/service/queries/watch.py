"""Watched words, and what was said that should be looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.service.models import SensitiveWord, WordAlert
from zhike.service.queries.conversations import BODY_FIELD
from zhike.service.rules import watch as rules

HANDLE = "tickets.handle"
COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("noticed_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class WordView:
    id: int
    word: rules.Word
    created_at: dt.datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class WordAlertView:
    """An alert with the sentence in pieces, each with whether it is what was noticed."""

    id: int
    number: str
    mall_id: int
    speaker: str
    staff: str
    category: str
    severity: str
    terms: tuple[str, ...]
    pieces: tuple[tuple[str, bool], ...]
    noticed_at: dt.datetime
    verdict: str
    note: str
    judged_at: dt.datetime | None
    judged_by: str


def sound_of(text: str) -> list[str]:
    """The syllable of each Chinese character, without tones; other characters as they are."""
    from pypinyin import lazy_pinyin  # a large table, read when it is needed

    return [lazy_pinyin(letter)[0] if rules.is_han(letter) else letter for letter in text]


def word_of(row: SensitiveWord) -> rules.Word:
    return rules.Word(row.term, row.folded, row.sound, row.category, row.severity, row.speaker)


def watched(group_id: int) -> list[rules.Word]:
    """What is watched now, for whoever stores messages."""
    return [word_of(row) for row in SensitiveWord.objects.filter(group_id=group_id, retired_at=None)]


def noticed(words: Sequence[rules.Word], text: str, speaker: str) -> list[rules.Hit]:
    """The watched words in what somebody said."""
    folded = rules.fold(text)
    return rules.hits(folded, sound_of(folded.text), words, speaker)


def sensitive_words(viewer: Viewer, group_id: int) -> list[WordView]:
    """What is watched, by category. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = SensitiveWord.objects.filter(group_id=group_id, retired_at=None).order_by("category", "term")
    return [WordView(row.pk, word_of(row), row.created_at, row.created_by) for row in rows]


def word_alerts_page(
    viewer: Viewer,
    *,
    queue: str = "open",
    speaker: str = "",
    category: str = "",
    mall_id: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[WordAlertView]:
    """Alerts in scope, newest first; ``queue`` is open, upheld, harmless or all. Raises NotAllowed, BadCursor."""
    rows = _in_scope(viewer, mall_id)
    if queue != "all":
        rows = rows.filter(verdict="" if queue == "open" else queue)
    if speaker:
        rows = rows.filter(speaker=speaker)
    if category:
        rows = rows.filter(category=category)
    rows = rows.select_related("conversation", "message", "staff")
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing([_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def word_alert(viewer: Viewer, alert_id: int) -> WordAlertView:
    """One alert in scope. Raises NotFound."""
    rows = WordAlert.objects.select_related("conversation", "message", "staff")
    return _view(load_visible(rows, alert_id, viewer, HANDLE, COLUMNS))


def word_alert_counts(viewer: Viewer, mall_id: int | None = None) -> dict[str, int]:
    """How many alerts are open, upheld and harmless, and how many open ones are serious. Raises NotAllowed."""
    counts: dict[str, int] = _in_scope(viewer, mall_id).aggregate(
        open=Count("id", filter=Q(verdict="")),
        serious=Count("id", filter=Q(verdict="", severity="serious")),
        upheld=Count("id", filter=Q(verdict="upheld")),
        harmless=Count("id", filter=Q(verdict="harmless")),
    )
    return counts


def _in_scope(viewer: Viewer, mall_id: int | None) -> QuerySet[WordAlert]:
    require(viewer, HANDLE)
    rows = visible(WordAlert.objects.all(), viewer, HANDLE, COLUMNS)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def _view(row: WordAlert) -> WordAlertView:
    text = crypto.decrypt(bytes(row.message.body), field=BODY_FIELD, row=str(row.message_id))
    same: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "mall_id", "speaker", "category", "severity", "noticed_at", "verdict", "note", "judged_at", "judged_by",
        )
    }  # fmt: skip
    return WordAlertView(
        id=row.pk,
        number=row.conversation.number,
        staff=organization.staff_member(row.staff_id).name if row.staff_id else "",
        terms=tuple(row.terms),
        pieces=tuple(rules.pieces(text, row.marks)),
        **same,
    )
