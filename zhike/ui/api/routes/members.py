"""Members: enrolled, looked up at a till, seen in full."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.utils.translation import gettext_lazy as _
from ninja import Path, Query, Router

from zhike.customers.queries import masked_field
from zhike.kernel.errors import Invalid
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.sales import queries as sales
from zhike.ui.api import refs
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import (
    EnrolledOut,
    EntriesOut,
    EntryLotOut,
    EntryOut,
    LotOut,
    MemberIn,
    MemberOut,
    OpenHoldOut,
    PolicyOut,
    ProgressOut,
    ReceiptRowOut,
    StepView,
    TierOut,
    TimelineItemOut,
    TimelineOut,
    WaitingOut,
)
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["members"])

RECENT_RECEIPTS = 10
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
Cursor = Annotated[str | None, Query(max_length=1000)]


class ConsentsNeedPolicy(Invalid):
    code = "consents-need-policy"
    title = _("Consents need the version of the policy that was shown.")


@router.post(
    "/members", auth=Needs("members.enroll", body=True), response={201: EnrolledOut, 200: EnrolledOut}
)
def enroll_member(request: ApiRequest, body: MemberIn) -> Any:
    """Make a person a member, or find the member they already are."""

    def enroll() -> Outcome:
        merchant = (
            refs.merchant_of(body) if body.merchant_id is not None or body.merchant_code is not None else None
        )
        if body.consents and body.policy_version is None:
            raise ConsentsNeedPolicy
        enrolled = loyalty.enroll_member(
            actor=request.viewer,
            name=body.name.strip(),
            phone=body.phone,
            card=body.card,
            email=body.email,
            sex=body.sex,
            birthday=body.birthday,
            birthday_calendar=body.birthday_calendar,
            mall_id=merchant.mall_id if merchant else _mall_id(body),
            merchant_id=merchant.id if merchant else None,
            source="api",
            consents=[(consent.purpose, consent.channel, consent.decision) for consent in body.consents],
            policy_version=body.policy_version,
            method=body.method,
            evidence=body.evidence,
            now=request.now,
        )
        found = EnrolledOut(member_id=enrolled.member_id, number=enrolled.number, existing=enrolled.existing)
        return Outcome(200 if enrolled.existing else 201, found.model_dump(mode="json"))

    return run_once(request, enroll)


def _mall_id(body: MemberIn) -> int | None:
    return None if body.mall_id is None else organization.mall(body.mall_id).id


@router.get("/members/lookup", auth=Needs("members.lookup"), response=MemberOut)
def look_up_member(
    request: ApiRequest,
    phone: Annotated[str | None, Query(max_length=40)] = None,
    card: Annotated[str | None, Query(max_length=40)] = None,
    code: Annotated[str | None, Query(max_length=200)] = None,
) -> MemberOut:
    """The member an exact phone number, card number or scanned code names. A scanned code is used up by it."""
    given = {"phone": phone, "card": card, "code": code}
    named = [name for name, value in given.items() if value]
    if len(named) != 1:
        raise refs.OneOfThese(names="phone, card, code")
    if code:
        member_id = loyalty.read_qr(actor=request.viewer, payload=code, now=request.now)
    else:
        member_id = queries.member_id_by(request.viewer, phone=phone, card=card)
    return member_out(request, member_id, presented=True)


@router.get("/members/{int:member_id}", auth=Needs("members.view"), response=MemberOut)
def get_member(request: ApiRequest, member_id: MemberId) -> MemberOut:
    """One member: tier and progress, balance and lots, recent receipts within the key's scope."""
    return member_out(request, member_id, presented=False)


@router.get(
    "/members/{int:member_id}/points/entries", auth=Needs("points.view", "members.view"), response=EntriesOut
)
def list_points_entries(
    request: ApiRequest,
    member_id: MemberId,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> EntriesOut:
    """Every movement of a member's points, newest first, each with its sentence."""
    page = queries.statement(request.viewer, member_id, cursor, limit)
    return EntriesOut(items=[entry_out(entry) for entry in page.items], next_cursor=page.next_cursor)


@router.get("/members/{int:member_id}/timeline", auth=Needs("members.view"), response=TimelineOut)
def list_timeline(
    request: ApiRequest,
    member_id: MemberId,
    kind: Annotated[
        Literal["", "behaviour", "receipts", "points", "coupons", "messages", "service", "profile"], Query()
    ] = "",
    search: Annotated[str, Query(max_length=100)] = "",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TimelineOut:
    """What happened to a member over all channels, newest first, with first touch, purchases and repurchases marked."""
    found = queries.Search(search) if search else None
    page = queries.timeline(request.viewer, member_id, cursor, limit, kind=kind, search=found)
    return TimelineOut(
        items=[
            TimelineItemOut(
                time=one.time, type=f"zhike.{one.type}", mark=one.mark, actor=one.actor, data=one.data
            )
            for one in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get("/policy", auth=Needs("members.enroll"), response=PolicyOut)
def get_policy(request: ApiRequest) -> PolicyOut:
    """The policy in force, to be shown before consents are asked for."""
    policy = privacy.current_policy(organization.default_group().id)
    return PolicyOut(
        version=policy.version, title=policy.title, text=policy.text, published_at=policy.published_at
    )


def member_out(request: ApiRequest, member_id: int, *, presented: bool) -> MemberOut:
    file = queries.member_file(request.viewer, member_id, request.now, presented=presented)
    phone = file.person.active("phone")
    receipts = sales.receipts_page(request.viewer, person_id=file.person.id, limit=RECENT_RECEIPTS)
    return MemberOut(
        member_id=file.member_id,
        number=file.number,
        status=file.status,  # type: ignore[arg-type]
        name=file.person.name
        if request.viewer.may("members.view")
        else masked_field("name", file.person.name) or "",
        phone=phone.masked if phone else None,
        tier=tier_out(file.tier),
        tier_since=file.tier_since,
        progress=ProgressOut(
            qualifying_fen=file.qualifying_fen,
            to_next_fen=file.to_next if file.tier.basis == "spend" else 0,
            basis=file.tier.basis,  # type: ignore[arg-type]
            counted=file.counted,
            to_next=file.to_next,
            growth=file.growth,
            sentence=file.ahead,
            percent=file.progress_percent,
            next=tier_out(file.next_tier) if file.next_tier else None,
        ),
        balance=file.balance,
        debt=file.debt,
        pending=file.pending,
        held=file.held,
        expiring_30d=file.expiring_30d,
        lots=[LotOut(expires_on=lot.expires_on, remaining=lot.remaining) for lot in file.lots],
        waiting=[WaitingOut(available_on=one.available_on, points=one.points) for one in file.waiting],
        holds=[
            OpenHoldOut(
                hold_id=one.hold_id,
                points=one.points,
                value_fen=one.value_fen,
                reference=one.reference,
                expires_at=one.expires_at,
            )
            for one in file.holds
        ],
        lifetime_earned=file.lifetime_earned,
        lifetime_spent=file.lifetime_spent,
        enrolled_at=file.enrolled_at,
        recent_receipts=[ReceiptRowOut(**row_fields(row)) for row in receipts.items],
    )


def tier_out(tier: queries.TierView) -> TierOut:
    return TierOut(
        code=tier.code,
        name=tier.name,
        rank=tier.rank,
        threshold_fen=tier.threshold_fen,
        threshold_count=tier.threshold_count,
    )


def row_fields(row: sales.ReceiptRow) -> dict[str, Any]:
    return {
        "receipt_id": row.id,
        "kind": row.kind,
        "merchant_id": row.merchant_id,
        "merchant": row.merchant_name,
        "till": row.till,
        "number": row.number,
        "business_date": row.business_date,
        "occurred_at": row.occurred_at,
        "net_fen": row.net_fen,
    }


def entry_out(entry: queries.EntryView) -> EntryOut:
    return EntryOut(
        entry_id=entry.transfer_id,
        points=entry.points,
        reason=entry.reason,
        sentence=entry.sentence,
        steps=[StepView(label=step.label, value=step.value) for step in entry.explanation.steps],
        balance_after=entry.balance_after,
        lots=[EntryLotOut(expires_on=day, points=points) for day, points in entry.lots],
        debt_points=entry.debt_points,
        reference=entry.reference,
        occurred_at=entry.occurred_at,
        posted_at=entry.posted_at,
    )
