"""What people say: comments with how they were read, topics against the period before, what goes with their scores."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncWeek

from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.service.models import Verbatim, VerbatimModel
from zhike.service.queries.tickets import HANDLE
from zhike.service.queries.verbatim_model import topic_titles, words_of_verbatims
from zhike.service.rules import improvement, regression
from zhike.service.rules import surveys as survey_rules
from zhike.service.rules import verbatims as rules

COLUMNS = {"mall": "mall_id"}
NEWEST = Keyset((("said_at", "desc"), ("id", "desc")))
LIMIT_MAX = 200
SEARCHED_MAX = 2_000
"""A search for words looks at so many of the newest comments: what members wrote in chats is encrypted."""
DRIVER_CASES_MIN = 8
DRIVER_ANSWERS_MIN = 40
DRIVERS_OVER = dt.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class VerbatimView:
    """``topics`` are (code, title, sentiment). ``number`` is of the ticket or the conversation, ``score`` of the answer."""

    id: int
    source: str
    words: str
    sentiment: str
    sureness: float
    topics: tuple[tuple[str, str, str], ...]
    is_decided: bool
    decided_by: str
    score: int | None
    number: str
    survey_id: int | None
    mall_id: int | None
    merchant_id: int | None
    merchant_name: str
    said_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TopicRow:
    """Comments that name a topic, by how content they were with it; ``change`` is of the discontent ones among all comments."""

    code: str
    title: str
    positive: int
    neutral: int
    negative: int
    change: improvement.Change

    @property
    def count(self) -> int:
        return self.positive + self.neutral + self.negative

    @property
    def share_negative(self) -> float:
        return self.negative / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class ReadingQuality:
    """How far the reading can be trusted here: ``agreed`` of ``decided`` comments had the sentiment that people gave them.

    ``figures`` are those of the model's tests, with ``examples`` it learnt from.
    """

    decided: int
    agreed: int
    figures: dict[str, Any]
    trained_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Listening:
    """A period against the one before. ``unsure`` wait for somebody to decide; ``by_week`` is (Monday, sentiment → count)."""

    total: int
    before: int
    sentiments: dict[str, int]
    sentiments_before: dict[str, int]
    topics: tuple[TopicRow, ...]
    by_week: tuple[tuple[dt.date, dict[str, int]], ...]
    unread: int
    unsure: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Which comments: everything is a condition, None or "" is none."""

    mall_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    topic: str = ""
    sentiment: str = ""
    source: str = ""
    survey_id: int | None = None
    merchant_id: int | None = None
    unsure: bool = False
    words: str = ""


def _rows(viewer: Viewer, heard: Heard) -> QuerySet[Verbatim]:
    rows = visible(Verbatim.objects.all(), viewer, HANDLE, COLUMNS)
    found = {
        "mall_id": heard.mall_id,
        "said_at__gte": heard.since,
        "said_at__lt": heard.until,
        "source": heard.source or None,
        "answer__survey_id": heard.survey_id,
        "merchant_id": heard.merchant_id,
    }
    rows = rows.filter(**{name: value for name, value in found.items() if value is not None})
    if heard.topic and heard.sentiment:
        rows = rows.filter(topics__contains={heard.topic: heard.sentiment})
    elif heard.topic:
        rows = rows.filter(topics__has_key=heard.topic)
    elif heard.sentiment:
        rows = rows.filter(sentiment=heard.sentiment)
    if heard.unsure:
        rows = rows.filter(decided_at=None, sureness__lt=rules.UNSURE).exclude(digest="")
    return rows


def verbatims_page(
    viewer: Viewer, heard: Heard, *, cursor: str | None = None, limit: int = 30
) -> Listing[VerbatimView]:
    """Comments, newest first, without anybody's name. With a topic, ``sentiment`` is about that topic. A search for words
    is one page of what the newest 2,000 hold. Raises NotAllowed, BadCursor.
    """
    require(viewer, HANDLE)
    rows = _rows(viewer, heard).select_related("answer__version", "answer__survey", "ticket", "conversation")
    limit = min(max(limit, 1), LIMIT_MAX)
    if not heard.words:
        page = NEWEST.page(rows, cursor, limit)
        return Listing(_views(list(page.items)), page.next_cursor, page.previous_cursor)
    wanted = rules.plain(heard.words)
    newest = list(rows.order_by("-said_at", "-id")[:SEARCHED_MAX])
    said = words_of_verbatims(newest)
    return Listing(_views([row for row in newest if wanted in rules.plain(said[row.pk])][:limit]), None, None)


def verbatim(viewer: Viewer, verbatim_id: int) -> VerbatimView:
    """Raises NotFound."""
    row = load_visible(Verbatim.objects.all(), verbatim_id, viewer, HANDLE, COLUMNS)
    return _views([row])[0]


def ticket_verbatim(viewer: Viewer, ticket_id: int) -> VerbatimView | None:
    """How a ticket's opening was read; None before it was, or for whoever may not handle tickets there."""
    if not viewer.may(HANDLE):
        return None
    row = visible(Verbatim.objects.all(), viewer, HANDLE, COLUMNS).filter(ticket_id=ticket_id).first()
    return _views([row])[0] if row and row.sentiment else None


def _views(rows: list[Verbatim]) -> list[VerbatimView]:
    titles = topic_titles()
    said = words_of_verbatims(rows)
    views = []
    for row in rows:
        shop = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
        told_in = row.ticket or row.conversation or (row.answer.ticket if row.answer else None)
        views.append(
            VerbatimView(
                id=row.pk,
                source=row.source,
                words=said[row.pk],
                sentiment=row.sentiment,
                sureness=row.sureness,
                topics=tuple((code, titles.get(code, code), how) for code, how in sorted(row.topics.items())),
                is_decided=row.decided_at is not None,
                decided_by=row.decided_by,
                score=row.answer.score if row.answer else None,
                number=told_in.number if told_in else "",
                survey_id=row.answer.survey_id if row.answer else None,
                mall_id=row.mall_id,
                merchant_id=row.merchant_id,
                merchant_name=shop.name if shop else "",
                said_at=row.said_at,
            )
        )
    return views


# --- figures -------------------------------------------------------------------------------------------------------


def listening(
    viewer: Viewer, heard: Heard, *, since: dt.datetime, until: dt.datetime, zone: dt.tzinfo
) -> Listening:
    """A period by topic and sentiment against the one of the same length before it. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = _rows(viewer, heard)
    now_rows = rows.filter(said_at__gte=since, said_at__lt=until)
    old_rows = rows.filter(said_at__gte=since - (until - since), said_at__lt=since)
    topics, feelings = _counted(now_rows)
    topics_before, feelings_before = _counted(old_rows)
    total, before = feelings.total(), feelings_before.total()
    titles = topic_titles()
    found = [
        TopicRow(
            code,
            titles.get(code, code),
            counts["positive"],
            counts["neutral"],
            counts["negative"],
            improvement.change(
                counts["negative"], total, topics_before.get(code, Counter())["negative"], before
            ),
        )
        for code, counts in topics.items()
    ]
    weeks: dict[dt.date, dict[str, int]] = {}
    by_week = now_rows.annotate(week=TruncWeek("said_at", tzinfo=zone)).values_list("week", "sentiment")
    for week, sentiment, n in by_week.annotate(n=Count("id")).order_by("week"):
        weeks.setdefault(week.date(), {})[sentiment] = n
    return Listening(
        total=total,
        before=before,
        sentiments=dict(feelings),
        sentiments_before=dict(feelings_before),
        topics=tuple(sorted(found, key=lambda one: (-one.negative, -one.count, one.code))),
        by_week=tuple(weeks.items()),
        unread=feelings[""],
        unsure=_rows(viewer, Heard(mall_id=heard.mall_id, unsure=True)).count(),
    )


def _counted(rows: QuerySet[Verbatim]) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """(topic → sentiment → comments, sentiment of the whole → comments), grouped by the database."""
    topics: dict[str, Counter[str]] = defaultdict(Counter)
    feelings: Counter[str] = Counter()
    for named, sentiment, n in rows.values_list("topics", "sentiment").annotate(n=Count("id")).order_by():
        feelings[sentiment] += n
        for code, how in named.items():
            topics[code][how] += n
    return dict(topics), feelings


def reading_quality(viewer: Viewer) -> ReadingQuality:
    """How well comments are read. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(Verbatim.objects.exclude(decided_at=None), viewer, HANDLE, COLUMNS)
    pairs = [(mine, read.get("sentiment")) for mine, read in rows.values_list("sentiment", "read_as")]
    newest = VerbatimModel.objects.order_by("-id").first()
    agreed = sum(1 for mine, theirs in pairs if mine == theirs)
    return ReadingQuality(
        len(pairs), agreed, newest.figures if newest else {}, newest.trained_at if newest else None
    )


@dataclass(frozen=True, slots=True)
class ScoreDriver:
    """How many points of 100 a score is higher (or lower) when a topic is named so, all other topics being equal."""

    code: str
    title: str
    sentiment: str
    count: int
    effect: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        return self.low > 0 or self.high < 0


def score_drivers(
    viewer: Viewer, *, mall_id: int | None, survey_id: int | None = None, now: dt.datetime
) -> tuple[ScoreDriver, ...]:
    """What goes with the scores of answers that have words, over a year: least squares of the score (0 to 100) on topics,
    with heteroscedasticity-consistent 95 % intervals (HC3). () with too few answers. It shows what goes together, not
    what causes what. Raises NotAllowed.
    """
    require(viewer, HANDLE)
    heard = Heard(mall_id=mall_id, survey_id=survey_id, source="answer", since=now - DRIVERS_OVER)
    rows = _rows(viewer, heard).exclude(digest="", decided_at=None)
    told = list(rows.values_list("answer__score", "answer__survey__kind", "topics"))
    named = Counter((code, how) for _score, _kind, topics in told for code, how in topics.items())
    columns = sorted(key for key, n in named.items() if n >= DRIVER_CASES_MIN and key[1] != "neutral")
    if len(told) < max(DRIVER_ANSWERS_MIN, 3 * len(columns)) or not columns:
        return ()
    fitted = regression.least_squares(
        [[float(topics.get(code) == how) for code, how in columns] for _score, _kind, topics in told],
        [_percent(score, kind) for score, kind, _topics in told],
    )
    titles = topic_titles()
    found = [
        ScoreDriver(
            code, titles.get(code, code), how, named[code, how], one[0], one[0] - one[1], one[0] + one[1]
        )
        for (code, how), one in zip(columns, fitted, strict=True)
        if one is not None
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_sure, -abs(one.effect))))


def _percent(score: int, kind: str) -> float:
    lowest, highest = survey_rules.SCALES[kind]
    return 100 * (score - lowest) / (highest - lowest)


def net_of(counts: dict[str, int]) -> float | None:
    """Share of content comments less share of discontent ones; None without any."""
    total = sum(counts.get(one, 0) for one in rules.SENTIMENTS)
    return (counts.get("positive", 0) - counts.get("negative", 0)) / total if total else None
