"""Reviews of conversations: whose turn it is, one of them beside its conversation, checklists, plans and draws."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from zhike.kernel.access import Viewer, load_visible, may_touch, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.service.models import (
    CoachingNote,
    Message,
    QualityChecklist,
    QualityChecklistVersion,
    QualityDraw,
    QualityPick,
    QualityPlan,
    QualityReview,
    SurveyAnswer,
    WordAlert,
)
from zhike.service.queries import quality_sampling as sampling
from zhike.service.queries.conversations import MessageView, views_of
from zhike.service.rules import quality as rules
from zhike.service.rules import quality_facts

VIEW, REVIEW, EDIT = "quality.view", "quality.review", "quality.edit"
COLUMNS = {"mall": "mall_id", "own": "agent_id"}
NEWEST = Keyset((("week", "desc"), ("id", "desc")))
QUEUES = ("mine", "waiting", "done", "appeals", "all")
MESSAGES_MAX = 500


@dataclass(frozen=True, slots=True)
class PickView:
    """A conversation that is looked at; ``seat`` is the viewer's own place in it ("" when they have none)."""

    id: int
    number: str
    mall_id: int
    agent_id: int | None
    agent: str
    skill: str
    week: dt.date
    reasons: tuple[str, ...]
    checklist: str
    version: int
    first: str
    second: str
    is_double: bool
    seat: str
    is_written: bool
    done_at: dt.datetime | None
    score: int | None
    is_fatal: bool
    appealed_at: dt.datetime | None
    appeal: str
    appeal_until: dt.datetime | None
    decided_at: dt.datetime | None
    decided_by: str
    outcome: str
    decision: str
    closed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quote with the words it points at, as long as the message is there."""

    quote: rules.Quote
    text: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    id: int
    seat: str
    version: int
    reviewer: str
    answers: Mapping[str, str]
    notes: Mapping[str, str]
    quotes: Mapping[str, tuple[Evidence, ...]]
    comment: str
    score: int
    sections: Mapping[str, int]
    is_fatal: bool
    reviewed_at: dt.datetime
    holds: bool

    @property
    def in_order(self) -> list[tuple[str, int]]:
        """Scores of the sections in the order in which they are looked at."""
        return [(code, self.sections[code]) for code in rules.SECTIONS if code in self.sections]


@dataclass(frozen=True, slots=True)
class PickFile:
    """What a review screen shows: the conversation, the checklist, the facts, and the reviews the viewer may read."""

    pick: PickView
    items: tuple[rules.Item, ...]
    messages: tuple[MessageView, ...]
    facts: Mapping[str, quality_facts.Fact]
    reviews: tuple[ReviewView, ...]
    coaching: tuple[CoachingView, ...]
    may_review: bool
    may_appeal: bool
    may_decide: bool


@dataclass(frozen=True, slots=True)
class CoachingView:
    id: int
    staff_id: int
    staff: str
    text: str
    written_at: dt.datetime
    author: str
    read_at: dt.datetime | None
    pick_id: int | None


@dataclass(frozen=True, slots=True)
class ChecklistView:
    id: int
    code: str
    name: str
    skills: tuple[str, ...]
    channels: tuple[str, ...]
    is_open: bool
    version: int
    items: tuple[rules.Item, ...]
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class PlanView:
    mall_id: int
    mall: str
    row: QualityPlan | None
    reviewers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class DrawView:
    """``repeats``: the same seed gives the same picks again from what is kept today."""

    id: int
    mall: str
    week: dt.date
    seed: str
    plan_version: int
    population: int
    picks: int
    drawn_at: dt.datetime
    repeats: bool


def items_of(version: QualityChecklistVersion) -> tuple[rules.Item, ...]:
    return tuple(rules.Item(**one) for one in version.items)


def _in_scope(viewer: Viewer, mall_id: int | None) -> QuerySet[QualityPick]:
    """Supervisors their malls, an agent what was finished about them."""
    require(viewer, VIEW)
    rows = visible(QualityPick.objects.all(), viewer, VIEW, COLUMNS)
    if not viewer.may(REVIEW):
        rows = rows.filter(done_at__isnull=False)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def _mine(viewer: Viewer) -> Q:
    me = viewer.id if viewer.kind == "staff" else None
    return Q(first_id=me) | Q(second_id=me) if me else Q(pk__in=())


_RELATED = ("conversation", "agent", "first", "second", "decided_by", "checklist__checklist")


def picks_page(
    viewer: Viewer,
    *,
    queue: str = "all",
    mall_id: int | None = None,
    agent_id: int | None = None,
    week: dt.date | None = None,
    reason: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[PickView]:
    """Conversations looked at, the newest week first; ``queue`` as in QUEUES. Raises NotAllowed, BadCursor."""
    rows = _queue(_in_scope(viewer, mall_id), queue, viewer)
    if agent_id is not None:
        rows = rows.filter(agent_id=agent_id)
    if week is not None:
        rows = rows.filter(week=week)
    if reason:
        rows = rows.filter(reasons__contains=[reason])
    page = NEWEST.page(rows.select_related(*_RELATED), cursor, min(max(limit, 1), 200))
    return Listing(_views(page.items, viewer), page.next_cursor, page.previous_cursor)


def _queue(rows: QuerySet[QualityPick], queue: str, viewer: Viewer) -> QuerySet[QualityPick]:
    if queue == "mine":
        me = viewer.id or 0
        written = QualityReview.objects.filter(reviewer_id=me).exclude(seat="appeal").values("pick_id")
        return rows.filter(_mine(viewer), done_at=None).exclude(pk__in=written)
    if queue == "waiting":
        return rows.filter(done_at=None)
    if queue == "done":
        return rows.filter(done_at__isnull=False)
    if queue == "appeals":
        return rows.filter(appealed_at__isnull=False, decided_at=None)
    return rows


def quality_counts(viewer: Viewer, mall_id: int | None = None) -> dict[str, int]:
    """How many stand in each queue. Raises NotAllowed."""
    rows = _in_scope(viewer, mall_id)
    return {queue: _queue(rows, queue, viewer).count() for queue in QUEUES}


def pick(viewer: Viewer, pick_id: int) -> PickView:
    """Raises NotFound."""
    return _views([_load(viewer, pick_id)], viewer)[0]


def _load(viewer: Viewer, pick_id: int) -> QualityPick:
    """Raises NotFound for a missing and a hidden one, and for one that an agent is not to see yet."""
    rows = QualityPick.objects.select_related(*_RELATED)
    if not viewer.may(REVIEW):
        rows = rows.filter(done_at__isnull=False)
    return load_visible(rows, pick_id, viewer, VIEW, COLUMNS)


def pick_file(viewer: Viewer, pick_id: int, now: dt.datetime) -> PickFile:
    """One review screen. Reviews of others are hidden until all that are owed are written. Raises NotFound."""
    row = _load(viewer, pick_id)
    shown = _views([row], viewer)[0]
    messages = views_of(
        list(Message.objects.filter(conversation_id=row.conversation_id).order_by("number")[:MESSAGES_MAX])
    )
    reviews = _reviews(row, {one.number: one.text for one in messages}, viewer)
    me = viewer.id if viewer.kind == "staff" else None
    wrote = QualityReview.objects.filter(pick=row).values_list("reviewer_id", flat=True)
    reviewers = {pk for pk in (row.first_id, *wrote) if pk}
    is_reviewer = may_touch(viewer, REVIEW, mall=row.mall_id)
    is_open = row.appealed_at is None
    return PickFile(
        pick=shown,
        items=items_of(row.checklist),
        messages=tuple(messages),
        facts={one.code: one for one in facts_of(row, messages)},
        reviews=tuple(reviews),
        coaching=tuple(_coaching(CoachingNote.objects.filter(pick=row))),
        may_review=bool(shown.seat) and is_reviewer and is_open and row.agent_id != me,
        may_appeal=bool(
            me
            and row.agent_id == me
            and row.done_at
            and is_open
            and row.appeal_until
            and now <= row.appeal_until
        ),
        may_decide=not is_open
        and row.decided_at is None
        and is_reviewer
        and rules.may_decide(me, reviewers, row.agent_id),
    )


def _reviews(row: QualityPick, texts: Mapping[int, str], viewer: Viewer) -> list[ReviewView]:
    """Newest version first. Before the end everybody sees only what they wrote themselves."""
    rows = QualityReview.objects.filter(pick=row).select_related("reviewer").order_by("-id")
    if row.done_at is None:
        me = viewer.id if viewer.kind == "staff" else 0
        rows = rows.filter(reviewer_id=me)
    found = list(rows)
    held = next((one for one in found if one.seat == "appeal"), None)
    held = held or next((one for one in found if one.seat == "first"), None)
    return [
        ReviewView(
            id=one.pk,
            seat=one.seat,
            version=one.version,
            reviewer=one.reviewer.name,
            answers=one.answers,
            notes=one.notes,
            quotes={code: _evidence(many, texts) for code, many in one.quotes.items()},
            comment=one.comment,
            score=one.score,
            sections=one.sections,
            is_fatal=one.is_fatal,
            reviewed_at=one.reviewed_at,
            holds=one is held,
        )
        for one in found
    ]


def _evidence(many: Sequence[Sequence[int]], texts: Mapping[int, str]) -> tuple[Evidence, ...]:
    found = []
    for number, start, end in many:
        text = texts.get(number, "")
        found.append(Evidence(rules.Quote(number, start, end), text[start:end] if end else text))
    return tuple(found)


def facts_of(row: QualityPick, messages: Sequence[MessageView]) -> list[quality_facts.Fact]:
    """What can be computed of the conversation; shown beside the items, never scored."""
    said = [
        quality_facts.Said(
            one.number,
            one.kind,
            one.author_kind,
            one.audience,
            one.text,
            str(one.details.get("what", "")),
            one.written_at,
        )
        for one in messages
    ]
    words = WordAlert.objects.filter(conversation_id=row.conversation_id, speaker="staff")
    words = words.exclude(verdict="harmless").order_by("message__number")
    plan = row.draw.plan
    csat = SurveyAnswer.objects.filter(ticket_id=row.conversation.ticket_id or 0, survey__kind="csat")
    numbers = list(words.values_list("message__number", flat=True))
    return quality_facts.facts(
        said, plan.answer_within_s, numbers, csat.values_list("score", flat=True).first()
    )


def _views(rows: Sequence[QualityPick], viewer: Viewer) -> list[PickView]:
    me = viewer.id if viewer.kind == "staff" else None
    written = set(
        QualityReview.objects.filter(pick__in=[row.pk for row in rows], reviewer_id=me or 0)
        .exclude(seat="appeal")
        .values_list("pick_id", flat=True)
    )
    return [_view(row, me, row.pk in written) for row in rows]


def _view(row: QualityPick, me: int | None, is_written: bool) -> PickView:
    same: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "mall_id", "agent_id", "skill", "week", "is_double", "done_at", "appealed_at", "appeal", "appeal_until",
            "decided_at", "outcome", "decision",
        )
    }  # fmt: skip
    seat = "first" if me and row.first_id == me else "second" if me and row.second_id == me else ""
    return PickView(
        id=row.pk,
        number=row.conversation.number,
        agent=row.agent.name if row.agent else "",
        reasons=tuple(row.reasons),
        checklist=row.checklist.checklist.name,
        version=row.checklist.version,
        first=row.first.name if row.first else "",
        second=row.second.name if row.second else "",
        seat=seat,
        is_written=is_written,
        score=row.score if row.done_at else None,
        is_fatal=row.is_fatal and row.done_at is not None,
        decided_by=row.decided_by.name if row.decided_by else "",
        closed_at=row.conversation.closed_at,
        **same,
    )


# --- coaching ------------------------------------------------------------------------------------------------------


def coaching_notes(
    viewer: Viewer, *, staff_id: int | None = None, mall_id: int | None = None
) -> list[CoachingView]:
    """What was agreed, newest first: an agent sees their own. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(CoachingNote.objects.all(), viewer, VIEW, {"mall": "mall_id", "own": "staff_id"})
    if staff_id is not None:
        rows = rows.filter(staff_id=staff_id)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    return _coaching(rows)


def _coaching(rows: QuerySet[CoachingNote]) -> list[CoachingView]:
    return [
        CoachingView(
            row.pk,
            row.staff_id,
            row.staff.name,
            row.text,
            row.written_at,
            row.author,
            row.read_at,
            row.pick_id,
        )
        for row in rows.select_related("staff").order_by("-written_at", "-id")[:100]
    ]


# --- what is judged by ---------------------------------------------------------------------------------------------


def quality_checklists(viewer: Viewer, group_id: int) -> list[ChecklistView]:
    """Every checklist with its newest items, open ones first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = list(QualityChecklist.objects.filter(group_id=group_id).order_by("-is_open", "id"))
    newest = {
        (one.checklist_id, one.version): one
        for one in QualityChecklistVersion.objects.filter(checklist__in=rows)
    }
    found = []
    for row in rows:
        version = newest[row.pk, row.version]
        found.append(
            ChecklistView(
                row.pk,
                row.code,
                row.name,
                tuple(row.skills),
                tuple(row.channels),
                row.is_open,
                row.version,
                items_of(version),
                version.published_at,
                version.published_by,
            )
        )
    return found


def quality_plans(viewer: Viewer) -> list[PlanView]:
    """The plan in force of every mall in scope. Raises NotAllowed."""
    require(viewer, VIEW)
    found = []
    for mall in organization.malls(viewer, VIEW):
        row = sampling.plan_in_force(mall.id)
        names = dict(organization.staff_at(REVIEW, mall.id)) if row else {}
        many = tuple((names.get(pk, "–"), quota) for pk, quota in row.reviewers) if row else ()
        found.append(PlanView(mall.id, mall.name, row, many))
    return found


def quality_reviewers(viewer: Viewer, mall_id: int) -> list[tuple[int, str]]:
    """Who may review in a mall, by name. Raises NotAllowed."""
    require(viewer, VIEW)
    return organization.staff_at(REVIEW, mall_id)


def quality_draws(viewer: Viewer, limit: int = 12) -> list[DrawView]:
    """Weeks that were drawn, newest first, each repeated to see whether the same comes out. Raises NotAllowed."""
    require(viewer, REVIEW)
    rows = visible(QualityDraw.objects.all(), viewer, REVIEW, {"mall": "mall_id"})
    found = []
    for row in rows.select_related("plan", "mall").order_by("-week", "mall_id")[:limit]:
        picks = QualityPick.objects.filter(draw=row)
        drawn = set(picks.filter(reasons__contains=["random"]).values_list("conversation_id", flat=True))
        again = rules.draw(
            sampling.candidates(row.plan, row.week), row.seed, row.plan.percent, row.plan.at_least
        )
        found.append(
            DrawView(
                row.pk,
                row.mall.name,
                row.week,
                row.seed,
                row.plan.version,
                row.population,
                picks.count(),
                row.drawn_at,
                drawn == set(again),
            )
        )
    return found
