"""Deeds for detectors, a subject's or many subjects' at once, and what is usual in the malls."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet

from zhike.customers import queries as customers
from zhike.loyalty import queries as loyalty
from zhike.risk.models import Deed as DeedRow
from zhike.risk.rules.deeds import CASHIER, DESK, INVITED, MEMBER, Deed, Detector, Norms, Params

CHUNK = 500
NORM_DAYS = 90
MEMBER_PREFIX = "member:"


def subject_of_member(member_id: int) -> str:
    return f"{MEMBER_PREFIX}{member_id}"


def member_of_subject(subject: str) -> int | None:
    """The member that a subject is; None for a cashier or a desk."""
    return int(subject.removeprefix(MEMBER_PREFIX)) if subject.startswith(MEMBER_PREFIX) else None


def deed_of(row: DeedRow, zone: ZoneInfo) -> Deed:
    return Deed(
        row.position, row.kind, row.at, row.at.astimezone(zone), row.person_id, row.actor, row.merchant_id,
        row.mall_id, None if row.receipt is None else str(row.receipt), row.points, row.fen, row.owed, row.other,
        row.began_at,
    )  # fmt: skip


def norms(now: dt.datetime, zone: str) -> Norms:
    """What 99 of 100 member-days with a purchase stay within, over the last 90 days."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY receipts), percentile_disc(0.99) WITHIN GROUP (ORDER BY points)
            FROM (SELECT count(*) AS receipts, sum(points) AS points FROM risk_deed
                WHERE kind IN ('sale', 'claim') AND at > %s AND at <= %s
                GROUP BY person_id, (at AT TIME ZONE %s)::date) days""",
            [now - dt.timedelta(days=NORM_DAYS), now, zone],
        )
        receipts, points = cursor.fetchone()
    return Norms(int(receipts or 0), int(points or 0))


def subjects_with(detector: Detector, params: Params, since: dt.datetime, until: dt.datetime) -> list[str]:
    """Every subject that has enough deeds of the detector's first kind for a look to be worth it."""
    column = {MEMBER: "person_id", CASHIER: "actor", DESK: "actor"}[detector.subject]
    kinds = detector.kinds[: detector.counted]
    if detector.kinds[0] == INVITED:
        column = "other"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column} FROM risk_deed WHERE kind = ANY(%s) AND at > %s AND at <= %s"
            f" AND {column} IS NOT NULL AND actor <> ALL(%s) GROUP BY 1 HAVING count(*) >= %s ORDER BY 1",
            [list(kinds), since, until, [] if column != "actor" else [""], detector.least(params)],
        )
        found = [row[0] for row in cursor.fetchall()]
    if column == "actor":
        return [str(key) for key in found]
    if column == "other":
        return sorted({subject_of_member(loyalty.owner_id_of(key)) for key in found})
    return sorted(_subjects_of_persons(found).values())


def _subjects_of_persons(person_ids: Sequence[int]) -> dict[int, str]:
    """The member's subject of each person, by whoever stands for them; who is no member is left out."""
    survivors = {pk: sides[0].survivor_id for pk, sides in customers.sides(person_ids).items()}
    members = loyalty.member_ids_of_persons(sorted(set(survivors.values())))
    return {
        pk: subject_of_member(members[survivor]) for pk, survivor in survivors.items() if survivor in members
    }


def subjects_touched(deeds: Sequence[DeedRow], detector: Detector) -> set[str]:
    """The subjects of a detector that these new deeds may say something about."""
    mine = [deed for deed in deeds if deed.kind in (*detector.kinds, *detector.around)]
    if detector.subject in (CASHIER, DESK):
        return {deed.actor for deed in mine if deed.actor and deed.kind in detector.kinds}
    if detector.kinds[0] == INVITED:
        inviters = {deed.other for deed in mine if deed.kind == INVITED and deed.other is not None}
        return {subject_of_member(loyalty.owner_id_of(one)) for one in inviters}
    return set(_subjects_of_persons(sorted({deed.person_id for deed in mine})).values())


def deeds_of(
    detector: Detector, subjects: Sequence[str], until: dt.datetime, zone: str
) -> Iterator[tuple[str, list[Deed]]]:
    """Each subject's deeds of the detector's days up to ``until``, in order, some hundred subjects a statement."""
    where = ZoneInfo(zone)
    since = until - dt.timedelta(days=detector.days)
    for start in range(0, len(subjects), CHUNK):
        yield from _chunk(detector, subjects[start : start + CHUNK], since, until, where)


def _chunk(
    detector: Detector, subjects: Sequence[str], since: dt.datetime, until: dt.datetime, zone: ZoneInfo
) -> Iterator[tuple[str, list[Deed]]]:
    within = DeedRow.objects.filter(at__gt=since, at__lte=until).order_by("at", "position")
    found: dict[str, list[Deed]] = {subject: [] for subject in subjects}
    rows = within.filter(kind__in=detector.kinds)
    if detector.subject != MEMBER:
        for row in rows.filter(actor__in=subjects):
            found[row.actor].append(deed_of(row, zone))
    elif detector.kinds[0] == INVITED:
        for row, subject in _invited(rows, subjects):
            found[subject].append(deed_of(row, zone))
    else:
        by_person = _persons_of(subjects)
        for row in rows.filter(person_id__in=by_person):
            found[by_person[row.person_id]].append(deed_of(row, zone))
    if detector.around:
        _add_around(within.filter(kind__in=detector.around), found, zone)
    yield from found.items()


def _persons_of(subjects: Sequence[str]) -> dict[int, str]:
    """Every person that means one of these members, merged ones too."""
    members: dict[int, str] = {}
    for subject in subjects:
        if (member_id := member_of_subject(subject)) is not None:
            members[member_id] = subject
    persons = loyalty.person_ids_of(list(members))
    sides = customers.sides(list(persons.values()))
    return {
        side.person_id: members[owner]
        for owner, person_id in persons.items()
        for side in sides.get(person_id, ())
    }


def _invited(rows: QuerySet[DeedRow], subjects: Sequence[str]) -> Iterator[tuple[DeedRow, str]]:
    families = {
        side: subject for subject in subjects for side in loyalty.family_of(member_of_subject(subject) or 0)
    }
    for row in rows.filter(other__in=families):
        yield row, families[row.other or 0]


def _add_around(rows: QuerySet[DeedRow], found: dict[str, list[Deed]], zone: ZoneInfo) -> None:
    """What the persons concerned did besides."""
    concerned: dict[int, list[str]] = defaultdict(list)
    for subject, deeds in found.items():
        for person_id in {deed.person_id for deed in deeds}:
            concerned[person_id].append(subject)
    for row in rows.filter(person_id__in=concerned):
        for subject in concerned[row.person_id]:
            found[subject].append(deed_of(row, zone))
    for deeds in found.values():
        deeds.sort(key=lambda deed: (deed.at, deed.position))
