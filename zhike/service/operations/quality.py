"""Reviews of conversations, appeals against them, and what is agreed with somebody afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.organization import queries as organization
from zhike.service.events import CoachingNoted, QualityAppealDecided, QualityAppealed, QualityReviewed
from zhike.service.models import CoachingNote, Message, QualityPick, QualityReview
from zhike.service.operations._quality import EDIT, REVIEW, VIEW, about, load, staff_id
from zhike.service.queries import quality_sampling
from zhike.service.queries.conversations import text_of
from zhike.service.queries.quality import items_of
from zhike.service.rules import quality as rules

NOTE_MAX, TEXT_MAX, COACHING_MAX = 300, 600, 1_000
SEAT_NAMES = ("first", "second")


class ReviewInvalid(Invalid):
    code = "quality-review-invalid"
    title = _(
        "Answer every item; a knock-out item is kept or not kept, and evidence names messages of this conversation."
    )


class NotYourReview(Conflict):
    code = "quality-not-yours"
    title = _("This conversation is looked at by somebody else.")


class ReviewFixed(Conflict):
    code = "quality-review-fixed"
    title = _("There was an appeal: only its decision can change the review now.")


class AppealImpossible(Conflict):
    code = "quality-appeal-impossible"
    title = _("Only whoever was reviewed can appeal, once, within the time that is given.")


class AppealTextMissing(Invalid):
    code = "quality-appeal-text"
    title = _("Say why, in 5 to %(limit)s characters.")


class SecondPerson(Conflict):
    code = "quality-second-person"
    title = _("An appeal is decided by somebody who neither reviewed the conversation nor answered it.")


class SeatTaken(Conflict):
    code = "quality-seat-taken"
    title = _("This review is written already, or the person cannot review this conversation.")


class CoachingInvalid(Invalid):
    code = "coaching-invalid"
    title = _("Write between 1 and %(limit)s characters about somebody who answers in this mall.")


@dataclass(frozen=True, slots=True)
class Findings:
    """Answers by item (yes, partly, no, na); notes and evidence by item where there are any."""

    answers: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, Sequence[rules.Quote]] = field(default_factory=dict)
    comment: str = ""


@transaction.atomic
def review_conversation(*, actor: Viewer, pick_id: int, findings: Findings, now: dt.datetime) -> int:
    """Write down what the actor found, in the place that is theirs; the version. Written anew it is a new version.

    When everybody has written who should, the review is done: the person reviewed sees it and may appeal. Raises ReviewInvalid,
    NotYourReview, ReviewFixed, NotFound.
    """
    row = load(pick_id, actor, REVIEW)
    mine = staff_id(actor, NotYourReview)
    seat = next((one for one in SEAT_NAMES if getattr(row, f"{one}_id") == mine), None)
    if seat is None or row.agent_id == mine:
        raise NotYourReview
    if row.appealed_at is not None:
        raise ReviewFixed
    review = _store(row, seat, mine, findings, now)
    written = {*QualityReview.objects.filter(pick=row).values_list("seat", flat=True)}
    if seat == "first":
        row.score, row.is_fatal = review.score, review.is_fatal
    if "first" in written and (not row.is_double or "second" in written):
        row.done_at = row.done_at or now
        plan = quality_sampling.plan_in_force(row.mall_id)
        row.appeal_until = now + dt.timedelta(days=plan.appeal_days if plan else 0)
    row.save()
    _told(actor, row, review, now)
    return review.version


def _store(row: QualityPick, seat: str, reviewer: int, findings: Findings, now: dt.datetime) -> QualityReview:
    """Raises ReviewInvalid."""
    items = items_of(row.checklist)
    notes = {code: " ".join(text.split()) for code, text in findings.notes.items() if text.strip()}
    codes = {one.code for one in items}
    comment = findings.comment.strip()
    fits = rules.answers_are_right(items, findings.answers) and set(notes) <= codes
    fits = fits and set(findings.quotes) <= codes and _quotes_are_right(row, findings.quotes)
    if not fits or len(comment) > TEXT_MAX or any(len(text) > NOTE_MAX for text in notes.values()):
        raise ReviewInvalid
    found = rules.score(items, findings.answers)
    return QualityReview.objects.create(
        pick=row,
        seat=seat,
        version=QualityReview.objects.filter(pick=row, seat=seat).count() + 1,
        reviewer_id=reviewer,
        answers=dict(findings.answers),
        notes=notes,
        quotes={
            code: [[one.number, one.start, one.end] for one in quotes]
            for code, quotes in findings.quotes.items()
            if quotes
        },
        comment=comment,
        score=found.total,
        sections=dict(found.sections),
        is_fatal=bool(found.fatal),
        reviewed_at=now,
    )


def _quotes_are_right(row: QualityPick, quotes: Mapping[str, Sequence[rules.Quote]]) -> bool:
    wanted = [quote for many in quotes.values() for quote in many]
    if any(len(many) > rules.QUOTES_MAX for many in quotes.values()):
        return False
    numbers = {quote.number for quote in wanted}
    known = Message.objects.filter(conversation_id=row.conversation_id, number__in=numbers)
    texts = {message.number: text_of(message) for message in known}
    return all(quote.number in texts and quote.end <= len(texts[quote.number]) for quote in wanted)


def _told(actor: Viewer, row: QualityPick, review: QualityReview, now: dt.datetime) -> None:
    audit.record(
        actor=actor,
        action="quality.review",
        subject=("quality_pick", row.pk),
        after={
            "seat": review.seat,
            "version": review.version,
            "score": review.score,
            "fatal": review.is_fatal,
        },
        now=now,
    )
    fact = QualityReviewed(*about(row), review.seat, review.version, review.score, review.is_fatal)
    events.publish(fact, actor=actor, now=now)


@transaction.atomic
def assign_quality_pick(
    *, actor: Viewer, pick_id: int, seat: str, reviewer_id: int, now: dt.datetime
) -> None:
    """Give a review to somebody else who may review there, as long as it is not written. Raises SeatTaken, NotFound."""
    row = load(pick_id, actor, EDIT)
    able = {pk for pk, _name in organization.staff_at(REVIEW, row.mall_id)}
    other = row.second_id if seat == "first" else row.first_id
    is_free = seat == "first" or (seat == "second" and row.is_double)
    if not is_free or reviewer_id not in able - {row.agent_id, other}:
        raise SeatTaken
    if QualityReview.objects.filter(pick=row, seat=seat).exists():
        raise SeatTaken
    before = getattr(row, f"{seat}_id")
    setattr(row, f"{seat}_id", reviewer_id)
    row.save(update_fields=[seat])
    audit.record(
        actor=actor,
        action="quality.assign",
        subject=("quality_pick", row.pk),
        before={"seat": seat, "staff": before},
        after={"seat": seat, "staff": reviewer_id},
        now=now,
    )


@transaction.atomic
def appeal_review(*, actor: Viewer, pick_id: int, reason: str, now: dt.datetime) -> None:
    """Whoever was reviewed disagrees, once, in time. Raises AppealImpossible, AppealTextMissing, NotFound."""
    row = load(pick_id, actor, VIEW)
    mine = staff_id(actor, AppealImpossible)
    reason = reason.strip()
    if row.agent_id != mine or row.done_at is None or row.appealed_at is not None:
        raise AppealImpossible
    if row.appeal_until is None or now > row.appeal_until:
        raise AppealImpossible
    if not 5 <= len(reason) <= TEXT_MAX:
        raise AppealTextMissing(limit=TEXT_MAX)
    row.appealed_at, row.appeal = now, reason
    row.save(update_fields=["appealed_at", "appeal"])
    audit.record(
        actor=actor, action="quality.appeal", subject=("quality_pick", row.pk), reason=reason, now=now
    )
    events.publish(QualityAppealed(*about(row), row.score or 0), actor=actor, now=now)


@transaction.atomic
def decide_quality_appeal(
    *, actor: Viewer, pick_id: int, decision: str, findings: Findings | None = None, now: dt.datetime
) -> None:
    """Somebody else decides: without findings the review stands, with findings they hold from now on.

    Raises SecondPerson, AppealImpossible (there is none open), AppealTextMissing, ReviewInvalid, NotFound.
    """
    row = load(pick_id, actor, REVIEW)
    mine = staff_id(actor, SecondPerson)
    if row.appealed_at is None or row.decided_at is not None:
        raise AppealImpossible
    wrote = QualityReview.objects.filter(pick=row).values_list("reviewer_id", flat=True)
    if not rules.may_decide(mine, {*wrote, row.first_id or 0}, row.agent_id):
        raise SecondPerson
    decision = decision.strip()
    if not 5 <= len(decision) <= TEXT_MAX:
        raise AppealTextMissing(limit=TEXT_MAX)
    before = row.score
    if findings is not None:
        review = _store(row, "appeal", mine, findings, now)
        row.score, row.is_fatal = review.score, review.is_fatal
        _told(actor, row, review, now)
    row.outcome = "upheld" if findings is None else "changed"
    row.decided_at, row.decided_by_id, row.decision = now, mine, decision
    row.save()
    audit.record(
        actor=actor,
        action="quality.decide",
        subject=("quality_pick", row.pk),
        before={"score": before},
        after={"score": row.score, "outcome": row.outcome},
        reason=decision,
        now=now,
    )
    events.publish(QualityAppealDecided(*about(row), row.outcome, row.score or 0), actor=actor, now=now)


@transaction.atomic
def note_coaching(
    *,
    actor: Viewer,
    mall_id: int,
    coached_id: int,
    text: str,
    pick_id: int | None = None,
    now: dt.datetime,
) -> int:
    """What was agreed with somebody of the desk; its id. Raises CoachingInvalid, NotFound, NotAllowed."""
    require_touch(actor, REVIEW, mall=mall_id)
    text = text.strip()
    able = {pk for pk, _name in organization.staff_at("tickets.handle", mall_id)}
    if pick_id is not None and load(pick_id, actor, REVIEW).agent_id != coached_id:
        raise CoachingInvalid(limit=COACHING_MAX)
    if not 0 < len(text) <= COACHING_MAX or coached_id not in able:
        raise CoachingInvalid(limit=COACHING_MAX)
    row = CoachingNote.objects.create(
        staff_id=coached_id,
        mall_id=mall_id,
        pick_id=pick_id,
        text=text,
        written_at=now,
        written_by_id=actor.id if actor.kind == "staff" else None,
        author=actor.label,
    )
    audit.record(
        actor=actor, action="quality.coach", subject=("staff", coached_id), after={"note": row.pk}, now=now
    )
    events.publish(CoachingNoted(row.pk, coached_id, mall_id, pick_id), actor=actor, now=now)
    return row.pk


@transaction.atomic
def read_coaching(*, actor: Viewer, note_id: int, now: dt.datetime) -> None:
    """Whoever it is about has read it. Again it changes nothing. Raises NotFound."""
    row = CoachingNote.objects.select_for_update().filter(pk=note_id).first()
    if row is None or actor.kind != "staff" or row.staff_id != actor.id:
        raise NotFound
    if row.read_at is None:
        row.read_at = now
        row.save(update_fields=["read_at"])
        audit.record(
            actor=actor,
            action="quality.coach_read",
            subject=("staff", row.staff_id),
            after={"note": row.pk},
            now=now,
        )


@transaction.atomic
def export_quality(*, actor: Viewer, many: int, now: dt.datetime) -> None:
    """Reviews leave the house as a file: that is written down. Raises NotAllowed."""
    require(actor, REVIEW)
    audit.record(actor=actor, action="quality.export", subject=("quality", 0), after={"rows": many}, now=now)
