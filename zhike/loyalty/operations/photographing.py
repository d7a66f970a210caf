"""小票拍照积分: a member hands in the photograph of a paper receipt. What the till knows too is theirs at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound, TooMany
from zhike.kernel.pictures import Picture, PictureUnreadable, clean_picture, difference
from zhike.kernel.uploads import drop_upload, keep_upload
from zhike.loyalty.events import PhotoClaimHandedIn
from zhike.loyalty.models import Member, PhotoClaim
from zhike.loyalty.operations.claiming import (
    AlreadyClaimed,
    AlreadyYours,
    ClaimWindowClosed,
    ReceiptCameBack,
    give_receipt,
    hold_paper,
)
from zhike.loyalty.operations.state import locked_holder
from zhike.loyalty.queries.members import MemberNotFound, family_of
from zhike.loyalty.queries.photo_claims import given_by_photo
from zhike.loyalty.queries.receipt_codes import is_too_late
from zhike.loyalty.rules import photo_claims as rules
from zhike.organization import queries as organization
from zhike.sales import queries as records

PICTURE_BYTES_MAX = 10 * 1024 * 1024
SOURCE = "photo"
OPEN = (PhotoClaim.State.WAITING, PhotoClaim.State.SECOND)
AMOUNT_FEN_MAX = 10_000_000_000
SEEN_DAYS = 400
"""How far back the same picture is looked for."""


class PictureUnusable(Invalid):
    code = "picture-unusable"
    title = _(
        "Send a photograph of the receipt: JPEG, PNG or WebP up to 10 MB, at least 200 points wide and high."
    )


class PhotoClaimsOff(Conflict):
    code = "photo-claims-off"
    title = _("Receipts are not taken by photograph here.")


class TooManyPhotos(TooMany):
    code = "photo-claims-too-many"
    title = _("Up to %(limit)s photographs of receipts are taken a day. Please hand in the others tomorrow.")


class HandedInBefore(Conflict):
    code = "photo-claim-before"
    title = _("You handed in this receipt already; it is being looked at.")


class PhotoDetailsUnusable(Invalid):
    code = "photo-details-unusable"
    title = _("What stands on the receipt is missing or cannot be right.")


class PhotoClaimNotFound(NotFound):
    code = "photo-claim-not-found"
    title = _("There is no such photographed receipt.")


class PhotoClaimDecidedBefore(Conflict):
    code = "photo-claim-decided"
    title = _("This photographed receipt was decided before.")


@dataclass(frozen=True, slots=True)
class PaperReceipt:
    """What stands on a paper receipt: ``net_fen`` what was paid, ``till`` and ``bought_at`` where they can be read."""

    merchant_id: int
    number: str
    business_date: dt.date
    net_fen: int
    till: str = ""
    bought_at: dt.time | None = None

    def tidy(self, now: dt.datetime) -> PaperReceipt:
        """Without stray spaces. Raises PhotoDetailsUnusable naming every field that cannot be."""
        tidy = replace(self, number=self.number.strip(), till=self.till.strip())
        wrong = {
            "number": not 0 < len(tidy.number) <= 60 or not tidy.number.isprintable(),
            "till": len(tidy.till) > 40 or not tidy.till.isprintable(),
            "amount": not 0 < tidy.net_fen <= AMOUNT_FEN_MAX,
            "business_date": not dt.date(2000, 1, 1)
            <= tidy.business_date
            <= now.date() + dt.timedelta(days=1),
        }
        fields: dict[str, list[Any]] = {
            name: [_("This value cannot be used.")] for name, is_wrong in wrong.items() if is_wrong
        }
        if fields:
            raise PhotoDetailsUnusable(fields=fields)
        return tidy


@dataclass(frozen=True, slots=True)
class TillReceipt:
    """The till's own record of a paper receipt; its row is held."""

    id: UUID
    net_fen: int
    person_id: int | None


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """``state``: given with its points, or waiting for staff (``second``: for the second of them)."""

    claim_id: UUID
    state: str
    receipt_id: UUID | None = None
    points: int = 0


def hand_in_photo(
    *,
    actor: Viewer,
    member_id: int,
    picture: bytes,
    paper: PaperReceipt,
    reading: Mapping[str, Mapping[str, Any]] | None = None,
    now: dt.datetime,
) -> PhotoOutcome:
    """A member hands in a photograph of a receipt; theirs at once when the till sent the same, else staff look at it.

    The picture is drawn anew, so that nothing hidden in the file is kept. ``reading`` is what a reader of pictures saw
    ({field: {value, certainty}}). Raises PictureUnusable, PhotoDetailsUnusable, PhotoClaimsOff, TooManyPhotos,
    ClaimWindowClosed, HandedInBefore, AlreadyYours, AlreadyClaimed, ReceiptCameBack, MemberNotFound, MemberFrozen,
    EarningStopped, NotAllowed, NotFound for a merchant that is not there.
    """
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    merchant = organization.merchant_ref(paper.merchant_id)
    if merchant is None:
        raise NotFound
    if not (actor.kind == "member" and actor.id == member.person_id):
        require_touch(
            actor, "receipts.claim", mall=merchant.mall_id, floor=merchant.floor_id, merchant=merchant.id
        )
    paper = paper.tidy(now)
    if len(picture) > PICTURE_BYTES_MAX:
        raise PictureUnusable
    try:
        drawn = clean_picture(picture)
    except PictureUnreadable as error:
        raise PictureUnusable from error
    path = keep_upload("receipts", drawn.content)
    try:
        with transaction.atomic():
            return _hand_in(actor, member, merchant.mall_id, paper, drawn, path, dict(reading or {}), now)
    except BaseException:
        drop_upload(path)
        raise


def _hand_in(
    actor: Viewer,
    member: Member,
    mall_id: int,
    paper: PaperReceipt,
    drawn: Picture,
    path: str,
    reading: dict[str, Any],
    now: dt.datetime,
) -> PhotoOutcome:
    till = held_till(paper)
    holder = locked_holder(member.pk)
    holder.require_earning()
    programme, today = holder.programme, holder.programme.today(now)
    _require_room(member.pk, programme.photo_claims_day, today)
    if is_too_late(paper.business_date, programme.claim_window_days, now):
        raise ClaimWindowClosed(days=programme.claim_window_days)
    require_free(member, paper, till)
    found = find_out(member, paper, till, drawn.fingerprint, reading, now)
    row = PhotoClaim.objects.create(
        member=member, mall_id=mall_id, merchant_id=paper.merchant_id, till=paper.till, number=paper.number,
        business_date=paper.business_date, bought_at=paper.bought_at, net_fen=paper.net_fen, path=path,
        fingerprint=drawn.fingerprint, reading=reading, state=PhotoClaim.State.WAITING, handed_in_on=today,
        handed_in_at=now, suspicions=[one.as_json() for one in rules.suspicions(found, paper.net_fen)],
    )  # fmt: skip
    if till is not None and rules.is_given_at_once(found, paper.net_fen):
        outcome = give_receipt(member, till.id, paper.business_date, actor, now, "photo", asked_at=now)
        row.state, row.receipt_id, row.points = PhotoClaim.State.GIVEN, till.id, outcome.points
        row.decided_at = now
        row.save()
    audit.record(
        actor=actor, action="photo_claim.hand_in", subject=("member", member.pk),
        after={"claim": str(row.pk), "merchant": paper.merchant_id, "fen": paper.net_fen, "state": row.state}, now=now,
    )  # fmt: skip
    fact = PhotoClaimHandedIn(
        member.pk, member.person_id, str(row.pk), paper.merchant_id, mall_id, paper.net_fen, row.state,
        tuple(one["code"] for one in row.suspicions),
    )  # fmt: skip
    events.publish(fact, actor=actor, now=now)
    return PhotoOutcome(row.pk, row.state, row.receipt_id, row.points)


def held_till(paper: PaperReceipt) -> TillReceipt | None:
    """What the till sent of this paper, held. Whoever decides about the same paper waits until the transaction ends.

    The order of locks is the same everywhere: the paper, the till's receipt, the account.
    """
    hold_paper(paper.merchant_id, paper.number, paper.business_date)
    found = records.find_claimable(paper.merchant_id, paper.number, paper.business_date, paper.till or None)
    receipt = records.lock_receipt(found.pk) if found else None
    return TillReceipt(receipt.pk, receipt.net_fen, receipt.person_id) if receipt else None


def _require_room(member_id: int, limit: int, today: dt.date) -> None:
    """The caller holds the account. Raises PhotoClaimsOff, TooManyPhotos."""
    if not limit:
        raise PhotoClaimsOff
    taken = PhotoClaim.objects.filter(member_id__in=family_of(member_id), handed_in_on=today)
    if taken.exclude(state=PhotoClaim.State.WITHDRAWN).count() >= limit:
        raise TooManyPhotos(limit=limit, retry_after=3600)


def require_free(
    member: Member, paper: PaperReceipt, till: TillReceipt | None, apart_from: UUID | None = None
) -> None:
    """Raises HandedInBefore, AlreadyYours, AlreadyClaimed, ReceiptCameBack."""
    own = family_of(member.pk)
    same = PhotoClaim.objects.filter(
        merchant_id=paper.merchant_id, business_date=paper.business_date, number=paper.number
    )
    if any(
        pk != apart_from for pk in same.filter(member_id__in=own, state__in=OPEN).values_list("id", flat=True)
    ):
        raise HandedInBefore
    owner = given_by_photo(paper.merchant_id, paper.number, paper.business_date, paper.till, paper.net_fen)
    if owner is not None:
        raise AlreadyYours if owner in own else AlreadyClaimed
    if till is None:
        return
    if till.person_id is not None:
        is_own = customers.survivor_of(till.person_id) == customers.survivor_of(member.person_id)
        raise AlreadyYours if is_own else AlreadyClaimed
    if records.was_returned(till.id):
        raise ReceiptCameBack


def find_out(
    member: Member,
    paper: PaperReceipt,
    till: TillReceipt | None,
    fingerprint: str,
    reading: Mapping[str, Mapping[str, Any]],
    now: dt.datetime,
    apart_from: UUID | None = None,
) -> rules.Found:
    """What is known that bears on a claim; see rules.Found."""
    own = family_of(member.pk)
    persons = {customers.survivor_of(member.person_id), member.person_id}
    earlier = PhotoClaim.objects.exclude(id=apart_from) if apart_from else PhotoClaim.objects.all()
    others = earlier.exclude(member_id__in=own)
    owned = records.sales_of_sum(paper.merchant_id, paper.business_date, paper.net_fen)
    theirs = [str(receipt) for receipt, person in owned if customers.survivor_of(person) not in persons]
    typed = {
        "business_date": paper.business_date.isoformat(),
        "number": paper.number,
        "net_fen": str(paper.net_fen),
    }
    refused = earlier.filter(
        member_id__in=own, state=PhotoClaim.State.REFUSED, reason__in=rules.DISHONEST,
        decided_at__gte=now - dt.timedelta(days=rules.REFUSED_DAYS),
    )  # fmt: skip
    of_shop = others.filter(merchant_id=paper.merchant_id, business_date=paper.business_date)
    return rules.Found(
        pictures=_like(fingerprint, now, apart_from),
        papers=[
            str(pk) for pk in of_shop.filter(number=paper.number, state__in=OPEN).values_list("id", flat=True)
        ],
        own_receipts=[str(receipt) for receipt, person in owned if str(receipt) not in theirs],
        other_receipts=theirs,
        amounts=[
            str(pk)
            for pk in of_shop.filter(net_fen=paper.net_fen)
            .exclude(number=paper.number)
            .exclude(state__in=(PhotoClaim.State.REFUSED, PhotoClaim.State.WITHDRAWN))
            .values_list("id", flat=True)[:5]
        ],
        till_fen=till.net_fen if till else None,
        till_receipts=records.till_sales_count(paper.merchant_id, paper.business_date, SOURCE),
        refused_before=refused.count(),
        misread=rules.misread(reading, typed),
    )


def _like(fingerprint: str, now: dt.datetime, apart_from: UUID | None) -> list[tuple[str, int]]:
    """Earlier claims whose picture is the same or nearly so, the likest first. Compared where they lie."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.id, c.fingerprint FROM loyalty_photoclaim c
            WHERE c.handed_in_at > %(since)s AND c.id IS DISTINCT FROM %(apart)s::uuid AND c.state <> 'withdrawn'
                AND bit_count(('x' || c.fingerprint)::bit(256) # ('x' || %(print)s)::bit(256)) <= %(bits)s
            ORDER BY c.handed_in_at DESC, c.id DESC LIMIT 5""",
            {
                "since": now - dt.timedelta(days=SEEN_DAYS), "apart": apart_from, "print": fingerprint,
                "bits": rules.SAME_PICTURE_BITS,
            },
        )  # fmt: skip
        found = [(str(pk), difference(fingerprint, other)) for pk, other in cursor.fetchall()]
    return sorted(found, key=lambda one: one[1])


@transaction.atomic
def withdraw_photo(*, actor: Viewer, claim_id: UUID, now: dt.datetime) -> None:
    """The member takes an undecided claim back; its picture goes. Raises PhotoClaimNotFound, PhotoClaimDecidedBefore."""
    row = (
        PhotoClaim.objects.select_for_update(of=("self",))
        .filter(id=claim_id)
        .select_related("member")
        .first()
    )
    if row is None or actor.kind != "member" or row.member.person_id not in customers.family(actor.id or 0):
        raise PhotoClaimNotFound
    if row.state not in OPEN:
        raise PhotoClaimDecidedBefore
    path = row.path
    row.state, row.path, row.decided_at = PhotoClaim.State.WITHDRAWN, "", now
    row.save(update_fields=["state", "path", "decided_at"])
    audit.record(
        actor=actor, action="photo_claim.withdraw", subject=("member", row.member_id), after={"claim": str(row.pk)}, now=now
    )  # fmt: skip
    transaction.on_commit(lambda: drop_upload(path))
