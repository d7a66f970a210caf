"""Photographed receipts: the queue of staff, one with its evidence, and what a member sees of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, may_touch, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.kernel.uploads import upload
from zhike.loyalty.models import PhotoClaim
from zhike.loyalty.queries.members import family_of, require_member
from zhike.loyalty.queries.snapshots import read_programme
from zhike.loyalty.rules import photo_claims as rules
from zhike.organization import queries as organization

REVIEW, APPROVE, CLAIM = "photo_claims.review", "photo_claims.approve", "receipts.claim"
COLUMNS = {
    "mall": "mall_id", "floor": "merchant__floor_id", "merchant": "merchant_id", "person": "member__person_id",
}  # fmt: skip
OPEN = (PhotoClaim.State.WAITING, PhotoClaim.State.SECOND)
OLDEST, NEWEST = (
    Keyset((("handed_in_at", "asc"), ("id", "asc"))),
    Keyset((("handed_in_at", "desc"), ("id", "desc"))),
)
PHOTO_REASONS, PHOTO_GRAVE, PHOTO_DISHONEST = rules.REASONS, rules.GRAVE, rules.DISHONEST
QUEUES = ("open", "given", "refused", "all")


@dataclass(frozen=True, slots=True)
class PhotoClaimView:
    """A photographed receipt; ``points`` are those it gave, ``decided_by`` is empty when the till's record decided."""

    id: UUID
    member_id: int
    name: str
    merchant_id: int
    merchant_name: str
    mall_id: int
    till: str
    number: str
    business_date: dt.date
    bought_at: dt.time | None
    net_fen: int
    state: str
    suspicions: Sequence[dict[str, Any]]
    corrections: dict[str, Any]
    reading: dict[str, Any]
    handed_in_at: dt.datetime
    first_by: str
    decided_by: str
    decided_at: dt.datetime | None
    reason: str
    note: str
    receipt_id: UUID | None
    points: int
    has_picture: bool

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def is_grave(self) -> bool:
        return any(one["code"] in rules.GRAVE for one in self.suspicions)


@dataclass(frozen=True, slots=True)
class LikeClaim:
    """Another claim that a suspicion points to."""

    claim: PhotoClaimView
    bits: int


@dataclass(frozen=True, slots=True)
class PhotoClaimFile:
    """A claim as its reviewer sees it: the claims its suspicions point to, and how the member's earlier ones ended.

    ``second_fen`` is the amount above which two must look, ``may_decide`` whether this viewer may say yes now.
    """

    claim: PhotoClaimView
    like: Sequence[LikeClaim]
    earlier: dict[str, int]
    second_fen: int
    may_decide: bool


def photo_claims(
    viewer: Viewer,
    queue: str = "open",
    cursor: str | None = None,
    limit: int = 20,
    mall_id: int | None = None,
) -> Listing[PhotoClaimView]:
    """Of the viewer's malls: the open ones the oldest first, others the newest first. Raises NotAllowed, BadCursor."""
    require(viewer, REVIEW)
    rows = visible(PhotoClaim.objects.select_related("member"), viewer, REVIEW, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    if queue == "open":
        rows = rows.filter(state__in=OPEN)
    elif queue != "all":
        rows = rows.filter(state=queue)
    order = OLDEST if queue == "open" else NEWEST
    return _listing(order, rows, cursor, limit)


def photo_claims_waiting(viewer: Viewer) -> int:
    """How many wait, in the viewer's scope."""
    return visible(PhotoClaim.objects.filter(state__in=OPEN), viewer, REVIEW, COLUMNS).count()


def photo_claim(viewer: Viewer, claim_id: UUID) -> PhotoClaimFile:
    """One for its reviewer. Raises NotFound, NotAllowed."""
    require(viewer, REVIEW)
    row = load_visible(PhotoClaim.objects.select_related("member"), claim_id, viewer, REVIEW, COLUMNS)
    pointed = {one["claim"]: one["figure"] for one in row.suspicions if _is_id(one["claim"])}
    seen = visible(PhotoClaim.objects.select_related("member"), viewer, REVIEW, COLUMNS)
    like = _views(list(seen.filter(id__in=list(pointed)).order_by("-handed_in_at", "-id")))
    own = PhotoClaim.objects.filter(member_id__in=family_of(row.member_id)).exclude(id=row.pk)
    states = dict(own.values_list("state").annotate(count=Count("id")).values_list("state", "count"))
    second_fen = read_programme(row.member.program_id).photo_claim_second_fen
    may = row.state == PhotoClaim.State.WAITING or (
        row.first_by != viewer.audit_id
        and may_touch(viewer, APPROVE, mall=row.mall_id, merchant=row.merchant_id)
    )
    return PhotoClaimFile(
        _views([row])[0],
        [LikeClaim(one, pointed[str(one.id)]) for one in like],
        states,
        second_fen,
        row.state in OPEN and may,
    )


def photo_of_claim(viewer: Viewer, claim_id: UUID) -> bytes:
    """The picture (JPEG), for its reviewer or its member. Raises NotFound."""
    permission = CLAIM if viewer.kind == "member" else REVIEW
    content = upload(load_visible(PhotoClaim.objects.all(), claim_id, viewer, permission, COLUMNS).path)
    if content is None:
        raise NotFound
    return content


def photo_claims_of(
    viewer: Viewer, member_id: int, cursor: str | None = None, limit: int = 20
) -> Listing[PhotoClaimView]:
    """A member's own, the newest first, with those of whoever was merged into them. Raises NotFound, BadCursor."""
    require_member(viewer, member_id)
    rows = PhotoClaim.objects.select_related("member").filter(member_id__in=family_of(member_id))
    return _listing(NEWEST, rows, cursor, limit)


def own_photo_claim(viewer: Viewer, claim_id: UUID) -> PhotoClaimView:
    """One of the member's own. Raises NotFound."""
    rows = PhotoClaim.objects.select_related("member")
    return _views([load_visible(rows, claim_id, viewer, CLAIM, COLUMNS)])[0]


def given_by_photo(
    merchant_id: int, number: str, business_date: dt.date, till: str, net_fen: int
) -> int | None:
    """The member to whom the paper of this receipt was given, whatever the till's own record says; None for nobody.

    A till that the paper did not name may be any till. Of two that are named each has its own numbers, unless no till sent
    what was given and the amount is the same: then it is one paper, whose till was misread.
    """
    given = PhotoClaim.objects.filter(
        merchant_id=merchant_id, business_date=business_date, number=number, state=PhotoClaim.State.GIVEN
    )
    if till:
        given = given.filter(Q(till__in=("", till)) | Q(receipt__source="photo", net_fen=net_fen))
    return given.values_list("member_id", flat=True).first()


def _listing(
    order: Keyset, rows: QuerySet[PhotoClaim], cursor: str | None, limit: int
) -> Listing[PhotoClaimView]:
    page = order.page(rows, cursor, limit)
    return Listing(_views(page.items), page.next_cursor, page.previous_cursor)


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _views(rows: Sequence[PhotoClaim]) -> list[PhotoClaimView]:
    names = customers.summaries([row.member.person_id for row in rows])
    found = []
    for row in rows:
        merchant = organization.merchant_ref(row.merchant_id)
        found.append(
            PhotoClaimView(
                row.pk, row.member_id, names[row.member.person_id].name, row.merchant_id,
                merchant.name if merchant else "", row.mall_id, row.till, row.number, row.business_date, row.bought_at,
                row.net_fen, row.state, row.suspicions, row.corrections, row.reading, row.handed_in_at, row.first_by,
                row.decided_by, row.decided_at, row.reason, row.note, row.receipt_id, row.points, bool(row.path),
            )
        )  # fmt: skip
    return found
