"""What associates of the made mall did for members of theirs these days: notes, talks, follow-ups done, put off and late.

Everything happens at half past ten of past days, so that it is the same at every hour and on every day of the year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from zhike.clienteling import operations, queries
from zhike.customers.queries import associates
from zhike.kernel.access import Viewer, system_viewer
from zhike.organization import queries as organization
from zhike.simulator.rhythm import ZONE

REMINDERS = system_viewer("reminders")
OPENS = dt.time(10, 30)
DAYS_BACK = 4
NOTES = (
    ("typed", "试穿两条连衣裙，偏好简约、素色的款式。说羊绒大衣到货再来看。"),
    (
        "voice",
        "嗯，她今天是带着女儿来的，女儿上小学三年级，呃，想找一件开会穿的西装，预算两千左右，回去考虑一下。",
    ),
    ("typed", "周末才有空，平时加班。穿M码，不喜欢印花。"),
    ("typed", "给妈妈挑生日礼物，想要真丝围巾，最后没下单，说等活动再买。"),
    ("voice", "他说新款到了给他发微信，别打电话，上班不方便接电话。"),
    ("typed", "每次出差过来都会逛一圈，鞋码38码，喜欢当季新款。"),
)
TALKS = (
    "到店看了秋冬新款，留了一件大衣试穿。",
    "说上次买的衬衫很合身，想再配一条裤子。",
    "问了改裤脚要几天，约周六来取。",
)
PROMISES = ("答应留一件 M 码黑色大衣", "改好的裤子到店，通知来取", "新款围巾到货先给她看")


def seed_care(mall_id: int, now: dt.datetime) -> None:
    """Nothing when an associate has written something already."""
    people = organization.staff_with_role("sales_associate", mall_id)
    today = now.astimezone(ZONE).date()
    for turn, (staff_id, _name) in enumerate(people):
        viewer = organization.viewer_of_staff(staff_id)
        persons = associates.persons_of(staff_id)
        if not persons or queries.notes_of(viewer, persons[0], 1):
            continue
        _write(viewer, persons, turn, today)
        _promise(viewer, persons, today)
    for back in range(DAYS_BACK, -1, -1):
        at = min(_at(today, back), now)
        operations.find_follow_ups(actor=REMINDERS, mall_id=mall_id, now=at)
        if back == DAYS_BACK // 2:
            for staff_id, _name in people:
                _work_off(organization.viewer_of_staff(staff_id), at)


def _at(today: dt.date, back: int) -> dt.datetime:
    return dt.datetime.combine(today - dt.timedelta(days=back), OPENS, ZONE)


def _write(viewer: Viewer, persons: Sequence[int], turn: int, today: dt.date) -> None:
    """Two notes and a talk, on days before; the first proposal of the first note was decided."""
    for number, person_id in enumerate(persons[:2]):
        source, text = NOTES[(turn * 2 + number) % len(NOTES)]
        at = _at(today, 2 + number)
        operations.write_note(actor=viewer, person_id=person_id, text=text, source=source, now=at)
        [note] = queries.notes_of(viewer, person_id, 1)
        if number == 1 and note.proposals:
            operations.decide_proposal(
                actor=viewer,
                proposal_id=note.proposals[0].id,
                is_right=True,
                now=at + dt.timedelta(minutes=2),
            )
    operations.record_contact(
        actor=viewer, person_id=persons[0], channel="in_person", result="talked", began_by_member=True,
        note=TALKS[turn % len(TALKS)], now=_at(today, 1),
    )  # fmt: skip


def _promise(viewer: Viewer, persons: Sequence[int], today: dt.date) -> None:
    """One for today, one that is late, one for later."""
    for number, (person_id, text) in enumerate(zip(persons[:3], PROMISES, strict=False)):
        due_on = today + dt.timedelta(days=(0, -1, 3)[number])
        operations.add_follow_up(
            actor=viewer, person_id=person_id, text=text, due_on=due_on, now=_at(today, 2)
        )


def _work_off(viewer: Viewer, at: dt.datetime) -> None:
    """What stood there then: some done, some put off."""
    for number, one in enumerate(queries.day(viewer, at).items[:4]):
        if number % 3 == 2:
            until = at.astimezone(ZONE).date() + dt.timedelta(days=7)
            operations.snooze_follow_up(actor=viewer, follow_up_id=one.id, until=until, now=at)
        elif one.kind != "own":
            operations.finish_follow_up(
                actor=viewer, follow_up_id=one.id, outcome=("visit", "reached")[number % 2], channel="in_person",
                note="已约到店。", began_by_member=True, now=at,
            )  # fmt: skip
