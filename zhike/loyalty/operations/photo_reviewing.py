"""Photographed receipts under the eyes of staff: given as they are or corrected, or refused with a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, may_touch, require, system_viewer
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from zhike.loyalty.events import PhotoClaimDecided
from zhike.loyalty.models import PhotoClaim
from zhike.loyalty.operations.claiming import AlreadyClaimed, ClaimWindowClosed, give_receipt
from zhike.loyalty.operations.photographing import (
    OPEN,
    SOURCE,
    PaperReceipt,
    PhotoClaimDecidedBefore,
    PhotoClaimNotFound,
    PhotoOutcome,
    held_till,
    require_free,
)
from zhike.loyalty.operations.returning import ReturnLine, return_lines
from zhike.loyalty.operations.spending import ReasonMissing
from zhike.loyalty.operations.state import locked_holder
from zhike.loyalty.operations.taking import take_receipt
from zhike.loyalty.queries.photo_claims import COLUMNS, REVIEW
from zhike.loyalty.queries.receipt_codes import is_too_late
from zhike.loyalty.queries.snapshots import read_programme
from zhike.loyalty.rules import photo_claims as rules
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.sales import operations as sales

APPROVE = "photo_claims.approve"
ACTOR = system_viewer("photo-claims")
SWEPT_DAYS, SWEPT = 14, 500
PAPER_TILL, BACK_TILL = "photo", "photo-back"
"""The till of a receipt whose paper does not name one, and of the return of what the till sent itself with its buyer."""
TEMPLATES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "photo_claim_given": (
        "小票积分到账",
        {
            "zh-hans": ("小票审核通过", "${name}，您提交的${merchant}小票已通过审核，${points} 积分已计入。"),
            "zh-hant": ("小票審核通過", "${name}，您提交的${merchant}小票已通過審核，${points} 積分已計入。"),
            "en": ("Your receipt was accepted", "${name}, your receipt of ${merchant} was accepted: ${points} points."),
        },
    ),
    "photo_claim_refused": (
        "小票审核未通过",
        {
            "zh-hans": ("小票审核未通过", "${name}，您提交的${merchant}小票未通过审核，原因可在“拍照积分”中查看。"),
            "zh-hant": ("小票審核未通過", "${name}，您提交的${merchant}小票未通過審核，原因可在「拍照積分」中查看。"),
            "en": (
                "Your receipt was not accepted",
                "${name}, your receipt of ${merchant} was not accepted. The reason stands in Photographed receipts.",
            ),
        },
    ),
}  # fmt: skip


class OwnReview(NotAllowed):
    code = "photo-claim-own-review"
    title = _("Somebody else than who looked at it first must decide.")


class SecondReviewNeeded(NotAllowed):
    code = "photo-claim-above-authority"
    title = _("A receipt of this amount is decided higher up.")


class TillSaysOtherwise(Conflict):
    code = "photo-claim-till-differs"
    title = _("The till recorded %(amount)s yuan for this receipt. Correct the amount, or refuse the claim.")


class RefusalUnknown(Invalid):
    code = "photo-claim-reason-unknown"
    title = _("This reason is not known.")


@transaction.atomic
def approve_photo(
    *, actor: Viewer, claim_id: UUID, paper: PaperReceipt | None = None, now: dt.datetime
) -> PhotoOutcome:
    """The photograph shows what was claimed, or what ``paper`` says instead: the receipt is the member's and earns.

    The till's own record of it is given; where there is none the receipt is recorded, of its own day. Above the programme's
    limit the first one only says yes, and somebody else with photo_claims.approve gives it. Raises PhotoClaimNotFound,
    PhotoClaimDecidedBefore, ClaimWindowClosed for a day too long before it was handed in, OwnReview, SecondReviewNeeded,
    TillSaysOtherwise, AlreadyClaimed, AlreadyYours,
    ReceiptCameBack, PhotoDetailsUnusable, MemberFrozen, EarningStopped, NotAllowed.
    """
    row = _open(actor, claim_id)
    shown = paper_of(row)
    paper = paper.tidy(now) if paper else shown
    place = organization.merchant_ref(paper.merchant_id)
    if place is None or not may_touch(
        actor, REVIEW, mall=place.mall_id, floor=place.floor_id, merchant=place.id
    ):
        raise PhotoClaimNotFound
    programme = read_programme(row.member.program_id)
    if is_too_late(paper.business_date, programme.claim_window_days, row.handed_in_at):
        raise ClaimWindowClosed(days=programme.claim_window_days)
    _correct(row, shown, paper, place.mall_id)
    if rules.needs_second(paper.net_fen, programme.photo_claim_second_fen):
        if row.state == PhotoClaim.State.WAITING:
            row.state, row.first_by, row.first_at = PhotoClaim.State.SECOND, actor.audit_id, now
            row.save()
            _record(actor, row, "photo_claim.first_yes", now)
            return PhotoOutcome(row.pk, row.state)
        if row.first_by == actor.audit_id:
            raise OwnReview
        if not may_touch(actor, APPROVE, mall=place.mall_id, floor=place.floor_id, merchant=place.id):
            raise SecondReviewNeeded
    elif row.first_by == actor.audit_id:
        row.first_by, row.first_at = "", None
    return _give(actor, row, paper, place.time_zone, now)


def _give(actor: Viewer, row: PhotoClaim, paper: PaperReceipt, zone: str, now: dt.datetime) -> PhotoOutcome:
    till = held_till(paper)
    holder = locked_holder(row.member_id)
    holder.require_earning()
    require_free(row.member, paper, till, apart_from=row.pk)
    if till is not None:
        if till.net_fen != paper.net_fen:
            raise TillSaysOtherwise(amount=f"{till.net_fen / 100:,.2f}")
        outcome = give_receipt(
            row.member, till.id, paper.business_date, actor, now, "photo", asked_at=row.handed_in_at
        )
    else:
        receipt = _receipt_of(row, paper, zone, now)
        outcome = take_receipt(actor=actor, receipt=receipt, member_id=row.member_id, now=now)
        if outcome.status == "duplicate":
            raise AlreadyClaimed
    row.receipt_id, row.points, row.state = outcome.receipt_id, outcome.points, PhotoClaim.State.GIVEN
    row.decided_by, row.decided_at = actor.audit_id, now
    row.save()
    _record(actor, row, "photo_claim.given", now)
    _tell(actor, row, "photo_claim_given", {"points": f"{row.points:,}"}, now)
    return PhotoOutcome(row.pk, row.state, row.receipt_id, row.points)


def _receipt_of(row: PhotoClaim, paper: PaperReceipt, zone: str, now: dt.datetime) -> sales.NewReceipt:
    """What stands on the paper as a sale of its own day; at noon where it does not say when."""
    local = dt.datetime.combine(paper.business_date, paper.bought_at or dt.time(12), ZoneInfo(zone))
    line = sales.NewLine(1, "", _now("Paper receipt"), Decimal(1), paper.net_fen, paper.net_fen)
    return sales.NewReceipt(
        merchant_id=paper.merchant_id,
        mall_id=row.mall_id,
        kind="sale",
        till=paper.till or PAPER_TILL,
        number=paper.number,
        business_date=paper.business_date,
        occurred_at=min(local.astimezone(dt.UTC), now),
        lines=(line,),
        tenders=(sales.NewTender("other", paper.net_fen),),
        source=SOURCE,
    )


@transaction.atomic
def refuse_photo(*, actor: Viewer, claim_id: UUID, reason: str, note: str = "", now: dt.datetime) -> None:
    """No points for it; ``reason`` is one of rules.photo_claims.REASONS, the member reads it and the ``note``.

    Raises PhotoClaimNotFound, PhotoClaimDecidedBefore, RefusalUnknown, ReasonMissing for *other* without a note, NotAllowed.
    """
    row = _open(actor, claim_id)
    if reason not in rules.REASONS:
        raise RefusalUnknown
    if reason == rules.OTHER and not note.strip():
        raise ReasonMissing
    row.state, row.reason, row.note = PhotoClaim.State.REFUSED, reason, note.strip()[:300]
    row.decided_by, row.decided_at = actor.audit_id, now
    row.save()
    _record(actor, row, "photo_claim.refused", now)
    _tell(actor, row, "photo_claim_refused", {}, now)


def match_photos(*, actor: Viewer, now: dt.datetime) -> int:
    """Give what waits for staff and whose receipt the till has sent meanwhile, where nothing grave speaks against it.

    How many. What cannot be given stays for staff. A paper that staff gave, and that the till then sent with its buyer, has
    earned twice: what the paper earned goes back.
    """
    require(actor, REVIEW)
    since = now - dt.timedelta(days=SWEPT_DAYS)
    waiting = PhotoClaim.objects.filter(state=PhotoClaim.State.WAITING, handed_in_at__gte=since)
    given = 0
    for claim_id in list(waiting.order_by("handed_in_at", "id").values_list("id", flat=True)[:SWEPT]):
        try:
            with transaction.atomic():
                given += _match(actor, claim_id, now)
        except Problem:
            continue
    for receipt_id, number, day in _sent_with_buyer(since):
        try:
            return_lines(
                actor=actor, receipt_id=receipt_id, lines=[ReturnLine(1)], till=BACK_TILL, number=number, business_date=day,
                occurred_at=now, source=SOURCE, now=now,
            )  # fmt: skip
        except Problem:
            continue
    return given


def _sent_with_buyer(since: dt.datetime) -> list[tuple[UUID, str, dt.date]]:
    """Receipts that staff recorded from a paper whose purchase the till recorded too, for a member.

    A paper that names no till may be of any; one that names another is the same when the buyer is, its till was misread.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id, p.number, p.business_date FROM loyalty_photoclaim c
            JOIN sales_receipt p ON p.id = c.receipt_id AND p.source = %(photo)s
            WHERE c.state = 'given' AND c.decided_at >= %(since)s
                AND NOT EXISTS (SELECT FROM sales_receipt b WHERE b.original_id = p.id)
                AND EXISTS (SELECT FROM sales_receipt r WHERE r.merchant_id = p.merchant_id
                    AND r.business_date = p.business_date AND r.number = p.number AND r.kind = 'sale' AND r.net_fen = p.net_fen
                    AND r.source <> %(photo)s AND (r.person_id = p.person_id OR (r.person_id IS NOT NULL AND c.till = '')))
            ORDER BY p.id LIMIT %(limit)s""",
            {"photo": SOURCE, "since": since, "limit": SWEPT},
        )
        return list(cursor.fetchall())


def _match(actor: Viewer, claim_id: UUID, now: dt.datetime) -> bool:
    row = _open(actor, claim_id)
    paper = paper_of(row)
    till = held_till(paper)
    grave = any(one["code"] in rules.GRAVE for one in row.suspicions)
    if row.state != PhotoClaim.State.WAITING or till is None or till.net_fen != paper.net_fen or grave:
        return False
    _give(actor, row, paper, "UTC", now)
    return True


def paper_of(row: PhotoClaim) -> PaperReceipt:
    """What the claim says now."""
    return PaperReceipt(row.merchant_id, row.number, row.business_date, row.net_fen, row.till, row.bought_at)


def _open(actor: Viewer, claim_id: UUID) -> PhotoClaim:
    """The undecided claim, held. Raises PhotoClaimNotFound, PhotoClaimDecidedBefore, NotAllowed."""
    require(actor, REVIEW)
    rows = PhotoClaim.objects.select_for_update(of=("self",)).select_related("member")
    try:
        row = load_visible(rows, claim_id, actor, REVIEW, COLUMNS)
    except NotFound as error:
        raise PhotoClaimNotFound from error
    if row.state not in OPEN:
        raise PhotoClaimDecidedBefore
    return row


def _correct(row: PhotoClaim, shown: PaperReceipt, paper: PaperReceipt, mall_id: int) -> None:
    """Take over what the reviewer changed; what stood there before is kept."""
    for name in ("merchant_id", "number", "business_date", "net_fen", "till", "bought_at"):
        before, after = getattr(shown, name), getattr(paper, name)
        if before != after:
            row.corrections.setdefault(name, before.isoformat() if hasattr(before, "isoformat") else before)
            setattr(row, name, after)
    row.mall_id = mall_id


def _record(actor: Viewer, row: PhotoClaim, action: str, now: dt.datetime) -> None:
    about: dict[str, Any] = {
        "claim": str(row.pk),
        "fen": row.net_fen,
        "state": row.state,
        "points": row.points,
    }
    if row.corrections:
        about["corrected"] = dict(row.corrections)
    audit.record(
        actor=actor, action=action, subject=("member", row.member_id), after=about, reason=row.reason or row.note, now=now
    )  # fmt: skip


def _tell(actor: Viewer, row: PhotoClaim, template: str, values: Mapping[str, str], now: dt.datetime) -> None:
    """The fact, and a message to the member; whether it goes out is messaging's to say."""
    member = row.member
    fact = PhotoClaimDecided(
        member.pk, member.person_id, str(row.pk), row.merchant_id, row.mall_id, row.state == PhotoClaim.State.GIVEN,
        row.reason, row.net_fen, row.points, str(row.receipt_id or ""),
    )  # fmt: skip
    events.publish(fact, actor=actor, now=now)
    name, wordings = TEMPLATES[template]
    group_id = read_programme(member.program_id).group_id
    messaging.begin_inbox_template(
        actor=ACTOR, group_id=group_id, code=template, name=name, wordings=wordings, now=now
    )
    merchant = organization.merchant_ref(row.merchant_id)
    messaging.send_messages(
        actor=ACTOR, template=template, person_ids=[member.person_id],
        values={"merchant": merchant.name if merchant else "", **values}, once=f"photo-claim:{row.pk}", now=now,
    )  # fmt: skip
