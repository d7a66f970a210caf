"""What a receipt earns: the rules are asked, and what follows from their answer is made ready to be written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.kernel.events.base import Fact, source_of
from zhike.loyalty.events import PointsEarned, TierChanged
from zhike.loyalty.models import Award, PendingPoints
from zhike.loyalty.operations.payers import fundings_of
from zhike.loyalty.operations.state import Holder, Posting, lots_json, posting_for
from zhike.loyalty.queries.snapshots import ISSUED, PENDING, Programme
from zhike.loyalty.rules import earning, tiers
from zhike.loyalty.rules.accounts import LotParts, Movement, Waiting, credit_lots
from zhike.loyalty.rules.calendar import window_start
from zhike.organization import queries as organization
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.sales.events import ReceiptRecorded

NOBODY: dict[str, Any] = {"refusal": "no_member", "rules": []}


class MerchantNotFound(NotFound):
    code = "merchant-not-found"


@dataclass(frozen=True, slots=True)
class ReceiptOutcome:
    """What became of a receipt. ``status`` is accepted or duplicate; ``explanation`` is the award's (rules.earning).

    ``available_on``: the points wait until that day for the return window to close; None when they can be spent.
    """

    receipt_id: UUID
    status: str
    member_id: int | None = None
    points: int = 0
    balance: int = 0
    tier_id: int | None = None
    upgraded: bool = False
    explanation: dict[str, Any] = field(default_factory=dict)
    replayed: bool = False
    available_on: dt.date | None = None
    counts_after: bool = False
    """The ladder counts what is known only when the receipt is written; ``tier_id`` is still the one before."""


@dataclass(slots=True)
class Decided:
    """A receipt with everything the rules said about it, ready to be written; ``new_tier`` is one just earned."""

    receipt: sales.NewReceipt
    outcome: ReceiptOutcome
    holder: Holder | None = None
    decision: earning.Decision | None = None
    posting: Posting | None = None
    movement: Movement | None = None
    new_tier: int | None = None
    waiting: Waiting | None = None

    @property
    def lots(self) -> LotParts:
        """The lots that the receipt made, whether their points wait or not."""
        if self.movement is not None:
            return self.movement.lots
        return self.waiting.lots if self.waiting is not None else ()

    @property
    def qualifying_fen(self) -> int:
        return self.posting.qualifying_fen if self.posting else 0


def decide_receipt(
    receipt: sales.NewReceipt, holder: Holder | None, actor: Viewer, now: dt.datetime
) -> Decided:
    """Ask the rules and move the holder's state; nothing is written. A frozen member earns nothing and is told so."""
    if holder is None:
        return Decided(receipt, ReceiptOutcome(receipt.id, "accepted", explanation=NOBODY))
    facts, posting = earn_receipt(receipt), posting_for(holder)
    if not holder.earns:
        refused = earning.Decision(
            0, {"tier": holder.state.tier_id, "rules": [], "points": 0, "refusal": "member_frozen"}
        )
        return Decided(receipt, _outcome(receipt, holder, refused), holder, refused, posting)
    programme = holder.programme
    decision = earning.decide(holder.state, facts, programme.rules, programme.rounding)
    movement = waiting = None
    if decision.points:
        movement, waiting = _give(posting, decision, facts, receipt, actor, now)
        posting.add_caps(decision.caps)
        for rule_id, cap, period, points in decision.caps:
            used = holder.state.caps.get((rule_id, cap, period), 0)
            holder.state.caps[rule_id, cap, period] = used + points
    posting.qualifying_fen = _qualifying(facts, programme, now)
    tier_before = holder.state.tier_id
    new_tier = _count_toward_tier(holder, posting.qualifying_fen)
    outcome = _outcome(receipt, holder, decision, holder.state.tier_id != tier_before, waiting)
    return Decided(receipt, outcome, holder, decision, posting, movement, new_tier, waiting)


def _outcome(
    receipt: sales.NewReceipt,
    holder: Holder,
    decision: earning.Decision,
    upgraded: bool = False,
    waiting: Waiting | None = None,
) -> ReceiptOutcome:
    return ReceiptOutcome(
        receipt_id=receipt.id,
        status="accepted",
        member_id=holder.member_id,
        points=decision.points,
        balance=holder.state.net,
        tier_id=holder.state.tier_id,
        upgraded=upgraded,
        explanation=decision.explanation,
        available_on=waiting.available_on if waiting else None,
        counts_after=holder.programme.counts_after,
    )


def _give(
    posting: Posting,
    decision: earning.Decision,
    facts: earning.EarnReceipt,
    receipt: sales.NewReceipt,
    actor: Viewer,
    now: dt.datetime,
) -> tuple[Movement | None, Waiting | None]:
    """The points enter the member's account, or wait for the return window of the merchant's category to close."""
    programme = posting.holder.programme
    available_on = facts.day + dt.timedelta(days=programme.waiting_days(facts.trade_category_id))
    lots = earning.lots_of(
        decision.explanation,
        programme.expiry_policy,
        facts.day,
        programme.funding_id,
        available_on,
        fundings_of(programme, earning.payers_named(decision.explanation)),
    )
    about: dict[str, Any] = {
        "reason": "earn",
        "reference": f"receipt:{receipt.id}",
        "actor": actor,
        "occurred_at": receipt.occurred_at,
        "now": now,
        "explanation": {"award": str(receipt.id), "why": earning.mark_of(decision.explanation)},
        "rule_version_id": decision.rule_version_id,
    }
    if available_on <= now.astimezone(facts.local.tzinfo).date():
        movement = credit_lots(posting.holder.state, lots)
        posting.add(movement, against=ISSUED, **about)
        return movement, None
    about["explanation"] |= {
        "account": posting.holder.state.account_id,
        "available_on": available_on.isoformat(),
    }
    posting.add_beside(lots, debit=ISSUED, credit=PENDING, **about)
    return None, Waiting(decision.points, decision.points, lots, available_on)


def _qualifying(facts: earning.EarnReceipt, programme: Programme, now: dt.datetime) -> int:
    return facts.qualifying_fen if facts.day >= window_start(programme.tier_window, now.date()) else 0


def _count_toward_tier(holder: Holder, qualifying_fen: int) -> int | None:
    """Add the spend to the state; the id of the tier that is now earned by it, or None."""
    state, ladder = holder.state, holder.programme.ladder
    state.qualifying_fen += qualifying_fen
    if holder.programme.counts_after:
        return None
    reached = tiers.after_spend(state.earned_tier_id, state.qualifying_fen, ladder).tier_id
    if reached == state.earned_tier_id:
        return None
    state.tier_id, state.earned_id = tiers.rise(state.tier_id, state.earned_id, reached, ladder)
    return reached


def earn_receipt(receipt: sales.NewReceipt) -> earning.EarnReceipt:
    """The receipt as the rules see it. Raises MerchantNotFound."""
    merchant = organization.merchant_ref(receipt.merchant_id)
    if merchant is None:
        raise MerchantNotFound
    return earning.EarnReceipt(
        mall_id=merchant.mall_id,
        merchant_id=merchant.id,
        trade_category_id=merchant.trade_category_id,
        occurred_at=receipt.occurred_at,
        local=receipt.occurred_at.astimezone(_zone(merchant.time_zone)),
        day=receipt.business_date,
        lines=tuple(earning.EarnLine(line.line_no, line.net_fen, line.category_id) for line in receipt.lines),
        tenders=tuple((tender.kind, tender.amount_fen) for tender in receipt.tenders),
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def facts_of(decided: Decided, tier_before: int | None = None) -> list[Fact]:
    """What the log is told of a receipt that was taken."""
    receipt, holder = decided.receipt, decided.holder
    facts: list[Fact] = [
        ReceiptRecorded(
            receipt_id=str(receipt.id),
            person_id=receipt.person_id,
            merchant_id=receipt.merchant_id,
            mall_id=receipt.mall_id,
            kind=receipt.kind,
            net_fen=receipt.net_fen,
            occurred_at=receipt.occurred_at,
            discount_fen=receipt.discount_fen,
            cashier=receipt.cashier,
        )
    ]
    if holder is not None and decided.decision is not None and decided.decision.points:
        facts.append(
            PointsEarned(
                holder.member_id,
                holder.person_id,
                str(receipt.id),
                decided.decision.points,
                receipt.occurred_at,
                decided.waiting.available_on if decided.waiting else None,
            )
        )
    if holder is not None and tier_before is not None and decided.outcome.upgraded:
        facts.append(
            TierChanged(holder.member_id, holder.person_id, tier_before, holder.state.tier_id, "spend")
        )
    return facts


def event_row(fact: Fact, now: dt.datetime, by: str) -> dict[str, Any]:
    """A fact as the SQL functions take it (``kernel_append_events``)."""
    return {
        "source": source_of(fact.type),
        "type": fact.type,
        "subject": fact.subject,
        "actor": by,
        "time": fact.happened_at or now,
        "data": fact,
    }


def waiting_row(waiting: Waiting) -> dict[str, Any]:
    return {
        "points": waiting.points,
        "lots": lots_json(waiting.lots),
        "available_on": waiting.available_on.isoformat(),
    }


def known_explanation(receipt_id: UUID) -> dict[str, Any]:
    """Why a receipt that was taken earned what it earned."""
    explanation = Award.objects.filter(receipt_id=receipt_id).values_list("explanation", flat=True).first()
    return NOBODY if explanation is None else dict(explanation)


def duplicate_outcome(receipt_id: UUID, asked: sales.NewReceipt) -> ReceiptOutcome:
    """The answer to a receipt whose natural key exists: the first one's award. Raises ReceiptConflict if it differs."""
    first = records.recorded(receipt_id)
    if first.net_fen != asked.net_fen or first.kind != asked.kind:
        raise sales.ReceiptConflict
    award = Award.objects.filter(receipt_id=receipt_id).select_related("account").first()
    waits = PendingPoints.objects.filter(receipt_id=receipt_id, remaining__gt=0).first() if award else None
    if award is None:
        return ReceiptOutcome(receipt_id, "duplicate", explanation=NOBODY)
    return ReceiptOutcome(
        receipt_id=receipt_id,
        status="duplicate",
        member_id=award.account.member_id,
        points=award.points,
        balance=award.account.balance - award.account.debt,
        tier_id=award.tier_id,
        explanation=award.explanation,
        available_on=waits.available_on if waits else None,
    )
