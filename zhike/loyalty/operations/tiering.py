"""Writing what became of a member's tier: at once on spend and refund; and the spend that counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection

from zhike.kernel import events
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty.events import TierChanged
from zhike.loyalty.models import Member, TierChange, TierGrant
from zhike.loyalty.operations.state import Holder, to_json
from zhike.loyalty.queries.counting import counted_since
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.standing import (
    Counted,
    Decision,
    Lent,
    Standing,
    after_refund,
    needed_name,
    standing,
)
from zhike.loyalty.rules.tiers import tier_for

DECISIONS = ("spend", "visits", "growth", "review", "kept", "fallen", "merge")
"""Causes that say what a member has earned."""
SETTLER = system_viewer("tiers")
_LAST_DECISIONS = 50


def tier_row(
    holder: Holder,
    earned_id: int,
    cause: str,
    reference: str,
    now: dt.datetime,
    *,
    until: dt.date | None = None,
    why: Mapping[str, Any] | None = None,
    actor: str = "",
    stands: Standing | None = None,
) -> dict[str, Any]:
    """A decision as ``loyalty_stand_all`` takes it. ``until`` None: as long as a tier reached today is held.

    With ``stands`` what is lent was looked up; without, the state says which tier counts.
    """
    programme = holder.programme
    effective = stands.tier_id if stands else holder.state.tier_id
    terms, today = programme.tier_terms, programme.today(now)
    row = {
        "member": holder.owner_id,
        "tier": effective,
        "earned": earned_id if earned_id != effective else None,
        "since": terms.counts_from(today),
        "until": until or terms.held_until(earned_id, today),
        "cause": cause,
        "reference": reference,
        "why": dict(why or {"spend_fen": holder.state.qualifying_fen}),
        "actor": actor,
        "at": now,
    }
    return row | ({"settled": True, "due": stands.due} if stands else {})


def write_standing(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write decisions, one a member; the caller holds their accounts."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute("SELECT loyalty_stand_all(%s)", [to_json(list(rows))])


def lent_to(member_ids: Sequence[int], now: dt.datetime) -> dict[int, list[Lent]]:
    """The grants that run or are still to come, by the member that stands for whoever they were given to."""
    family = dict(Member.objects.filter(survivor_id__in=member_ids).values_list("id", "survivor_id"))
    rows = TierGrant.objects.filter(
        member_id__in=[*member_ids, *family], status=TierGrant.Status.GIVEN, ends_at__gt=now
    )
    found: dict[int, list[Lent]] = {}
    for row in rows:
        owner = family.get(row.member_id, row.member_id)
        found.setdefault(owner, []).append(Lent(row.pk, row.tier_id, row.starts_at, row.ends_at))
    return found


def stand(
    holder: Holder,
    earned_id: int,
    *,
    actor: Viewer,
    cause: str,
    reference: str,
    now: dt.datetime,
    until: dt.date | None = None,
    why: Mapping[str, Any] | None = None,
) -> int:
    """The member has earned this tier from now on; with what is lent to them that makes the tier that counts: its id.

    The caller holds the account. Nothing is written when nothing changes, but when to look again.
    """
    state, before = holder.state, holder.state.tier_id
    lent = lent_to([holder.owner_id], now).get(holder.owner_id, [])
    stands = standing(holder.programme.tier_terms, earned_id, lent, now)
    is_same = earned_id == state.earned_tier_id
    if stands.tier_id != before or not is_same:
        grounds: dict[str, Any] = dict(why or {"spend_fen": state.qualifying_fen})
        if stands.grant_id:
            grounds["grant"] = stands.grant_id
        row = tier_row(
            holder, earned_id, cause, reference, now,
            until=until, why=grounds, actor=actor.audit_id, stands=stands,
        )  # fmt: skip
        write_standing([row | {"same": is_same}])
        state.version += 1
    else:
        Member.objects.filter(id=holder.owner_id).update(tier_due=stands.due)
    holder.tier_due = stands.due
    state.tier_id, state.earned_id = stands.tier_id, stands.earned_id or 0
    if stands.tier_id != before:
        fact = TierChanged(holder.member_id, holder.person_id, before, stands.tier_id, cause)
        events.publish(fact, actor=actor, now=now)
    return stands.tier_id


def settle_lent(holder: Holder, *, now: dt.datetime) -> bool:
    """Settle a temporary tier that has begun or ended since somebody looked; whether there was one.

    The caller holds the account. `operations.taking` calls it before a receipt is decided, the minute's job for the rest.
    """
    if not holder.is_due(now):
        return False
    stand(holder, holder.state.earned_tier_id, actor=SETTLER, cause="temporary", reference="", now=now)
    return True


def lower_after_refund(holder: Holder) -> int | None:
    """Where tiers are not held for a period: the lower tier that the remaining spend still reaches; else None.

    Only where the programme reverses upgrades, and its ladder counts spend. The state is changed; nothing is read or written.
    """
    programme, state = holder.programme, holder.state
    if not programme.tier_reverses_on_refund or programme.tier_terms.is_held or programme.counts_after:
        return None
    reached = tier_for(state.qualifying_fen, programme.ladder).tier_id
    rank = programme.tier_terms.rank
    if rank(reached) >= rank(state.earned_tier_id):
        return None
    if state.earned_id:
        state.earned_id = reached
    else:
        state.tier_id = reached
    return reached


def settle_after_refund(
    holder: Holder, *, actor: Viewer, reference: str, now: dt.datetime, counted: Counted | None = None
) -> None:
    """The tier after purchases were taken back, where the programme reverses upgrades; the caller has posted the refund.

    ``counted`` is what the window holds; None: the spend, where a ladder that counts something else is settled afterwards
    (operations.growing).

    A tier held for a period stands while the purchases it was reached or kept with still do; then falls to the decision
    before it, or to what the spend reaches (rules.standing.after_refund).
    """
    programme, state = holder.programme, holder.state
    terms, today = programme.tier_terms, programme.today(now)
    if counted is None:
        if programme.counts_after:
            return
        counted = Counted(state.qualifying_fen, 0)
    reached = tier_for(counted.of(terms.basis), programme.ladder).tier_id
    if not programme.tier_reverses_on_refund or terms.rank(reached) >= terms.rank(state.earned_tier_id):
        return
    until: dt.date | None = None
    if terms.is_held:
        decisions = _decisions(holder)
        account_id = state.account_id
        reached, until = after_refund(terms, decisions, partial(_counted, account_id, terms.basis), today)
        if terms.rank(reached) >= terms.rank(state.earned_tier_id):
            return
    needed = {needed_name(terms.basis, "threshold"): terms.step(state.earned_tier_id).threshold}
    why = counted.why(terms.basis) | needed
    stand(holder, reached, actor=actor, cause="refund", reference=reference, now=now, until=until, why=why)


def _counted(account_id: int, basis: str, day: dt.date) -> Counted:
    return counted_since(account_id, day, basis)


def _decisions(holder: Holder) -> list[Decision]:
    """What was decided on what the member has earned, newest first; where nothing was, it begins at the lowest tier."""
    family = [
        holder.owner_id,
        *Member.objects.filter(survivor_id=holder.owner_id).values_list("id", flat=True),
    ]
    rows = TierChange.objects.filter(
        member_id__in=family, cause__in=DECISIONS, why__held__isnull=True
    ).order_by("-id")
    found = []
    for row in rows[:_LAST_DECISIONS]:
        since = row.why.get("since")
        found.append(
            Decision(
                row.cause,
                row.earned_id or row.after_id,
                holder.programme.today(row.changed_at),
                row.until,
                dt.date.fromisoformat(since) if since else None,
            )
        )
    return found


def counted_now(holder: Holder, now: dt.datetime) -> Counted:
    """What counts toward the tier of the account's member since the day their window began."""
    programme = holder.programme
    start = window_start(programme.tier_window, now.date())
    return counted_since(holder.state.account_id, start, programme.tier_basis)
