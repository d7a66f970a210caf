"""The service desk of the past: tickets opened, answered in time or late, solved, closed, through the operations."""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from uuid import UUID

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, system_viewer
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service import operations as service
from zhike.service import queries
from zhike.simulator.amends import amends_for
from zhike.simulator.complaints import COMMENTS, SimTicket, plan_tickets
from zhike.simulator.founding import World
from zhike.simulator.history import History
from zhike.simulator.rhythm import ZONE

NOTICED_WITHIN = dt.timedelta(seconds=4)
CALLED = system_viewer("deadlines")
ASKED, LINK = system_viewer("surveys"), system_viewer("survey-link")
SURVEYED_FOR = dt.timedelta(days=24)
Act = Callable[[dt.datetime], None]


class ServiceDesk:
    """Lives through the tickets in order of time; what lies after `now` has not happened yet."""

    def __init__(self, actor: Viewer, world: World, history: History, seed: int, now: dt.datetime) -> None:
        self._actor, self._world, self._history, self._now = actor, world, history, now
        self._seed = seed
        self._agenda: list[tuple[dt.datetime, int, Act]] = []
        self._numbers = count()
        self.done: Counter[str] = Counter()

    def live(self) -> None:
        """Nothing when the desk has had tickets already."""
        if queries.tickets_page(self._actor, mall_id=self._world.mall_id, now=self._now, limit=1).items:
            return
        self._agents = self._hired()
        self._causes = {ref.code: ref.id for ref in queries.causes(self._world.group_id)}
        planned = plan_tickets(self._history, self._seed, self._now.astimezone(ZONE).replace(tzinfo=None))
        phones = {index: self._history.people[index].phone for index in {one.person for one in planned}}
        known = customers.person_ids_by("phone", list(phones.values()))
        self._persons = {index: known[phone] for index, phone in phones.items() if phone in known}
        for one in planned:
            if one.person in self._persons:
                self._plan(one.at.replace(tzinfo=ZONE), lambda at, one=one: self._open(one, at))  # type: ignore[misc]
        self._plan(self._now - SURVEYED_FOR, self._begin_to_ask)
        while self._agenda:
            at, _number, act = heapq.heappop(self._agenda)
            self._call_until(at)
            act(at)
        self._call_until(self._now)

    def _begin_to_ask(self, now: dt.datetime) -> None:
        """From now on members are asked after a ticket closes; messages go out some times a day."""
        service.found_surveys(actor=self._actor, group_id=self._world.group_id, now=now)
        for half_day in range(1, 2 * SURVEYED_FOR.days + 1):
            self._plan(
                now + half_day * dt.timedelta(hours=12),
                lambda at: self.done.update(asked=service.send_invitations(actor=ASKED, now=at)),
            )

    def _plan(self, at: dt.datetime, act: Act) -> None:
        if at <= self._now:
            heapq.heappush(self._agenda, (at, next(self._numbers), act))

    def _call_until(self, until: dt.datetime) -> None:
        """Deadlines are told within seconds, as the worker does."""
        while (due := queries.next_call_at()) is not None and due + NOTICED_WITHIN <= until:
            self.done["alerts"] += service.sweep_deadlines(actor=CALLED, now=due + NOTICED_WITHIN).called

    def _hired(self) -> list[Viewer]:
        wanted = {"service", "operations", "manager"}
        staff = [one for one in organization.staff_list(self._actor) if one.username in wanted]
        return [organization.viewer_of_staff(one.id) for one in staff]

    def _agent(self, one: SimTicket) -> Viewer:
        """The service agent mostly, sometimes somebody else."""
        by_name = {viewer.label: viewer for viewer in self._agents}
        names = ("孙客服", "孙客服", "孙客服", "陈运营", "王经理")
        return by_name.get(names[one.sale % len(names)], self._agents[0])

    def _open(self, one: SimTicket, at: dt.datetime) -> None:
        person_id = self._persons[one.person]
        member = customers.viewer_of_person(person_id)
        actor = member if one.channel == "app" else self._agent(one)
        sale = self._history.receipts[one.sale]
        shop = self._history.catalogue.shops[sale.shop]
        merchant = organization.merchant_by_code(shop.code, self._world.mall_id)
        is_about_shop = "{shop}" in "".join(one.theme.texts)
        number = service.open_ticket(
            actor=actor,
            type=one.theme.type,
            severity=one.theme.severity if actor is not member else "normal",
            text=one.text,
            channel=one.channel,
            mall_id=self._world.mall_id,
            merchant_id=merchant.id if merchant and is_about_shop else None,
            person_id=person_id,
            receipt_id=self._receipt(person_id, merchant.id if merchant else None) if is_about_shop else None,
            now=at,
        )
        self.done["tickets"] += 1
        minute = dt.timedelta(minutes=1)
        agent = self._agent(one)
        self._plan(at + one.answered_after * minute, lambda now: self._answer(one, number, agent, now))
        if one.waits:
            middle = (one.answered_after + one.solved_after) // 2
            self._plan(at + middle * minute, lambda now: self._say(member, number, "好的，谢谢。", now))
        self._plan(at + one.solved_after * minute, lambda now: self._solve(one, number, agent, now))
        self._plan(at + one.closed_after * minute, lambda now: self._close(one, number, agent, member, now))

    def _receipt(self, person_id: int, merchant_id: int | None) -> UUID | None:
        rows = sales.receipts_of_person(person_id, limit=40).items
        found = [row.id for row in rows if row.merchant_id == merchant_id and row.kind == "sale"]
        return found[0] if found else None

    def _answer(self, one: SimTicket, number: str, agent: Viewer, now: dt.datetime) -> None:
        ticket = queries.visible_ticket(agent, number)
        if ticket.status == "closed":
            return
        service.answer_ticket(actor=agent, number=number, text=one.theme.answer, wait=one.waits, now=now)
        service.classify_ticket(
            actor=agent,
            number=number,
            type=one.theme.type,
            severity=max(ticket.severity, one.theme.severity, key=("normal", "high", "major").index),
            merchant_id=ticket.merchant_id,
            cause_id=self._causes.get(one.theme.cause),
            now=now,
        )

    def _say(self, member: Viewer, number: str, text: str, now: dt.datetime) -> None:
        service.answer_ticket(actor=member, number=number, text=text, now=now)

    def _solve(self, one: SimTicket, number: str, agent: Viewer, now: dt.datetime) -> None:
        service.resolve_ticket(actor=agent, number=number, text=one.theme.solution, now=now)
        if (amends := amends_for(one)) is not None:
            self._offer(agent, number, *amends, now=now)

    def _offer(
        self, agent: Viewer, number: str, item: str, amount: int, payer: str, reason: str, *, now: dt.datetime
    ) -> None:
        """Amends: agreed to by the mall's manager within two hours where they must be, then handed over."""
        about_merchant = queries.ticket(agent, number, now).row.merchant_id is not None
        made = service.propose_compensation(
            actor=agent,
            number=number,
            item_code=item,
            amount=amount,
            payer=payer if about_merchant else "mall",
            reason=reason,
            now=now,
        )
        self.done["amends"] += 1
        hour = dt.timedelta(hours=1)
        self._plan(now + 2 * hour, lambda at: self._agree(made, at))
        self._plan(now + 5 * hour, lambda at: self._hand_over(agent, made, at))

    def _agree(self, made: int, now: dt.datetime) -> None:
        manager = next((one for one in self._agents if one.label == "王经理"), None)
        row = queries.compensation(manager, made) if manager else None
        if manager and row and row.state == "proposed" and row.proposer_id != manager.id:
            service.decide_compensation(
                actor=manager, compensation_id=made, approve=True, note="同意", now=now
            )

    def _hand_over(self, agent: Viewer, made: int, now: dt.datetime) -> None:
        row = queries.compensation(agent, made)
        if row and row.state == "approved":
            service.hand_over_compensation(
                actor=agent, compensation_id=made, reference=f"BC{now:%y%m%d}{made:04d}", now=now
            )

    def _close(self, one: SimTicket, number: str, agent: Viewer, member: Viewer, now: dt.datetime) -> None:
        if one.again:
            self._say(member, number, "问题还没有解决，请再核实一下。", now)
            later = now + dt.timedelta(minutes=70)
            self._plan(later, lambda at: self._solve(one, number, agent, at))
            self._plan(later + dt.timedelta(hours=5), lambda at: self._end(one, number, member, at))
            return
        self._end(one, number, agent if one.sale % 3 == 0 else member, now)

    def _end(self, one: SimTicket, number: str, actor: Viewer, now: dt.datetime) -> None:
        service.close_ticket(actor=actor, number=number, now=now)
        self.done["closed"] += 1
        if one.score is not None and now > self._now - SURVEYED_FOR:
            self._plan(now + dt.timedelta(hours=14 + one.sale % 40), lambda at: self._rate(one, number, at))
        called_after = dt.timedelta(hours=20 + one.sale % 34)
        self._plan(now + called_after, lambda at: self._call_back(one, number, at))

    def _rate(self, one: SimTicket, number: str, now: dt.datetime) -> None:
        """The member follows the link of the message; a low score is talked about the next morning."""
        member = customers.viewer_of_person(self._persons[one.person])
        shown = queries.ticket(member, number, now)
        token = queries.open_invitation_token(shown.row.id, now)
        if not token:
            return
        score = one.score or 3
        reasons = {"0": ["响应速度" if score < 3 else "解决结果"]} if one.sale % 2 else {}
        words = COMMENTS[score]
        service.open_invitation(actor=LINK, token=token, now=now)
        service.answer_invitation(
            actor=LINK,
            token=token,
            score=score,
            comment=words[one.sale % len(words)],
            answers=reasons,
            now=now,
        )
        self.done["rated"] += 1
        if score < 3:
            self._plan(now + dt.timedelta(hours=16), lambda at: self._talk(one, number, at))

    def _talk(self, one: SimTicket, number: str, now: dt.datetime) -> None:
        manager = next((viewer for viewer in self._agents if viewer.label == "王经理"), self._agents[0])
        for task in queries.tasks_of(manager, queries.ticket(manager, number, now).row.id):
            if task.kind == "low_score" and task.status == "open":
                service.finish_task(
                    actor=manager,
                    task_id=task.id,
                    outcome="satisfied" if one.sale % 3 else "dissatisfied",
                    result="已致电致歉，会员接受处理方案。"
                    if one.sale % 3
                    else "会员仍有意见，已安排专人跟进。",
                    now=now,
                )

    def _call_back(self, one: SimTicket, number: str, now: dt.datetime) -> None:
        agent = self._agent(one)
        for task in queries.tasks_of(agent, queries.visible_ticket(agent, number).pk):
            if task.kind == "call_back" and task.status == "open":
                is_content = one.score is None or one.score >= 3
                service.finish_task(
                    actor=agent,
                    task_id=task.id,
                    outcome="satisfied" if is_content else "dissatisfied",
                    result="会员表示满意。" if is_content else "会员仍不满意，已再次致歉并记录意见。",
                    now=now,
                )
