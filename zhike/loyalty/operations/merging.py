"""Two members become one, and two again: persons, points, tier and consents, in one transaction.

What is kept is who stands for whom. Receipts, coupons, tickets, messages and behaviour are not touched: they go on
naming the side they came by, and whoever reads one side reads all. Points alone move, as transfers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app

from zhike.collection import queries as collection
from zhike.customers.operations import merging as customers
from zhike.customers.operations import suggesting
from zhike.customers.queries import merges as known
from zhike.customers.queries import suggestions as twins
from zhike.customers.queries import survivor_of
from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict, Invalid
from zhike.kernel.jobs import CARETAKER_QUEUE
from zhike.loyalty.events import MembersMerged, MembersParted
from zhike.loyalty.models import CapUsage, Member, MemberMerge
from zhike.loyalty.operations.households import leave_before_merge
from zhike.loyalty.operations.restraining import count_restraints
from zhike.loyalty.operations.state import Holder, from_json, locked_holder, lots_of_json, post, posting_for
from zhike.loyalty.operations.tiering import counted_now, stand
from zhike.loyalty.queries.snapshots import MERGING, Programme
from zhike.loyalty.rules import merging as rules
from zhike.loyalty.rules.accounts import AccountState, LotParts, Movement
from zhike.loyalty.rules.calendar import FOR_EVER
from zhike.loyalty.rules.standing import Counted
from zhike.loyalty.rules.tiers import after_spend, tier_for
from zhike.privacy import operations as privacy


class SurvivorNotMember(Conflict):
    code = "survivor-not-member"
    title = _("Only the other one is a member: merge into them instead.")


class MembershipNotActive(Conflict):
    code = "membership-not-active"
    title = _("A frozen or closed membership is not merged; reopen it first, or leave it.")


class MergeReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Say why; the reason is kept with the merge.")


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """``state``: merged, or proposed when a second member of staff has to agree because of the ``guards``."""

    merge_id: int
    state: str
    guards: tuple[str, ...] = ()


@transaction.atomic
def merge_persons(
    *,
    actor: Viewer,
    survivor_id: int,
    merged_id: int,
    reason: str,
    evidence: Mapping[str, Any] | None = None,
    now: dt.datetime,
) -> MergeOutcome:
    """Let one person stand for two, members or not; ``reason`` says how one knows.

    Ids of persons that were merged before mean whoever stands for them; the same merge again changes nothing. Where
    rules.guards see a danger, nothing happens until a colleague agrees (`agree_to_merge`). Whoever was merged into
    ``merged_id`` comes along. Raises NotMergeable, SurvivorNotMember, MembershipNotActive, MergeReasonMissing, NotFound,
    NotAllowed.
    """
    if not reason.strip():
        raise MergeReasonMissing
    survivor_id = survivor_of(survivor_id)
    done = known.merge_of(merged_id)
    if done is not None and done.survivor_id == survivor_id:
        customers.lock_persons(actor, [survivor_id])
        return MergeOutcome(done.id, "merged", done.guards)
    merged_id = survivor_of(merged_id)
    _lock_families(actor, survivor_id, merged_id)
    if not known.are_active([survivor_id, merged_id]):
        raise customers.NotMergeable
    _check_memberships(survivor_id, merged_id)
    shared = collection.shared_a_device(survivor_id, merged_id)
    guards = customers.guards_between(survivor_id, merged_id, now.date(), shared_device=shared)
    merge_id = customers.propose(
        actor=actor,
        survivor_id=survivor_id,
        merged_id=merged_id,
        guards=guards,
        evidence=evidence or {},
        reason=reason.strip(),
        now=now,
    )
    if guards:
        return MergeOutcome(merge_id, "proposed", guards)
    _carry_out(actor, merge_id, survivor_id, merged_id, now)
    return MergeOutcome(merge_id, "merged")


@transaction.atomic
def agree_to_merge(*, actor: Viewer, merge_id: int, now: dt.datetime) -> MergeOutcome:
    """A second member of staff agrees, and it happens.

    Raises SecondPersonNeeded for whoever proposed it, MergeHasEnded, and what `merge_persons` raises.
    """
    merge = known.merge_ref(merge_id)
    _lock_families(actor, merge.survivor_id, merge.merged_id)
    merge = known.merge_ref(merge_id)
    if merge.state == "merged":
        return MergeOutcome(merge_id, "merged", merge.guards)
    if merge.state != "proposed":
        raise customers.MergeHasEnded
    if merge.proposed_by == actor.audit_id:
        raise customers.SecondPersonNeeded
    if not known.are_active([merge.survivor_id, merge.merged_id]):
        raise customers.NotMergeable
    _check_memberships(merge.survivor_id, merge.merged_id)
    _carry_out(actor, merge_id, merge.survivor_id, merge.merged_id, now)
    return MergeOutcome(merge_id, "merged", merge.guards)


@transaction.atomic
def decline_merge(*, actor: Viewer, merge_id: int, reason: str = "", now: dt.datetime) -> None:
    """They stay two. Raises MergeHasEnded, NotFound, NotAllowed."""
    customers.decline(actor=actor, merge_id=merge_id, reason=reason, now=now)


@transaction.atomic
def unmerge_persons(*, actor: Viewer, merge_id: int, reason: str, now: dt.datetime) -> None:
    """Two persons again, each with what came by its own identifiers, before, meanwhile and from now on.

    Points are settled by transfers as if the two had never been one (rules.merging); what one spent of the other's is
    owed. A no to any purpose said meanwhile stays a no for both. Whoever came along with the merged one goes back to
    them. Raises MergeReasonMissing, MergeHasEnded, NotFound, NotAllowed.
    """
    if not reason.strip():
        raise MergeReasonMissing
    merge = known.merge_ref(merge_id)
    _lock_families(actor, merge.survivor_id, merge.merged_id)
    merge = known.merge_ref(merge_id)
    if merge.state != "merged":
        raise customers.MergeHasEnded
    came_along = [one for one in known.merges_into(merge.survivor_id) if one.carried_by == merge_id]
    for one in came_along:
        _part(actor, one, reason, now)
    _part(actor, merge, reason, now)
    for one in came_along:
        again = customers.propose(
            actor=actor,
            survivor_id=merge.merged_id,
            merged_id=one.merged_id,
            guards=(),
            evidence={"again": one.id},
            reason=reason.strip(),
            now=now,
        )
        _join(actor, again, merge.merged_id, one.merged_id, now)


def _lock_families(actor: Viewer, *person_ids: int) -> None:
    """Everyone concerned, then their accounts, each in the order of ids. Raises Conflict when somebody joins meanwhile."""
    persons = _families(person_ids)
    customers.lock_persons(actor, persons)
    if _families(person_ids) != persons:
        raise Conflict
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE m.person_id = ANY(%s) ORDER BY a.id FOR UPDATE OF a""",
            [sorted(persons)],
        )


def _families(person_ids: Sequence[int]) -> set[int]:
    found = set(person_ids)
    for person_id in person_ids:
        found |= {one.merged_id for one in known.merges_into(person_id)}
    return found


def _check_memberships(survivor_id: int, merged_id: int) -> None:
    members = {
        row.person_id: row
        for row in Member.objects.filter(person_id__in=[survivor_id, merged_id], survivor=None)
    }
    if merged_id in members and survivor_id not in members:
        raise SurvivorNotMember
    if any(row.status != Member.Status.ACTIVE for row in members.values()) and len(members) > 1:
        raise MembershipNotActive


def _carry_out(actor: Viewer, merge_id: int, survivor_id: int, merged_id: int, now: dt.datetime) -> None:
    """Join the two; whoever was merged into the one that goes leaves it first and joins the survivor as well."""
    followers = known.merges_into(merged_id)
    for one in followers:
        _part(actor, one, "merge", now)
    _join(actor, merge_id, survivor_id, merged_id, now)
    for one in followers:
        along = customers.propose(
            actor=actor,
            survivor_id=survivor_id,
            merged_id=one.merged_id,
            guards=(),
            evidence={"carried_by": merge_id, "again": one.id},
            reason="merge",
            now=now,
        )
        _join(actor, along, survivor_id, one.merged_id, now)


# --- two become one --------------------------------------------------------------------------------------------------


def _join(actor: Viewer, merge_id: int, survivor_id: int, merged_id: int, now: dt.datetime) -> None:
    pair = _members(survivor_id, merged_id)
    if pair is not None:
        _join_accounts(actor, merge_id, *pair, now=now)
    customers.join(actor=actor, merge_id=merge_id, now=now)
    if pair is not None:
        _raise_tier(actor, pair[0], now, beside=pair[1])


def _members(survivor_id: int, merged_id: int) -> tuple[int, int] | None:
    found = dict(Member.objects.filter(person_id__in=[survivor_id, merged_id]).values_list("person_id", "id"))
    return (found[survivor_id], found[merged_id]) if len(found) == 2 else None


def _join_accounts(actor: Viewer, merge_id: int, survivor: int, merged: int, *, now: dt.datetime) -> None:
    """All points, debts and used-up caps of the one into the account of the other."""
    leave_before_merge(actor, merged, now)
    stays, joins = locked_holder(survivor), locked_holder(merged)
    before = {"survivor": _snapshot(stays), "merged": _snapshot(joins)}
    until = dict(Member.objects.filter(id__in=[survivor, merged]).values_list("id", "tier_until"))
    wanted = rules.union(stays.state, joins.state)
    empty = AccountState(joins.state.account_id, 0, 0, 0, 0, joins.state.tier_id)
    MemberMerge.objects.create(
        merge_id=merge_id,
        survivor_id=survivor,
        merged_id=merged,
        before={
            side: one.as_json() | {"tier_until": day and day.isoformat()}
            for (side, one), day in zip(before.items(), (until[survivor], until[merged]), strict=True)
        },
        last_transfer_id=_last_transfer(stays.state.account_id),
        merged_at=now,
    )
    about: dict[str, Any] = {"actor": actor, "merge_id": merge_id, "now": now, "reason": "merge"}
    _settle(joins, empty, [], **about)
    caps = {(rule, cap, period): used for rule, cap, period, used in before["merged"].caps}
    _settle(stays, wanted, rules.changes(caps, 1), **about)
    Member.objects.filter(id=merged).update(status=Member.Status.MERGED, survivor_id=survivor)
    count_restraints([survivor, merged])
    fact = MembersMerged(survivor, stays.person_id, merged, merge_id, joins.state.net)
    events.publish(fact, actor=actor, now=now)


def _snapshot(holder: Holder) -> rules.Snapshot:
    caps = CapUsage.objects.filter(account_id=holder.state.account_id, used__gt=0)
    return rules.Snapshot(
        rules.lots_of(holder.state),
        holder.state.debt,
        holder.state.earned_tier_id,
        tuple(caps.order_by("pk").values_list("rule_id", "cap", "period", "used")),
    )


def _settle(
    holder: Holder,
    wanted: AccountState,
    caps: Sequence[tuple[int, str, dt.date, int]],
    *,
    actor: Viewer,
    merge_id: int,
    now: dt.datetime,
    reason: str,
) -> None:
    """Post what turns the account into the wanted one: out first, then in, each through the account *merging*."""
    posting = posting_for(holder)
    change = rules.settle(holder.state, wanted)
    net = holder.state.net
    movements: list[tuple[int, int, LotParts, int]] = [
        (-1, change.out_points, change.out_lots, change.out_debt),
        (1, change.in_points, change.in_lots, change.in_debt),
    ]
    for sign, points, lots, debt in movements:
        if points:
            net += sign * points
            posting.add(
                Movement(sign, points, lots, debt, net),
                against=MERGING,
                reason=reason,
                reference=f"merge:{merge_id}",
                actor=actor,
                occurred_at=now,
                now=now,
                explanation={"merge": merge_id},
            )
    posting.add_caps(caps)
    post(posting)


def _last_transfer(account_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(transfer_id), 0) FROM loyalty_entry WHERE account_id = %s", [account_id]
        )
        return int(cursor.fetchone()[0])


# --- one becomes two -------------------------------------------------------------------------------------------------


def _part(actor: Viewer, merge: known.MergeRef, reason: str, now: dt.datetime) -> None:
    assert merge.merged_at is not None
    privacy.carry_refusals(
        actor=actor,
        survivor_id=merge.survivor_id,
        merged_id=merge.merged_id,
        since=merge.merged_at,
        now=now,
    )
    row = (
        MemberMerge.objects.select_related("merged", "survivor")
        .filter(merge_id=merge.id, undone_at=None)
        .first()
    )
    if row is not None:
        _part_accounts(actor, row, now)
    customers.part(actor=actor, merge_id=merge.id, reason=reason, now=now)
    if row is not None:
        stayed = row.before["survivor"]
        _lower_tier(actor, row.survivor_id, now, stayed["tier"], stayed.get("tier_until"))
        _raise_tier(actor, row.merged_id, now)


def _part_accounts(actor: Viewer, row: MemberMerge, now: dt.datetime) -> None:
    shared = locked_holder(row.survivor_id)
    before = {side: rules.snapshot_of_json(stored) for side, stored in row.before.items()}
    spare = (
        shared.programme.expiry_policy.last_day(shared.programme.today(now)),
        shared.programme.funding_id,
    )
    stays, leaves = rules.replay(
        before["survivor"].state(),
        before["merged"].state(),
        _moved_since(shared.state.account_id, row),
        spare,
    )
    caps = _caps_since(row)
    own = {(rule, cap, period): used for rule, cap, period, used in before["merged"].caps}
    lost = dict(own)
    for key, used in caps.items():
        lost[key] = lost.get(key, 0) + used
    Member.objects.filter(id=row.merged_id).update(status=Member.Status.ACTIVE, survivor_id=None)
    about: dict[str, Any] = {"actor": actor, "merge_id": row.merge_id, "now": now, "reason": "unmerge"}
    _settle(shared, stays, rules.changes(lost, -1), **about)
    _settle(locked_holder(row.merged_id), leaves, rules.changes(caps, 1), **about)
    count_restraints([row.survivor_id, row.merged_id])
    MemberMerge.objects.filter(pk=row.pk).update(undone_at=now)
    fact = MembersParted(row.survivor_id, shared.person_id, row.merged_id, row.merge_id, leaves.net)
    events.publish(fact, actor=actor, now=now)


_MOVED = """
SELECT t.id, CASE WHEN t.credit_account_id = %(account)s THEN 1 ELSE -1 END, t.points, t.lots, t.reason,
    (t.explanation->>'side')::bigint IS NOT DISTINCT FROM %(side)s, t.reverses_id
FROM loyalty_transfer t WHERE t.id > %(after)s AND t.reference <> %(own)s
    AND %(account)s IN (t.credit_account_id, t.debit_account_id)
    AND (t.credit_account_id = %(account)s AND t.credit_account_id > 0 OR t.debit_account_id = %(account)s AND t.debit_account_id > 0)
ORDER BY t.id"""


def _moved_since(account_id: int, row: MemberMerge) -> list[rules.Moved]:
    """What the shared account posted since the merge, and by which side."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVED,
            {
                "account": account_id,
                "side": row.merged_id,
                "after": row.last_transfer_id,
                "own": f"merge:{row.merge_id}",
            },
        )
        return [
            rules.Moved(pk, sign, points, lots_of_json(from_json(lots)), reason, is_own, reverses_id)
            for pk, sign, points, lots, reason, is_own, reverses_id in cursor.fetchall()
        ]


def _caps_since(row: MemberMerge) -> dict[tuple[int, str, dt.date], int]:
    """What purchases of the leaving side used up of the caps while the two were one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT w.explanation, r.business_date FROM sales_receipt r JOIN loyalty_award w ON w.receipt_id = r.id
            JOIN loyalty_account a ON a.id = w.account_id
            WHERE r.person_id = %s AND a.member_id = %s AND r.recorded_at >= %s""",
            [row.merged.person_id, row.survivor_id, row.merged_at],
        )
        return rules.used_caps(((from_json(why), day) for why, day in cursor.fetchall()), FOR_EVER)


def _recount(member_id: int, now: dt.datetime) -> tuple[Holder, Counted]:
    """The member's account with the spend in the window counted anew, and what counts there."""
    holder = locked_holder(member_id)
    counted = counted_now(holder, now)
    posting = posting_for(holder)
    posting.qualifying_fen = counted.fen - holder.state.qualifying_fen
    if posting.qualifying_fen:
        post(posting)
        holder = locked_holder(member_id)
    return holder, counted


def _raise_tier(actor: Viewer, member_id: int, now: dt.datetime, beside: int | None = None) -> None:
    """Raise the earned tier to what the spend of both reaches, or to what the one merged in still holds."""
    holder, counted = _recount(member_id, now)
    terms, own = holder.programme.tier_terms, holder.state.earned_tier_id
    reached = after_spend(own, counted.of(terms.basis), holder.programme.ladder).tier_id
    until, why = None, counted.why(terms.basis)
    if beside is not None:
        other = Member.objects.get(id=beside)
        brought = other.earned_tier_id or other.tier_id
        if terms.rank(brought) > terms.rank(reached) and terms.is_held:
            reached, until, why = brought, other.tier_until, why | {"held": brought}
    stand(holder, reached, actor=actor, cause="merge", reference="", now=now, until=until, why=why)


def _lower_tier(actor: Viewer, member_id: int, now: dt.datetime, floor: int, until: str | None) -> None:
    """Lower the earned tier again to what one's own spend reaches, not below what one had before, for as long."""
    holder, counted = _recount(member_id, now)
    basis, own = holder.programme.tier_basis, holder.state.earned_tier_id
    lowered = _fallen(holder.programme, own, counted.of(basis), floor)
    held = dt.date.fromisoformat(until) if until and lowered == floor != own else None
    stand(
        holder, lowered, actor=actor, cause="merge", reference="", now=now, until=held, why=counted.why(basis)
    )


def _fallen(programme: Programme, current: int, counted: int, floor: int) -> int:
    """What a member keeps of the tier that what two did reached: what they had before, or reach by themselves."""
    rank = {step.tier_id: step.rank for step in programme.ladder}
    own = tier_for(counted, programme.ladder).tier_id
    kept = own if rank[own] >= rank[floor] else floor
    return kept if rank[kept] < rank[current] else current


# --- suggestions -----------------------------------------------------------------------------------------------------


@transaction.atomic
def accept_suggestion(*, actor: Viewer, suggestion_id: int, reason: str, now: dt.datetime) -> MergeOutcome:
    """Merge a suggested pair into the older record that is a member's, or propose it where caution is due.

    Raises SuggestionDecided, and what `merge_persons` raises.
    """
    one = twins.suggestion(actor, suggestion_id)
    survivor, merged = one.first.id, one.second.id
    if not Member.objects.filter(person_id=survivor).exists():
        survivor, merged = merged, survivor
    outcome = merge_persons(
        actor=actor,
        survivor_id=survivor,
        merged_id=merged,
        reason=reason,
        evidence={"suggestion": suggestion_id, "probability": one.probability},
        now=now,
    )
    suggesting.accept(actor=actor, suggestion_id=suggestion_id, merge_id=outcome.merge_id, now=now)
    return outcome


def reject_suggestion(*, actor: Viewer, suggestion_id: int, unsure: bool = False, now: dt.datetime) -> None:
    """Two persons, for good; or ``unsure``: somebody else may look. Raises SuggestionDecided, NotFound, NotAllowed."""
    verdict = "unsure" if unsure else "rejected"
    suggesting.judge(actor=actor, suggestion_id=suggestion_id, verdict=verdict, now=now)


def find_twins(*, actor: Viewer, now: dt.datetime) -> int:
    """Compare everybody with everybody, for a worker or a command; how many pairs are new. Raises NotAllowed."""
    return suggesting.find_twins(actor=actor, devices=collection.shared_devices(), now=now)


def look_for_twins(*, actor: Viewer, now: dt.datetime) -> None:
    """Have a worker compare everybody soon. Raises NotAllowed."""
    require(actor, "members.merge")
    app.configure_task("zhike.loyalty.jobs.find_twins", queue=CARETAKER_QUEUE).defer(
        timestamp=int(now.timestamp())
    )
