"""Invitations as the inviter sees them, and as a tree with what looks odd."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.engagement.models import InviteCode, Referral, ReferralPlan
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules.referral import Joined, ReferralTerms, flags, parse_referral, read_code
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.statements import fetch_rows
from zhike.loyalty import queries as members

COLUMNS = {"mall": "inviter__mall_id", "merchant": "inviter__merchant_id"}
VIEW = "engagement.view"
TREE_MAX = 500
DEPTH_MAX = 8
TOP = 50
Status = Referral.Status


@dataclass(frozen=True, slots=True)
class ReferralPlanView:
    terms: ReferralTerms
    is_open: bool
    version: int
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class InvitationView:
    """One invitation to the inviter: a masked name, how far it is, when the reward comes, what it gave.

    ``pending`` is what it will give on ``due_on`` unless the goods come back.
    """

    name: str
    status: str
    refusal: str
    joined_at: dt.datetime
    due_on: dt.date | None
    points: int
    pending: int


@dataclass(frozen=True, slots=True)
class OwnInvitations:
    """What a member gets for inviting, and how each invitation is going, the newest first.

    ``pending`` are points of purchases that were made and may still be returned.
    """

    terms: ReferralTerms
    inviter_text: str
    invitee_text: str
    invitations: Sequence[InvitationView]
    points: int
    waiting: int
    pending: int


def referral_plan(program_id: int) -> ReferralPlanView | None:
    row = ReferralPlan.objects.filter(program_id=program_id).first()
    return (
        ReferralPlanView(parse_referral(row.terms), row.is_open, row.version, row.changed_at) if row else None
    )


def referral_is_open(program_id: int) -> bool:
    return ReferralPlan.objects.filter(program_id=program_id, is_open=True).exists()


def own_invitations(viewer: Viewer, member_id: int, now: dt.datetime) -> OwnInvitations | None:
    """None without a plan that is open. Raises MemberNotFound."""
    file = members.member_file(viewer, member_id, now)
    plan = referral_plan(file.programme.id)
    if plan is None or not plan.is_open:
        return None
    rows = list(Referral.objects.filter(inviter_id=member_id).order_by("-joined_at", "-id")[:200])
    names = _names([row.invitee_id for row in rows])
    shown = [
        InvitationView(
            customers.masked_field("name", names.get(row.invitee_id, "")) or "",
            row.status,
            row.refusal,
            row.joined_at,
            row.due_on,
            row.inviter_points,
            parse_referral(row.terms).inviter.points if row.status == Status.WAITING else 0,
        )
        for row in rows
    ]
    return OwnInvitations(
        plan.terms,
        reward_text(plan.terms.inviter),
        reward_text(plan.terms.invitee),
        shown,
        sum(row.inviter_points for row in rows if row.status == Status.REWARDED),
        sum(row.status in (Status.JOINED, Status.WAITING) for row in rows),
        sum(one.pending for one in shown),
    )


def code_of_member(member_id: int) -> str:
    """The member's invitation code; "" until they asked for it. The caller has authorised the member."""
    return InviteCode.objects.filter(member_id=member_id).values_list("code", flat=True).first() or ""


def invited_by(code: str) -> str:
    """The masked name of whom a code belongs to; "" for a wrong one."""
    row = InviteCode.objects.filter(code=read_code(code)).first()
    return customers.masked_field("name", _names([row.member_id]).get(row.member_id)) or "" if row else ""


def _names(member_ids: Sequence[int]) -> dict[int, str]:
    persons = members.person_ids_of(member_ids)
    found = customers.summaries(list(persons.values()))
    return {
        member_id: found[person_id].name for member_id, person_id in persons.items() if person_id in found
    }


@dataclass(frozen=True, slots=True)
class ReferralFigures:
    """How many invitations came to what; points of both sides that stand."""

    counts: dict[str, int]
    points: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class InviterRow:
    member_id: int
    name: str
    total: int
    rewarded: int
    refused: int
    points: int
    flags: Sequence[str]


def referral_figures(viewer: Viewer) -> ReferralFigures:
    """Of inviters in the viewer's scope. Raises NotAllowed."""
    rows = _visible(viewer)
    counts = dict(rows.values_list("status").annotate(count=Count("id")))
    sums = rows.filter(status=Status.REWARDED).aggregate(a=Sum("inviter_points"), b=Sum("invitee_points"))
    return ReferralFigures(counts, (sums["a"] or 0) + (sums["b"] or 0))


def top_inviters(viewer: Viewer) -> list[InviterRow]:
    """The fifty who invited most, with what should be looked at. Raises NotAllowed."""
    rows = (
        _visible(viewer)
        .values("inviter_id")
        .annotate(
            total=Count("id"),
            rewarded=Count("id", filter=Q(status=Status.REWARDED)),
            refused=Count("id", filter=Q(status=Status.REFUSED)),
            points=Sum("inviter_points", filter=Q(status=Status.REWARDED)),
        )
        .order_by("-total", "inviter_id")[:TOP]
    )
    top = list(rows)
    ids = [row["inviter_id"] for row in top]
    told: dict[int, list[Joined]] = defaultdict(list)
    for one in Referral.objects.filter(inviter_id__in=ids):
        told[one.inviter_id].append(Joined(one.joined_at, one.address, one.status))
    names = _names(ids)
    return [
        InviterRow(
            row["inviter_id"],
            names.get(row["inviter_id"], ""),
            row["total"],
            row["rewarded"],
            row["refused"],
            row["points"] or 0,
            flags(told[row["inviter_id"]]),
        )
        for row in top
    ]


@dataclass(slots=True)
class Branch:
    """A member of the tree, how they came into it, and whom they brought."""

    member_id: int
    name: str
    status: str = ""
    refusal: str = ""
    joined_at: dt.datetime | None = None
    flags: list[str] = field(default_factory=list)
    children: list[Branch] = field(default_factory=list)


def referral_tree(viewer: Viewer, member_id: int, now: dt.datetime) -> Branch:
    """Everybody a member brought, directly or not, up to 8 deep and 500 in all. Raises NotAllowed, MemberNotFound."""
    require(viewer, VIEW)
    members.member_file(viewer, member_id, now)
    rows = fetch_rows(
        """WITH RECURSIVE down AS (
            SELECT r.*, 1 AS depth FROM engagement_referral r WHERE r.inviter_id = %s
            UNION ALL
            SELECT r.*, d.depth + 1 FROM down d JOIN engagement_referral r ON r.inviter_id = d.invitee_id
            WHERE d.depth < %s AND d.status <> 'refused')
        SELECT inviter_id, invitee_id, status, refusal, joined_at, address FROM down ORDER BY depth, joined_at LIMIT %s""",
        [member_id, DEPTH_MAX, TREE_MAX],
    )
    names = _names([member_id, *(row[1] for row in rows)])
    branches = {member_id: Branch(member_id, names.get(member_id, ""))}
    told: dict[int, list[Joined]] = defaultdict(list)
    for inviter_id, invitee_id, status, refusal, joined_at, address in rows:
        branch = Branch(invitee_id, names.get(invitee_id, ""), status, refusal, joined_at)
        branches[inviter_id].children.append(branch)
        branches.setdefault(invitee_id, branch)
        told[inviter_id].append(Joined(joined_at, address, status))
    for inviter_id, joined in told.items():
        branches[inviter_id].flags = flags(joined)
    return branches[member_id]


def _visible(viewer: Viewer) -> QuerySet[Referral]:
    require(viewer, VIEW)
    return visible(Referral.objects.all(), viewer, VIEW, COLUMNS)
