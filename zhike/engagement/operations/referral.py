"""Members invite others; both are rewarded when the new one's first purchase is there to stay."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.engagement.events import InvitationAccepted, InvitationRewarded, InvitationTakenBack
from zhike.engagement.models import InviteCode, MemberDevice, Referral, ReferralPlan
from zhike.engagement.operations._giving import GIVER, Given, NotRunning, give, save_plan, unusable
from zhike.engagement.rules.referral import (
    CODE_LENGTH,
    Bought,
    Evidence,
    ReferralTerms,
    code_of,
    due_on,
    judge,
    parse_referral,
    read_code,
    valid_purchase,
)
from zhike.engagement.rules.terms import TermsError
from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import day_bounds
from zhike.kernel.errors import NotFound, Problem
from zhike.kernel.statements import fetch_rows
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.sales import queries as sales

REASON = "referral"
TREE_DEPTH_MAX = 100
Status = Referral.Status


class InviteCodeUnknown(NotFound):
    code = "invite-code-unknown"
    title = _("There is no such invitation.")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Whether an invitation counts: ``refusal`` is "" or one of rules.referral.Refusal."""

    referral_id: int
    inviter_id: int
    refusal: str


@transaction.atomic
def save_referral_plan(
    *,
    actor: Viewer,
    program_id: int,
    terms: Mapping[str, Any],
    is_open: bool,
    now: dt.datetime,
    reason: str = "",
) -> int:
    """Say what invitations give from now on; the plan's version. Raises TermsUnusable, NotAllowed."""
    require_touch(actor, "engagement.edit")
    try:
        parsed = parse_referral(terms)
    except TermsError as error:
        raise unusable(error) from error
    owner, rewards = {"program_id": program_id}, [parsed.inviter, parsed.invitee]
    plan = save_plan(
        ReferralPlan, owner, parsed, rewards, actor=actor, is_open=is_open, reason=reason, now=now
    )
    return plan.version


def invite_code(*, actor: Viewer, member_id: int, now: dt.datetime) -> str:
    """The member's own code, made the first time. Raises MemberNotFound for somebody else's."""
    person_id = members.person_id_of(member_id)
    if actor.kind == "member" and actor.id != person_id:
        raise members.MemberNotFound
    require_touch(actor, "engagement.take_part", person=person_id)
    while True:
        known = InviteCode.objects.filter(member_id=member_id).values_list("code", flat=True).first()
        if known is not None:
            return known
        code = code_of(secrets.token_bytes(CODE_LENGTH))
        try:
            with transaction.atomic():
                InviteCode.objects.create(member_id=member_id, code=code, created_at=now)
        except IntegrityError:
            continue
        return code


def see_device(*, actor: Viewer, member_id: int, device: str, now: dt.datetime) -> None:
    """Remember that a member logged in from a browser, by the hash of its cookie."""
    require_touch(actor, "engagement.take_part", person=members.person_id_of(member_id))
    if device:
        row = MemberDevice(member_id=member_id, device=hashed(device), seen_at=now)
        MemberDevice.objects.bulk_create([row], ignore_conflicts=True)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


@transaction.atomic
def join_invited(
    *, actor: Viewer, code: str, device: str = "", address: str = "", now: dt.datetime, **enrolment: Any
) -> loyalty.EnrolledMember:
    """Enrol somebody who came by an invitation (the arguments of ``enroll_member``). They join also when the invitation
    does not count. Raises what ``enroll_member`` does."""
    enrolled = loyalty.enroll_member(actor=actor, now=now, **enrolment)
    if not enrolled.existing:
        try:
            with transaction.atomic():
                accept_invitation(
                    actor=GIVER,
                    code=code,
                    member_id=enrolled.member_id,
                    device=device,
                    address=address,
                    now=now,
                )
        except Problem:
            pass
    return enrolled


@transaction.atomic
def accept_invitation(
    *, actor: Viewer, code: str, member_id: int, device: str = "", address: str = "", now: dt.datetime
) -> Accepted:
    """A new member came by this code. Once for a member: asked again it says what was decided then.

    Refusals are kept with their reason: self, same_person, same_device, ring, not_new, daily_limit, inviter. Raises
    InviteCodeUnknown, NotRunning, MemberNotFound, NotAllowed.
    """
    invitee = members.membership(member_id)
    require_touch(actor, "engagement.take_part", mall=invitee.mall_id, person=invitee.person_id)
    inviter_id = InviteCode.objects.filter(code=read_code(code)).values_list("member_id", flat=True).first()
    if inviter_id is None:
        raise InviteCodeUnknown
    terms = _running(invitee.program_id)
    with connection.cursor() as cursor:  # one at a time: the tree must not grow while it is looked at
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('engagement_referral'), %s)", [invitee.program_id]
        )
    known = Referral.objects.filter(invitee_id=member_id).first()
    if known is not None:
        return Accepted(known.pk, known.inviter_id, known.refusal)
    inviter = members.membership(inviter_id)
    if inviter_id == member_id:  # nothing to keep: nobody came
        return Accepted(0, inviter_id, "self")
    refusal = judge(terms, _evidence(inviter, invitee, hashed(device), now))
    row = Referral.objects.create(
        program_id=invitee.program_id,
        inviter_id=inviter_id,
        invitee_id=member_id,
        status=Status.REFUSED if refusal else Status.JOINED,
        refusal=refusal,
        terms=msgspec.to_builtins(terms),
        device=hashed(device),
        address=hashed(address),
        joined_at=now,
        changed_at=now,
    )
    fact = InvitationAccepted(member_id, invitee.person_id, inviter_id, refusal)
    events.publish(fact, actor=actor, now=now)
    return Accepted(row.pk, inviter_id, refusal)


def _evidence(
    inviter: members.Membership, invitee: members.Membership, device: str, now: dt.datetime
) -> Evidence:
    zone_day = members.program_today(invitee.program_id, now)
    since = day_bounds(zone_day, members.program_zone(invitee.program_id))[0]
    mine = Referral.objects.filter(inviter_id=inviter.member_id, joined_at__gte=since)
    devices = MemberDevice.objects.filter(member_id=inviter.member_id, device=device)
    return Evidence(
        inviter=inviter.member_id,
        invitee=invitee.member_id,
        inviters=_ancestors(inviter.member_id),
        inviter_is_active=inviter.status == "active",
        shares_identifier=customers.share_identifier(inviter.person_id, invitee.person_id),
        shares_device=bool(device) and devices.exists(),
        joined_for=now - invitee.enrolled_at,
        has_bought=any(one.occurred_at < now for one in sales.kept_purchases(invitee.person_id)[0]),
        today=mine.exclude(status=Status.REFUSED).count(),
    )


def _ancestors(member_id: int) -> list[int]:
    """A member and everybody above them in the tree of invitations, refused ones too."""
    rows = fetch_rows(
        """WITH RECURSIVE up(id, depth) AS (
            SELECT %s::bigint, 0
            UNION SELECT r.inviter_id, up.depth + 1 FROM up JOIN engagement_referral r ON r.invitee_id = up.id
            WHERE up.depth < %s)
        SELECT id FROM up""",
        [member_id, TREE_DEPTH_MAX],
    )
    return [row[0] for row in rows]


@transaction.atomic
def review_referral(*, actor: Viewer, person_id: int, now: dt.datetime) -> str:
    """Look again at how a person was invited, after they bought or returned something; the status, "" when nobody did.

    Reads what is kept of the purchases now, so it may run in any order and at any time.
    """
    member_id = members.member_id_of_person(person_id)
    row = Referral.objects.select_for_update(of=("self",)).filter(invitee_id=member_id).first()
    if row is None or row.status in (Status.REFUSED, Status.TAKEN_BACK):
        return row.status if row else ""
    terms = parse_referral(row.terms)
    bought = _valid(row, terms, person_id)
    if row.status == Status.REWARDED:
        if bought is None:
            _take_back(actor, row, now)
    elif bought is None:
        if row.status == Status.WAITING:
            _become(row, Status.JOINED, now, receipt_id=None, due_on=None)
    elif _same_payment(row, bought.receipt_id):
        _become(row, Status.REFUSED, now, refusal="same_payment", receipt_id=bought.receipt_id, due_on=None)
    else:
        _become(row, Status.WAITING, now, receipt_id=bought.receipt_id, due_on=due_on(terms, bought))
    return row.status


def _become(row: Referral, status: str, now: dt.datetime, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.status, row.changed_at = status, now
    row.save()


def _valid(row: Referral, terms: ReferralTerms, person_id: int) -> Bought | None:
    found, loose_fen = sales.kept_purchases(person_id)
    purchases = [
        Bought(
            str(one.receipt_id),
            one.occurred_at,
            one.business_date,
            one.kept_fen,
            members.waiting_days(row.program_id, one.merchant_id),
        )
        for one in found
    ]
    return valid_purchase(terms, row.joined_at, purchases, loose_fen)


def _same_payment(row: Referral, receipt_id: str) -> bool:
    """Whether the purchase was paid from an account that paid the inviter's own purchases as well."""
    return sales.shares_payer(members.person_id_of(row.inviter_id), receipt_id)


def settle_referrals(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Reward both sides of every invitation whose waiting time is over, and let old ones lapse; how many were rewarded.

    Each is a transaction of its own, so it can be stopped anywhere and run again. Raises NotAllowed.
    """
    require_touch(actor, "engagement.edit")
    today = members.program_today(program_id, now)
    due = Referral.objects.filter(program_id=program_id, status=Status.WAITING, due_on__lte=today)
    done = sum(_settle(actor, pk, today, now) for pk in due.order_by("id").values_list("id", flat=True))
    _let_lapse(program_id, now)
    return done


def _let_lapse(program_id: int, now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE engagement_referral SET status = 'lapsed', changed_at = %s
            WHERE program_id = %s AND status = 'joined'
                AND joined_at + make_interval(days => (terms->>'days_to_buy')::int + 1) < %s""",
            [now, program_id, now],
        )


@transaction.atomic
def _settle(actor: Viewer, referral_id: int, today: dt.date, now: dt.datetime) -> bool:
    row = Referral.objects.select_for_update(of=("self",)).get(id=referral_id)
    terms = parse_referral(row.terms)
    if row.status != Status.WAITING or row.due_on is None or row.due_on > today:
        return False
    persons = members.person_ids_of([row.inviter_id, row.invitee_id])
    if _valid(row, terms, persons[row.invitee_id]) is None:
        _become(row, Status.JOINED, now, receipt_id=None, due_on=None)
        return False
    if members.membership(row.inviter_id).status != "active":
        _become(row, Status.REFUSED, now, refusal="inviter")
        return False
    limits = []
    if terms.year_max is not None:
        began = day_bounds(today.replace(month=1, day=1), members.program_zone(row.program_id))[0]
        limits.append(loyalty.AwardLimit("year", began, terms.year_max))
    sides = sorted(((row.inviter_id, "inviter"), (row.invitee_id, "invitee")))
    given: dict[str, Given] = {}
    for member_id, side in sides:
        given[side] = give(
            member_id, [getattr(terms, side)], terms, reason=REASON, reference=f"referral:{row.pk}",
            explanation={"as": side}, today=today, now=now, limits=limits if side == "inviter" else (),
        )  # fmt: skip
    _become(
        row, Status.REWARDED, now,
        inviter_points=given["inviter"].points, inviter_coupon_id=given["inviter"].coupon_id,
        invitee_points=given["invitee"].points, invitee_coupon_id=given["invitee"].coupon_id,
    )  # fmt: skip
    for member_id, side in sides:
        other = row.invitee_id if side == "inviter" else row.inviter_id
        fact = InvitationRewarded(member_id, persons[member_id], other, side, given[side].points)
        events.publish(fact, actor=actor, now=now)
    return True


def _take_back(actor: Viewer, row: Referral, now: dt.datetime) -> None:
    """The purchase is gone: points of both go back (into debt when they are spent), coupons not used yet are void."""
    for member_id in sorted((row.inviter_id, row.invitee_id)):
        points = loyalty.take_back_award(
            actor=GIVER,
            member_id=member_id,
            reason=REASON,
            reference=f"referral:{row.pk}",
            why="returned",
            now=now,
        )
        fact = InvitationTakenBack(member_id, members.person_id_of(member_id), points)
        events.publish(fact, actor=actor, now=now)
    for coupon_id in (row.inviter_coupon_id, row.invitee_coupon_id):
        if coupon_id is not None:
            try:
                with transaction.atomic():
                    offers.void_coupon(actor=GIVER, coupon_id=coupon_id, reason=REASON, now=now)
            except offers.NotVoidable:
                continue
    _become(row, Status.TAKEN_BACK, now)


def _running(program_id: int) -> ReferralTerms:
    plan = ReferralPlan.objects.filter(program_id=program_id, is_open=True).first()
    if plan is None:
        raise NotRunning
    return parse_referral(plan.terms)
