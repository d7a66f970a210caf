"""One account lives again, by today's rules or by a draft.

What is decided is decided by the very functions that tills and imports call; what people did (spending, corrections)
is done again as far as the points are there. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from zhike.kernel.access import system_viewer
from zhike.loyalty.operations import batches
from zhike.loyalty.operations.replay.reading import Posted, Review, Story, Taken, in_order
from zhike.loyalty.operations.state import Holder, posting_for
from zhike.loyalty.queries.snapshots import Programme
from zhike.loyalty.rules.accounts import (
    AccountState,
    Movement,
    credit,
    credit_lots,
    debit,
    expire,
    restore,
)
from zhike.loyalty.rules.calendar import window_start
from zhike.loyalty.rules.tiers import rise, tier_for

ACTOR = system_viewer("time machine")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise than it stands in the ledger."""

    account_id: int
    what: str
    field: str
    ledger: str
    replay: str


@dataclass(slots=True)
class Life:
    """What became of one account: points by reason, by merchant and month of earning, its state at the end."""

    story: Story
    points: dict[str, int] = field(default_factory=dict)
    earned: list[tuple[int, dt.date, int, int]] = field(default_factory=list)
    """(merchant, day, points the ledger gave, points the replay gives) of each sale."""
    unmet: int = 0
    balance: int = 0
    debt: int = 0
    tier_id: int = 0
    differences: list[Difference] = field(default_factory=list)


class Replay:
    """``draft`` holds from ``since`` on; without one everything must come out as it stands."""

    def __init__(
        self, today: Programme, draft: Programme | None, since: dt.datetime | None, as_of: dt.datetime
    ) -> None:
        self.today, self.draft, self.since, self.as_of = today, draft, since, as_of

    def live(self, story: Story) -> Life:
        return _Account(self, story).live()


class _Account:
    def __init__(self, replay: Replay, story: Story) -> None:
        self.replay, self.story = replay, story
        state = AccountState(story.account_id, 0, 0, 0, 0, story.first_tier_id)
        self.holder = Holder(story.member_id, story.person_id, "active", state, replay.today)
        self.batch = batches._Batch(ACTOR, replay.as_of)
        self.batch.holders[story.person_id] = self.holder
        self.posting = self.batch.postings[story.account_id] = posting_for(self.holder)
        self.life = Life(story)
        self.ledger = {(posted.reference, posted.reason): posted for posted in story.transfers}
        self.spent: dict[int, tuple[Movement, int]] = {}
        self.is_draft = False

    @property
    def state(self) -> AccountState:
        return self.holder.state

    def live(self) -> Life:
        for kind, what in in_order(self.story):
            if kind == "receipt":
                self._at(what.receipt.occurred_at, what.moment)
                self._receipt(what)
            elif kind == "review":
                self._at(what.moment, what.moment)
                self._review(what)
            else:
                self._at(what.at, what.at)
                self._transfer(what)
        self._at(self.replay.as_of, self.replay.as_of)
        if (
            self.is_draft
            and self.replay.draft is not None
            and self.replay.draft.ladder != self.replay.today.ladder
        ):
            self._stand(self.replay.as_of)
        self._end()
        return self.life

    def _at(self, happened: dt.datetime, moment: dt.datetime) -> None:
        """Switch to the draft when its time has come; under a draft, lots lapse by the calendar."""
        replay = self.replay
        if replay.draft is not None and not self.is_draft and (not replay.since or happened >= replay.since):
            self.is_draft = True
            self.holder.programme = replay.draft
            if replay.draft.ladder != replay.today.ladder:
                self._stand(moment)
        self.batch.now = moment
        if replay.draft is not None:
            for movement in expire(self.state, self.holder.programme.today(moment)):
                self._count("expire", movement.points)

    def _count(self, reason: str, points: int) -> None:
        self.life.points[reason] = self.life.points.get(reason, 0) + points

    # --- receipts --------------------------------------------------------------------------------------------------

    def _receipt(self, taken: Taken) -> None:
        receipt, tier_before = taken.receipt, self.state.tier_id
        before = len(self.posting.transfers)
        if receipt.kind == "sale":
            self.holder.status = "frozen" if taken.was_frozen else "active"
            self.batch.sold[receipt.id] = {
                line.line_no: batches._SoldLine(line.net_fen, line.quantity, 0, line.quantity * 0)
                for line in receipt.lines
            }
            outcome = batches._decide_sale(self.batch, receipt, self.holder)
            self.life.earned.append(
                (receipt.merchant_id, receipt.business_date, taken.award_points or 0, outcome.points)
            )
            if self.replay.draft is None:
                self._compare(f"receipt {receipt.id}", "points", taken.award_points, outcome.points)
                self._compare(f"receipt {receipt.id}", "tier", taken.award_tier, tier_before)
        else:
            if receipt.original_id is not None and receipt.original_id not in self.batch.sold:
                receipt = replace(receipt, original_id=None)
            batches._decide_return(self.batch, receipt, self.holder)
            if (fallen := self.story.refunds.get(f"receipt:{receipt.id}")) is not None:
                self._review(fallen)
        for row in self.posting.transfers[before:]:
            self._count(row["reason"], row["points"])
            if self.replay.draft is None:
                self._check(row)
        self._nothing_less(taken, self.posting.transfers[before:])

    def _nothing_less(self, taken: Taken, made: list[dict[str, Any]]) -> None:
        if self.replay.draft is not None:
            return
        reasons = {row["reason"] for row in made}
        for reason in ("earn", "clawback"):
            posted = self.ledger.get((f"receipt:{taken.receipt.id}", reason))
            if posted is not None and reason not in reasons:
                self._compare(f"transfer {posted.id}", "points", posted.points, 0)

    def _check(self, row: dict[str, Any]) -> None:
        """A transfer that was made again, field by field with the one in the ledger."""
        posted = self.ledger.get((row["reference"], row["reason"]))
        if posted is None:
            self._compare(f"{row['reason']} {row['reference']}", "points", 0, row["points"])
            return
        lots = [[day.isoformat(), funding, part] for day, funding, part in posted.lots]
        facts = {
            "points": posted.points, "lots": lots, "debt_points": posted.debt_points, "balance_after": posted.balance_after,
        }  # fmt: skip
        for name, expected in facts.items():
            self._compare(f"transfer {posted.id}", name, expected, row[name])

    def _compare(self, what: str, name: str, ledger: Any, replayed: Any) -> None:
        if ledger != replayed:
            self.life.differences.append(
                Difference(self.story.account_id, what, name, str(ledger), str(replayed))
            )

    # --- what people did -------------------------------------------------------------------------------------------

    def _transfer(self, posted: Posted) -> None:
        if posted.reason == "expire" and self.replay.draft is not None:
            return
        movement = self._again(posted)
        if movement is None:
            return
        self._count(posted.reason, movement.points)
        self._keep_withdrawal(posted, movement)
        if self.replay.draft is None:
            facts = {
                "points": (posted.points, movement.points),
                "lots": (posted.lots, movement.lots),
                "debt_points": (posted.debt_points, movement.debt_points),
                "balance_after": (posted.balance_after, movement.balance_after),
            }
            for name, (ledger, replayed) in facts.items():
                self._compare(f"transfer {posted.id}", name, ledger, replayed)

    def _keep_withdrawal(self, posted: Posted, movement: Movement) -> None:
        """What was withdrawn of a receipt is not taken back again when its goods are returned."""
        key = posted.explanation.get("withdraws")
        award = self.batch.awards.get(UUID(key)) if key else None
        if award is not None:
            clawed = award.clawed_points - movement.sign * movement.points
            award.clawed_points = min(award.points, max(0, clawed))

    def _again(self, posted: Posted) -> Movement | None:
        """The same act on the account as it is in this life."""
        state = self.state
        if posted.reason == "expire":
            day, funding, _ = posted.lots[0]
            left = state.lots.get((day, funding), 0)
            return debit(state, left, first=((day, funding),)) if left else None
        if posted.reason == "release":
            return self._release(posted)
        if posted.reverses is not None and posted.reverses in self.spent and posted.entering:
            movement, given = self.spent[posted.reverses]
            points = min(posted.points, movement.points - given)
            if points <= 0:
                return None
            lots = movement.lots if posted.reason == "restore" else tuple(sorted(movement.lots))
            self.spent[posted.reverses] = (movement, given + points)
            return restore(state, lots, given, points)
        if posted.entering:
            return self._credit(posted)
        into_debt = posted.debt_points > 0
        points = (
            posted.points if into_debt or self.replay.draft is None else min(posted.points, state.balance)
        )
        self.life.unmet += posted.points - points
        if not points:
            return None
        movement = debit(state, points, into_debt=into_debt or self.replay.draft is None)
        self.spent[posted.id] = (movement, 0)
        return movement

    def _release(self, posted: Posted) -> Movement | None:
        key = posted.explanation.get("award")
        award = self.batch.awards.get(UUID(key)) if key else None
        waiting = award.waiting if award else None
        if waiting is None or not waiting.remaining:
            return self._credit(posted) if self.replay.draft is None else None
        return credit_lots(self.state, waiting.take(waiting.remaining))

    def _credit(self, posted: Posted) -> Movement:
        """Points that came in by another way than a receipt, into the lots they went to."""
        if len(posted.lots) <= 1:
            if posted.lots:
                day, funding, _ = posted.lots[0]
            else:
                day, funding = self.replay.as_of.date(), self.holder.programme.funding_id
            return credit(self.state, posted.points, day, funding)
        parts = [credit(self.state, part, day, funding) for day, funding, part in posted.lots]
        lots = tuple(lot for part in parts for lot in part.lots)
        return Movement(1, posted.points, lots, posted.debt_points, self.state.net)

    # --- tiers -----------------------------------------------------------------------------------------------------

    def _tier_at(self, moment: dt.datetime) -> int:
        """The tier that the spend of the window reaches, counted anew as the review does."""
        programme = self.holder.programme
        start = window_start(programme.tier_window, moment.date())
        self.state.qualifying_fen = sum(
            award.qualifying_fen for award in self.batch.awards.values() if award.day >= start
        )
        return tier_for(self.state.qualifying_fen, programme.ladder).tier_id

    def _stand(self, moment: dt.datetime) -> None:
        """The tier that the spend reaches by now, below what is lent."""
        state, ladder = self.state, self.holder.programme.ladder
        earned = self._tier_at(moment)
        lent = state.tier_id if state.earned_id else earned
        state.tier_id, state.earned_id = rise(lent, earned if state.earned_id else 0, earned, ladder)

    def _review(self, review: Review) -> None:
        """Count anew as the review does. Decisions at the end of a period, on a refund of a held tier and on lent tiers are
        taken as they were, unless the draft has another ladder: then its spend decides, below what is lent.
        """
        state = self.state
        if self.is_draft and self.holder.programme.ladder != self.replay.today.ladder:
            state.tier_id, state.earned_id = review.tier_id, review.earned_id
            self._stand(review.moment)
        elif (
            review.cause == "review"
            and not self.holder.programme.counts_after
            and not self.holder.programme.tier_terms.is_held
            and not review.earned_id
        ):
            state.tier_id, state.earned_id = self._tier_at(review.moment), 0
            if self.replay.draft is None:
                self._compare("review", "tier", review.tier_id, state.tier_id)
        else:
            state.tier_id, state.earned_id = review.tier_id, review.earned_id

    def _end(self) -> None:
        life, state, story = self.life, self.state, self.story
        life.balance, life.debt, life.tier_id = state.balance, state.debt, state.tier_id
        if self.replay.draft is not None:
            return
        self._compare("account", "balance", story.balance, state.balance)
        self._compare("account", "debt", story.debt, state.debt)
        self._compare("account", "tier", story.tier_id, state.tier_id)
        lots = {key: points for key, points in state.lots.items() if points}
        for key in sorted(lots.keys() | story.lots.keys()):
            if lots.get(key, 0) != story.lots.get(key, 0):
                name = f"lot {key[0]}/{key[1]}"
                self._compare(name, "remaining", story.lots.get(key, 0), lots.get(key, 0))
