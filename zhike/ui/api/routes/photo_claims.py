"""Paper receipts handed in by photograph: for a mall's own app, and for whoever looks at them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Day, Fen, Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["receipts"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
State = Literal["waiting", "second", "given", "refused", "withdrawn"]
Clock = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class PaperReceiptIn(Input):
    """What stands on the paper: `till` and `bought_at` (HH:MM) where they can be read."""

    merchant_id: Id
    number: Annotated[str, text(60, 1)]
    business_date: Day
    net_fen: Fen
    till: Annotated[str, text(40)] = ""
    bought_at: Clock | None = None

    @property
    def paper(self) -> loyalty.PaperReceipt:
        at = dt.time.fromisoformat(self.bought_at) if self.bought_at else None
        return loyalty.PaperReceipt(
            self.merchant_id, self.number, self.business_date, self.net_fen, self.till, at
        )


class PhotoClaimIn(Input):
    """`picture` is a JPEG, PNG or WebP in base64; the whole body has at most 1 MB, so an app sends it made smaller."""

    picture: Annotated[str, Field(strict=True, min_length=1, max_length=1_000_000)]
    paper: PaperReceiptIn


class PhotoApprovalIn(Input):
    """Without `paper` what was claimed is right."""

    paper: PaperReceiptIn | None = None


class PhotoRefusalIn(Input):
    """The member reads both; *other* needs a note."""

    reason: Literal["unreadable", "not_a_receipt", "wrong_details", "counted", "altered", "not_ours", "other"]
    note: Annotated[str, text(300)] = ""


class PhotoOutcomeOut(Out):
    """`given`: the receipt is the member's. `waiting`: for staff, `second`: for the second of them."""

    claim_id: UUID
    state: State
    receipt_id: UUID | None
    points: int


class SuspicionOut(Out):
    """`claim` or `receipt` is what it points to; `figure` is bits, fen or a count, by its code."""

    code: str
    claim: str
    receipt: str
    figure: int


class PhotoClaimOut(Out):
    claim_id: UUID
    member_id: int
    merchant_id: int
    number: str
    till: str
    business_date: dt.date
    net_fen: int
    state: State
    handed_in_at: dt.datetime
    decided_at: dt.datetime | None
    reason: str
    note: str
    receipt_id: UUID | None
    points: int


class PhotoQueueItemOut(PhotoClaimOut):
    suspicions: list[SuspicionOut]


class PhotoClaimsOut(Out):
    items: list[PhotoClaimOut]
    next_cursor: str | None


class PhotoQueueOut(Out):
    items: list[PhotoQueueItemOut]
    next_cursor: str | None


def _fields(one: queries.PhotoClaimView) -> dict[str, Any]:
    return {
        "claim_id": one.id,
        "member_id": one.member_id,
        "merchant_id": one.merchant_id,
        "number": one.number,
        "till": one.till,
        "business_date": one.business_date,
        "net_fen": one.net_fen,
        "state": one.state,
        "handed_in_at": one.handed_in_at,
        "decided_at": one.decided_at,
        "reason": one.reason,
        "note": one.note,
        "receipt_id": one.receipt_id,
        "points": one.points,
    }


def _outcome(status: int, done: loyalty.PhotoOutcome) -> Outcome:
    found = PhotoOutcomeOut(
        claim_id=done.claim_id,
        state=done.state,  # type: ignore[arg-type]
        receipt_id=done.receipt_id,
        points=done.points,
    )
    return Outcome(status, found.model_dump(mode="json"))


def _picture(coded: str) -> bytes:
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise loyalty.PictureUnusable from error


@router.post(
    "/members/{int:member_id}/photo-claims",
    auth=Needs("receipts.claim", body=True),
    response={201: PhotoOutcomeOut},
)
def hand_in_photo(request: ApiRequest, member_id: MemberId, body: PhotoClaimIn) -> Any:
    """Hand in the photograph of a paper receipt."""
    picture = _picture(body.picture)

    def execute() -> Outcome:
        done = loyalty.hand_in_photo(
            actor=request.viewer,
            member_id=member_id,
            picture=picture,
            paper=body.paper.paper,
            now=request.now,
        )
        return _outcome(201, done)

    return run_once(request, execute)


@router.get("/members/{int:member_id}/photo-claims", auth=Needs("members.view"), response=PhotoClaimsOut)
def list_photo_claims(
    request: ApiRequest, member_id: MemberId, cursor: Annotated[str | None, Query(max_length=1_000)] = None
) -> PhotoClaimsOut:
    """What a member handed in, the newest first."""
    found = queries.photo_claims_of(request.viewer, member_id, cursor)
    items = [PhotoClaimOut(**_fields(one)) for one in found.items]
    return PhotoClaimsOut(items=items, next_cursor=found.next_cursor)


@router.get("/photo-claims", auth=Needs("photo_claims.review"), response=PhotoQueueOut)
def list_photo_queue(
    request: ApiRequest,
    queue: Annotated[Literal["open", "given", "refused", "all"], Query()] = "open",
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> PhotoQueueOut:
    """What waits for staff, the oldest first, with what speaks against it; the decided ones the newest first."""
    found = queries.photo_claims(request.viewer, queue, cursor)
    items = [
        PhotoQueueItemOut(**_fields(one), suspicions=[SuspicionOut(**each) for each in one.suspicions])
        for one in found.items
    ]
    return PhotoQueueOut(items=items, next_cursor=found.next_cursor)


@router.get("/photo-claims/{uuid:claim_id}/picture", auth=Needs("photo_claims.review"))
def get_photo(request: ApiRequest, claim_id: UUID) -> HttpResponse:
    """The picture, a JPEG."""
    return HttpResponse(queries.photo_of_claim(request.viewer, claim_id), content_type="image/jpeg")


@router.post(
    "/photo-claims/{uuid:claim_id}/approval",
    auth=Needs("photo_claims.review", body=True),
    response=PhotoOutcomeOut,
)
def approve_photo(request: ApiRequest, claim_id: UUID, body: PhotoApprovalIn) -> Any:
    """The photograph is right, or what `paper` says instead."""
    paper = body.paper.paper if body.paper else None

    def execute() -> Outcome:
        done = loyalty.approve_photo(actor=request.viewer, claim_id=claim_id, paper=paper, now=request.now)
        return _outcome(200, done)

    return run_once(request, execute)


@router.post(
    "/photo-claims/{uuid:claim_id}/refusal",
    auth=Needs("photo_claims.review", body=True),
    response=PhotoOutcomeOut,
)
def refuse_photo(request: ApiRequest, claim_id: UUID, body: PhotoRefusalIn) -> Any:
    """No points for it."""

    def execute() -> Outcome:
        loyalty.refuse_photo(
            actor=request.viewer, claim_id=claim_id, reason=body.reason, note=body.note, now=request.now
        )
        return _outcome(200, loyalty.PhotoOutcome(claim_id, "refused"))

    return run_once(request, execute)
