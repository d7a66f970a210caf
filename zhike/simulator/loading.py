"""A history into the database, week by week, through the operations that tills use."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.garbage import paused_collection
from zhike.loyalty import operations as loyalty
from zhike.privacy import operations as privacy
from zhike.sales import operations as sales
from zhike.sales import queries as sales_queries
from zhike.simulator.founding import POLICY_VERSION, World
from zhike.simulator.history import History, SimLine, SimReceipt
from zhike.simulator.people import Person
from zhike.simulator.rhythm import ZONE

PERIOD_DAYS = 7
ENROL_BATCH = 5_000
LUNAR_UNTIL = 1976
"""Most of those born before it celebrate by the Chinese calendar."""
REDEEM_STEP = 100
REDEEM_MAX = 5_000

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Loader:
    """Loads its share of the history: every `of`-th member with all they did, and as many strangers.

    Carries what later weeks refer to: who is who, which sale has which id.
    """

    actor: Viewer
    world: World
    history: History
    now: dt.datetime
    progress: Progress
    share: int = 0
    of: int = 1
    person_ids: dict[int, int] = field(default_factory=dict)
    receipt_ids: dict[int, UUID] = field(default_factory=dict)
    holdings: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Member id and points of whoever bought something, as of their last receipt."""
    done: Counter[str] = field(default_factory=Counter)

    def load(self) -> None:
        """Everything up to now. A week is one transaction; weeks that are in already are passed over."""
        people = deque(self.history.people[self.share :: self.of])
        places = [
            place
            for place, sale in enumerate(self.history.receipts)
            if self._share_of(place, sale) == self.share and utc(sale.at) <= self.now
        ]
        start = 0
        while start < len(places):
            until = self.history.receipts[places[start]].at.date() + dt.timedelta(days=PERIOD_DAYS)
            end = start
            while end < len(places) and self.history.receipts[places[end]].at.date() < until:
                end += 1
            joining = []
            while people and people[0].joined_on < until:
                joining.append(people.popleft())
            self._week(places[start:end], joining)
            start = end
            self.progress("history", start, len(places))

    def _share_of(self, place: int, sale: SimReceipt) -> int:
        """A return goes with its sale."""
        return (sale.person if sale.person is not None else sale.original or place) % self.of

    def _week(self, places: Sequence[int], joining: Sequence[Person]) -> None:
        if self._is_loaded(places[-1]):
            self._remember(places, joining)
            return
        with transaction.atomic(), paused_collection():
            self._enroll(joining)
            self._take(places)
            self._spend(places)
            self._adjust(places)

    # --- weeks that an earlier attempt loaded ----------------------------------------------------------------------

    def _is_loaded(self, place: int) -> bool:
        return bool(sales_queries.receipts_by_keys([self._key(place)]))

    def _key(self, place: int) -> sales_queries.NaturalKey:
        sale = self.history.receipts[place]
        return self.world.merchant_ids[sale.shop], sale.till, sale.number, sale.at.date()

    def _remember(self, places: Sequence[int], joining: Sequence[Person]) -> None:
        found = customers.person_ids_by("phone", [person.phone for person in joining])
        self.person_ids |= {person.index: found[person.phone] for person in joining}
        known = sales_queries.receipts_by_keys([self._key(place) for place in places])
        self.receipt_ids |= {place: known[self._key(place)].id for place in places}

    # --- members ---------------------------------------------------------------------------------------------------

    def _enroll(self, people: Sequence[Person]) -> None:
        for start in range(0, len(people), ENROL_BATCH):
            batch = people[start : start + ENROL_BATCH]
            joined_at = [self._joined_at(person) for person in batch]
            new = [
                loyalty.NewMember(
                    name=person.name,
                    enrolled_at=at,
                    phone=person.phone,
                    sex=person.sex,
                    birthday=person.birthday,
                    birthday_calendar="lunar"
                    if person.birthday.year < LUNAR_UNTIL and person.index % 3
                    else "solar",
                    mall_id=self.world.mall_id,
                    merchant_id=self.world.merchant_ids[person.favourites[0]],
                    source="counter" if person.index % 3 else "h5",
                )
                for person, at in zip(batch, joined_at, strict=True)
            ]
            ids = loyalty.enroll_members(actor=self.actor, members=new, now=max(joined_at))
            self._record_consents(batch, ids, joined_at)
            self.person_ids |= {person.index: person_id for person, person_id in zip(batch, ids, strict=True)}
            self.done["members"] += len(batch)
            self.progress("members", len(self.person_ids), len(self.history.people) // self.of)

    def _joined_at(self, person: Person) -> dt.datetime:
        return min(utc(dt.datetime.combine(person.joined_on, dt.time(10, person.index % 60))), self.now)

    def _record_consents(
        self, people: Sequence[Person], ids: Sequence[int], joined_at: Sequence[dt.datetime]
    ) -> None:
        persons = [
            privacy.PersonDecisions(
                person_id,
                (privacy.Decision("membership", "any", "granted"), *_marketing(person)),
                "counter_tick" if person.index % 3 else "member_app",
                {"screen": f"enrol-{POLICY_VERSION}"},
                decided_at,
            )
            for person, person_id, decided_at in zip(people, ids, joined_at, strict=True)
        ]
        if persons:
            privacy.record_consents_bulk(
                actor=self.actor,
                group_id=self.world.group_id,
                persons=persons,
                policy_version=POLICY_VERSION,
                now=max(joined_at),
            )

    # --- receipts, points ------------------------------------------------------------------------------------------

    def _take(self, places: Sequence[int]) -> None:
        receipts = [self.receipt(place) for place in places]
        moment = receipts[-1].occurred_at
        outcomes = loyalty.take_receipts(actor=self.actor, receipts=receipts, now=moment)
        for place, outcome in zip(places, outcomes, strict=True):
            person = self.history.receipts[place].person
            if person is not None and outcome.member_id is not None:
                self.holdings[person] = outcome.member_id, outcome.balance
        returns = sum(receipt.kind == "return" for receipt in receipts)
        self.done["returns"] += returns
        self.done["receipts"] += len(receipts) - returns

    def receipt(self, place: int) -> sales.NewReceipt:
        """One receipt of the history as a till would send it; remembers its id, for its returns."""
        sim = self.history.receipts[place]
        original = None if sim.original is None else self.receipt_ids[sim.original]
        receipt = sales.NewReceipt(
            merchant_id=self.world.merchant_ids[sim.shop],
            mall_id=self.world.mall_id,
            kind="sale" if original is None else "return",
            till=sim.till,
            number=sim.number,
            business_date=sim.at.date(),
            occurred_at=utc(sim.at),
            lines=tuple(self._lines(sim)),
            tenders=tuple(sales.NewTender(kind, fen) for kind, fen in sim.tenders),
            person_id=None if sim.person is None else self.person_ids[sim.person],
            original_id=original,
            cashier=sim.cashier,
            source="simulator",
        )
        self.receipt_ids[place] = receipt.id
        return receipt

    def _lines(self, sim: SimReceipt) -> Iterator[sales.NewLine]:
        for no, line in enumerate(sim.lines, start=1):
            original_line_no = sim.original_lines[no - 1] if sim.original_lines else None
            yield self._line(sim.shop, no, line, original_line_no)

    def _line(self, shop: int, no: int, line: SimLine, original_line_no: int | None) -> sales.NewLine:
        article = self.history.catalogue.shops[shop].articles[line.article]
        return sales.NewLine(
            no,
            article.sku,
            article.name,
            Decimal(line.quantity),
            line.unit_price_fen,
            line.net_fen,
            line.discount_fen,
            self.world.product_ids[self.world.merchant_ids[shop], article.sku],
            self.world.category_ids[article.category],
            original_line_no,
        )

    def _spend(self, places: Sequence[int]) -> None:
        """Points spent this week: after the member's last receipt of the week, so that their ledger is in order."""
        first, last = self._span(places)
        bought: dict[int | None, dt.datetime] = {}
        for place in places:
            sim = self.history.receipts[place]
            bought[sim.person] = sim.at
        for wish in self.history.redemptions:
            if not first <= wish.at <= last or wish.person not in bought or wish.at < bought[wish.person]:
                continue
            member_id, balance = self.holdings[wish.person]
            points = min(int(balance * wish.share) // REDEEM_STEP * REDEEM_STEP, REDEEM_MAX)
            if points >= REDEEM_STEP:
                outcome = loyalty.redeem_points(
                    actor=self.actor,
                    member_id=member_id,
                    points=points,
                    mall_id=self.world.mall_id,
                    merchant_id=self.world.merchant_ids[wish.shop],
                    reference=f"SIM{wish.at:%y%m%d%H%M}",
                    now=utc(wish.at),
                )
                self.holdings[wish.person] = member_id, outcome.balance
                self.done["redemptions"] += 1

    def _adjust(self, places: Sequence[int]) -> None:
        first, last = self._span(places)
        for wish in self.history.adjustments:
            member_id, balance = self.holdings.get(wish.person, (0, 0))
            if not member_id or not first <= wish.at <= last or balance + wish.points < 0:
                continue
            loyalty.adjust_points(
                actor=self.actor,
                member_id=member_id,
                points=wish.points,
                reason=wish.reason,
                now=utc(wish.at),
            )
            self.holdings[wish.person] = member_id, balance + wish.points
            self.done["adjustments"] += 1

    def _span(self, places: Sequence[int]) -> tuple[dt.datetime, dt.datetime]:
        """From the first moment of the week to the end of its last day, or to now."""
        first, last = self.history.receipts[places[0]].at, self.history.receipts[places[-1]].at
        end = dt.datetime.combine(last.date(), dt.time.max)
        local_now = self.now.astimezone(ZONE).replace(tzinfo=None)
        return dt.datetime.combine(first.date(), dt.time()), min(end, local_now)


def utc(local: dt.datetime) -> dt.datetime:
    return local.replace(tzinfo=ZONE).astimezone(dt.UTC)


def _marketing(person: Person) -> list[privacy.Decision]:
    """Who enrolled in the member app was asked for its notifications as well."""
    welcome = {channel: channel in person.channels for channel in ("sms", "wechat")}
    if person.index % 3 == 0:
        welcome["push"] = bool(person.channels)
    return [
        privacy.Decision("marketing", channel, "granted" if is_welcome else "refused")
        for channel, is_welcome in welcome.items()
    ]
