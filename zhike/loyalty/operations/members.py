"""People become members, one at the counter or thousands from a file; cards; status."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import operations as customers
from zhike.customers import queries as customer_queries
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require, require_touch, system_viewer
from zhike.kernel.errors import Conflict, Invalid
from zhike.loyalty.events import CardReplaced, MemberEnrolled, MemberStatusChanged
from zhike.loyalty.models import Account, Member, MemberCard, Program, Tier
from zhike.loyalty.queries.members import CARD_FIELD, MemberNotFound
from zhike.privacy import operations as privacy

CARD_SECRET_BYTES = 20


class NoProgramme(Conflict):
    code = "no-programme"
    title = _("There is no membership programme yet.")


class NothingToKnowThemBy(Invalid):
    code = "no-identifier"
    title = _("A new member needs a phone number, a card number or an e-mail address.")


@dataclass(frozen=True, slots=True)
class EnrolledMember:
    """``existing`` says that the phone or card was a member's already; then nothing was changed."""

    member_id: int
    person_id: int
    number: str
    existing: bool = False


@dataclass(frozen=True, slots=True)
class NewMember:
    """One member to enrol in bulk; ``phone``, ``card`` and ``email`` are optional, at least one is needed."""

    name: str
    enrolled_at: dt.datetime
    phone: str | None = None
    card: str | None = None
    email: str | None = None
    sex: str = "unknown"
    birthday: dt.date | None = None
    birthday_calendar: str = "solar"
    mall_id: int | None = None
    merchant_id: int | None = None
    source: str = "import"
    consents: tuple[tuple[str, str, str], ...] = field(default=())


@transaction.atomic
def enroll_member(
    *,
    actor: Viewer,
    name: str,
    now: dt.datetime,
    source: str,
    phone: str | None = None,
    card: str | None = None,
    email: str | None = None,
    sex: str = "unknown",
    birthday: dt.date | None = None,
    birthday_calendar: str = "solar",
    mall_id: int | None = None,
    merchant_id: int | None = None,
    consents: Sequence[tuple[str, str, str]] = (),
    policy_version: str | None = None,
    method: str = "",
    evidence: Mapping[str, Any] | None = None,
    associate_id: int | None = None,
    phone_verified: bool = False,
) -> EnrolledMember:
    """Make a person a member: profile, consents with proof, account, card; or return the member they already are.

    ``consents`` are (purpose, channel, decision). Two enrolments with one phone at once end in one member.
    Raises NothingToKnowThemBy, NoProgramme, customers' IdentifierTaken and Invalid, NotAllowed.
    """
    require_touch(actor, "members.enroll", mall=mall_id, merchant=merchant_id)
    given = _given(phone=phone, card=card, email=email)
    program = _programme()
    if existing := _existing(program, given):
        return existing
    known = _person_known_by(given)
    member_id = _next_member_ids(1)[0]
    number = card or new_card_number(member_id)
    profile = {
        "name": name, "sex": sex, "birthday": birthday, "birthday_calendar": birthday_calendar, "source": source,
        "mall_id": mall_id,
    }  # fmt: skip
    try:
        with transaction.atomic():
            person_id = known or customers.create_person(
                actor=actor,
                group_id=program.group_id,
                identifiers=_identifiers(given, number, phone_verified, now),
                merchant_id=merchant_id,
                associate_id=associate_id,
                now=now,
                **profile,  # type: ignore[arg-type]
            )
    except customers.IdentifierTaken:  # somebody enrolled the same phone a moment ago
        if existing := _existing(program, given):
            return existing
        raise
    if consents and policy_version:
        decisions = [privacy.Decision(*consent) for consent in consents]
        proof = {"policy_version": policy_version, "method": method, "evidence": dict(evidence or {})}
        privacy.record_consents(actor=actor, person_id=person_id, decisions=decisions, now=now, **proof)  # type: ignore[arg-type]
    if known is not None:
        _add_card(known, number, now)
    member = _create_member(
        id=member_id, program=program, person_id=person_id, number=number, tier_id=_lowest_tier(program.pk),
        tier_since=now, mall_id=mall_id, merchant_id=merchant_id, enrolled_at=now, enrolled_by=actor.audit_id,
        source=source,
    )  # fmt: skip
    _tell_enrolled(actor, member, now)
    return EnrolledMember(member.pk, person_id, member.number)


def _given(**values: str | None) -> list[tuple[str, str]]:
    """The identifiers that were given. Raises NothingToKnowThemBy when none was."""
    given = [(kind, value) for kind, value in values.items() if value]
    if not given:
        raise NothingToKnowThemBy
    return given


def _person_known_by(given: Sequence[tuple[str, str]]) -> int | None:
    return next((pid for kind, value in given if (pid := customer_queries.person_id_by(kind, value))), None)


def _existing(program: Program, given: Sequence[tuple[str, str]]) -> EnrolledMember | None:
    """The member that one of the identifiers names already."""
    known = _person_known_by(given)
    member = Member.objects.filter(person_id=known, program=program).first() if known else None
    return EnrolledMember(member.pk, member.person_id, member.number, existing=True) if member else None


def _tell_enrolled(actor: Viewer, member: Member, now: dt.datetime) -> None:
    subject = ("member", member.pk)
    audit.record(
        actor=actor, action="member.enroll", subject=subject, after={"number": member.number}, now=now
    )
    fact = MemberEnrolled(member.pk, member.person_id, member.source, member.mall_id, member.merchant_id)
    events.publish(fact, actor=actor, now=now)


def _programme() -> Program:
    program = Program.objects.order_by("id").first()
    if program is None:
        raise NoProgramme
    return program


def _lowest_tier(program_id: int) -> int:
    return Tier.objects.filter(program_id=program_id).order_by("rank").values_list("id", flat=True)[0]


def new_card_number(member_id: int) -> str:
    """A member number: 88, ten digits of the member's id, and the Luhn check digit (ISO/IEC 7812-1)."""
    body = f"88{member_id:010d}"
    total = 0
    for index, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{body}{-total % 10}"


def _create_member(**columns: Any) -> Member:
    """The member with an empty account and a card."""
    member = Member.objects.create(**columns)
    Account.objects.create(program_id=member.program_id, member=member)
    secret = _new_secret(member.number)
    MemberCard.objects.create(
        member=member, number=member.number, secret=secret, issued_at=member.enrolled_at
    )
    return member


def _identifiers(
    given: Sequence[tuple[str, str]], number: str, phone_verified: bool, now: dt.datetime
) -> list[customers.NewIdentifier]:
    """Phone and e-mail as given, and the card's number whether it was given or made."""
    return [
        customers.NewIdentifier(kind, value, now if kind == "phone" and phone_verified else None)
        for kind, value in given
        if kind != "card"
    ] + [customers.NewIdentifier("card", number, now)]


def _add_card(person_id: int, number: str, now: dt.datetime) -> None:
    """A person we knew already gets a card: part of enrolling them, whoever may enrol may do it."""
    identifier = customers.NewIdentifier("card", number, now)
    enrolment = system_viewer("enrolment")
    customers.add_identifier(actor=enrolment, person_id=person_id, identifier=identifier, now=now)


def _new_secret(number: str) -> bytes:
    return crypto.encrypt(secrets.token_hex(CARD_SECRET_BYTES), field=CARD_FIELD, row=number)


def _next_member_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('loyalty_member', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def enroll_members(*, actor: Viewer, members: Sequence[NewMember], now: dt.datetime) -> list[int]:
    """Enrol many, set-based; returns the person ids in the order given. Who is a member already stays as they are."""
    require(actor, "members.enroll")
    if not members:
        return []
    program = _programme()
    ids = _next_member_ids(len(members))
    numbers = [
        member.card or new_card_number(member_id) for member, member_id in zip(members, ids, strict=True)
    ]
    persons = [_new_person(member, number) for member, number in zip(members, numbers, strict=True)]
    person_ids = customers.create_persons(actor=actor, group_id=program.group_id, persons=persons, now=now)
    present = set(
        Member.objects.filter(program=program, person_id__in=person_ids).values_list("person_id", flat=True)
    )
    rows = []
    for member, member_id, number, person_id in zip(members, ids, numbers, person_ids, strict=True):
        if person_id not in present:
            present.add(person_id)
            rows.append((member, member_id, number, person_id))
    _copy_members(program, _lowest_tier(program.pk), rows, actor)
    facts = [
        MemberEnrolled(member_id, person_id, member.source, member.mall_id, member.merchant_id)
        for member, member_id, _, person_id in rows
    ]
    events.publish_many(facts, actor=actor, now=now)
    audit.record(
        actor=actor,
        action="member.enroll_many",
        subject=("program", program.pk),
        after={"members": len(rows)},
        now=now,
    )
    return list(person_ids)


def _new_person(member: NewMember, number: str) -> customers.NewPerson:
    given = [("phone", member.phone), ("card", number), ("email", member.email)]
    return customers.NewPerson(
        name=member.name,
        identifiers=tuple(customers.NewIdentifier(kind, value) for kind, value in given if value),
        sex=member.sex,
        birthday=member.birthday,
        birthday_calendar=member.birthday_calendar,
        source=member.source,
        mall_id=member.mall_id,
        merchant_id=member.merchant_id,
        created_at=member.enrolled_at,
    )


def _copy_members(
    program: Program, tier_id: int, rows: Sequence[tuple[NewMember, int, str, int]], actor: Viewer
) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY loyalty_member (id, program_id, person_id, number, status, tier_id, tier_since, mall_id, merchant_id,"
            " enrolled_at, enrolled_by, source) FROM STDIN"
        ) as copy:
            for member, member_id, number, person_id in rows:
                copy.write_row(
                    (
                        member_id, program.pk, person_id, number, "active", tier_id, member.enrolled_at,
                        member.mall_id, member.merchant_id, member.enrolled_at, actor.audit_id, member.source,
                    )
                )  # fmt: skip
        with cursor.copy(
            "COPY loyalty_account (program_id, member_id, code, balance, debt, qualifying_fen, version) FROM STDIN"
        ) as copy:
            for _, member_id, _, _ in rows:
                copy.write_row((program.pk, member_id, "", 0, 0, 0, 0))
        with cursor.copy(
            "COPY loyalty_membercard (member_id, number, secret, status, issued_at, last_step) FROM STDIN"
        ) as copy:
            for member, member_id, number, _ in rows:
                copy.write_row((member_id, number, _new_secret(number), "active", member.enrolled_at, 0))


@transaction.atomic
def set_member_status(*, actor: Viewer, member_id: int, status: str, reason: str, now: dt.datetime) -> None:
    """Freeze, reopen or close a membership. Points stay; nothing is earned or spent while it is not active."""
    member = _locked_member(member_id)
    require_touch(actor, "members.edit", mall=member.mall_id, merchant=member.merchant_id)
    if status not in Member.Status.values:
        raise Invalid(fields={"status": [_("This status is not known.")]})
    if status != Member.Status.CLOSED and customer_queries.person(member.person_id).status == "erased":
        raise MemberNotFound
    if member.status == status:
        return
    before, member.status = member.status, status
    member.save(update_fields=["status"])
    _bump(member_id)
    audit.record(
        actor=actor,
        action="member.status",
        subject=("member", member_id),
        before={"status": before},
        after={"status": status},
        reason=reason,
        now=now,
    )
    fact = MemberStatusChanged(member_id, member.person_id, before, status)
    events.publish(fact, actor=actor, now=now)


def _locked_member(member_id: int) -> Member:
    Account.objects.select_for_update(of=("self",)).filter(member_id=member_id).first()
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    return member


def _bump(member_id: int) -> None:
    """A decision that was made on the old status must be made again."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE loyalty_account SET version = version + 1 WHERE member_id = %s", [member_id])


@transaction.atomic
def replace_card(*, actor: Viewer, member_id: int, reason: str, now: dt.datetime) -> str:
    """Issue a new card number and secret; the old card stops resolving. Returns the new number."""
    member = _locked_member(member_id)
    require_touch(actor, "members.edit", mall=member.mall_id, merchant=member.merchant_id)
    old = member.number
    number = _free_number(member_id)
    MemberCard.objects.filter(member_id=member_id, status="active").update(
        status="lost" if reason == "lost" else "replaced"
    )
    MemberCard.objects.create(member_id=member_id, number=number, secret=_new_secret(number), issued_at=now)
    customers.replace_card(actor=actor, person_id=member.person_id, card=number, reason=reason, now=now)
    member.number = number
    member.save(update_fields=["number"])
    audit.record(
        actor=actor,
        action="member.replace_card",
        subject=("member", member_id),
        before={"number": old},
        after={"number": number},
        reason=reason,
        now=now,
    )
    events.publish(CardReplaced(member_id, member.person_id, number), actor=actor, now=now)
    return number


def _free_number(member_id: int) -> str:
    issued = MemberCard.objects.filter(member_id=member_id).count()
    return new_card_number(issued * 1_000_000_000 + member_id)
