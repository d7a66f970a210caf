"""Writes of persons: making them, changing their profile, giving and taking identifiers, opening personal data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import _bulk, _enrolment, _identifiers, _profile, queries, rules
from zhike.customers._identifiers import Prepared
from zhike.customers._profile import BirthdayChangedLately as BirthdayChangedLately
from zhike.customers._profile import InvalidProfile as InvalidProfile
from zhike.customers.events import (
    AssociateAssigned,
    IdentifierAdded,
    IdentifierRetired,
    IdentifiersConflicted,
    PersonalDataRevealed,
    PersonCreated,
    ProfileChanged,
)
from zhike.customers.models import Identifier, Person
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.events import Fact
from zhike.organization import queries as organization

IDENTIFIERS_MAX = 20


class InvalidIdentifier(Invalid):
    code = "invalid-identifier"
    title = _("This is not a valid %(label)s.")


class IdentifierTaken(Conflict):
    """``kind`` says which of the identifiers it was."""

    code = "identifier-taken"
    title = _("This %(label)s already belongs to another member.")

    @property
    def kind(self) -> str:
        return str(self.params["kind"])


class CardReportedLost(Conflict):
    code = "card-reported-lost"
    title = _("This card was reported lost and cannot be given to somebody else.")


class TooManyIdentifiers(Conflict):
    code = "too-many-identifiers"
    title = _("A member can have at most %(limit)s identifiers.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Say why you need this; the reason is kept in the audit trail.")


class NothingToReveal(NotFound):
    code = "nothing-to-reveal"
    title = _("There is no such personal data on file.")


@dataclass(frozen=True, slots=True)
class NewIdentifier:
    """``value`` as it was given; ``verified_at`` when its possession was proved, by a code for example."""

    kind: str
    value: str
    verified_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """One of many to create. ``created_at`` None means now."""

    name: str
    identifiers: tuple[NewIdentifier, ...]
    sex: str = "unknown"
    birthday: dt.date | None = None
    birthday_calendar: str = "solar"
    occupation: str = ""
    language: str = ""
    source: str = "import"
    mall_id: int | None = None
    merchant_id: int | None = None
    associate_id: int | None = None
    created_at: dt.datetime | None = None


# --- persons -------------------------------------------------------------------------------------------------------


def create_person(
    *,
    actor: Viewer,
    group_id: int,
    name: str,
    identifiers: Sequence[NewIdentifier],
    sex: str = "unknown",
    birthday: dt.date | None = None,
    birthday_calendar: str = "solar",
    source: str,
    mall_id: int | None = None,
    merchant_id: int | None = None,
    associate_id: int | None = None,
    language: str = "",
    now: dt.datetime,
) -> int:
    """The new person's id. Of two at once with the same phone one is made and the other raises IdentifierTaken.

    Raises NotAllowed, InvalidIdentifier, InvalidProfile, CardReportedLost, IdentifierTaken.
    """
    _enrolment.require_enroll(actor, mall_id, merchant_id)
    name = rules.clean_name(name)
    _profile.require_valid(
        {"name": name, "sex": sex, "birthday": birthday, "birthday_calendar": birthday_calendar}, now
    )
    prepared = _prepare(identifiers)
    with transaction.atomic():
        _require_free(prepared, None)
        name, letters, initials, grams = _bulk.name_columns(name)
        person = Person.objects.create(
            group_id=group_id,
            name=name,
            name_pinyin=letters,
            name_initials=initials,
            name_grams=grams,
            sex=sex,
            birthday=birthday,
            birthday_calendar=birthday_calendar,
            birthday_key=rules.birthday_key(birthday, birthday_calendar),
            language=language,
            created_at=now,
            source=source,
            source_mall_id=mall_id,
            source_merchant_id=merchant_id,
            associate_id=associate_id or _enrolment.own_associate(actor),
        )
        _insert(person.pk, prepared, now)
        kinds = tuple(item.kind for item in prepared)
        after = {"name": rules.mask_name(name), "source": source} | {
            item.kind: item.masked for item in prepared
        }
        audit.record(actor=actor, action="person.create", subject=("person", person.pk), after=after, now=now)
        fact = PersonCreated(person.pk, group_id, source, mall_id, merchant_id, kinds)
        events.publish(fact, actor=actor, now=now)
    return person.pk


def update_profile(
    *, actor: Viewer, person_id: int, changes: Mapping[str, Any], reason: str = "", now: dt.datetime
) -> tuple[str, ...]:
    """Change name, sex, birthday (a date or None), its calendar, occupation, address or language; what really changed.

    Members change their own, but a birthday once given; a birthday and its calendar change once a year. Every change is
    kept in the profile history.
    Raises NotFound, NotAllowed per field, InvalidProfile.
    """
    if not changes:
        return ()
    cleaned = {field: _profile.cleaned(field, value) for field, value in changes.items()}
    _profile.require_valid(cleaned, now)
    with transaction.atomic():
        person = _lock(person_id, actor, *_profile.permissions_for(actor, cleaned))
        before = {field: _profile.text_of(person, field) for field in cleaned}
        after = {field: _profile.as_text(value) for field, value in cleaned.items()}
        changed = tuple(field for field in cleaned if before[field] != after[field])
        if not changed:
            return ()
        _profile.require_own_choice(actor, person, changed)
        _profile.require_yearly(actor, person, changed, now)
        _profile.write(person, {field: cleaned[field] for field in changed})
        _profile.remember(person.pk, changed, before, after, actor=actor, reason=reason, now=now)
        audit.record(
            actor=actor,
            action="person.update",
            subject=("person", person_id),
            before={field: queries.masked_field(field, before[field]) for field in changed},
            after={field: queries.masked_field(field, after[field]) for field in changed},
            reason=reason,
            now=now,
        )
        events.publish(ProfileChanged(person_id, changed), actor=actor, now=now)
    return changed


def learn_profile(
    *,
    actor: Viewer,
    person_id: int,
    claims: Mapping[str, Any],
    said_at: dt.datetime,
    reason: str,
    now: dt.datetime,
) -> tuple[str, ...]:
    """Take what a machine claims of a person; the names of what changed.

    A claim fills what is empty and replaces what a machine said earlier; what a person entered stays (rules.may_learn).
    Of somebody whose data are restricted nothing is learnt.
    Raises NotFound, InvalidProfile.
    """
    with transaction.atomic():
        person = _lock(person_id, actor, "members.identity")
        if person.status == Person.Status.RESTRICTED:
            return ()
        wanted = _profile.learnable(person, claims, said_at)
        return update_profile(actor=actor, person_id=person_id, changes=wanted, reason=reason, now=now)


def assign_associate(
    *, actor: Viewer, person_id: int, staff_id: int | None, reason: str = "", now: dt.datetime
) -> None:
    """Give a member to the sales associate who looks after them, or to nobody. Raises NotFound."""
    if staff_id is not None and not organization.staff_member(staff_id).is_active:
        raise NotFound
    with transaction.atomic():
        person = _lock(person_id, actor, "members.identity")
        before, person.associate_id = person.associate_id, staff_id
        if before == staff_id:
            return
        person.save(update_fields=["associate_id"])
        audit.record(
            actor=actor,
            action="person.assign_associate",
            subject=("person", person_id),
            before={"associate_id": before},
            after={"associate_id": staff_id},
            reason=reason,
            now=now,
        )
        events.publish(AssociateAssigned(person_id, staff_id), actor=actor, now=now)


def reveal(*, actor: Viewer, person_id: int, what: str, reason: str, now: dt.datetime) -> str:
    """Personal data in clear: "birthday" (ISO date), "address", a kind of identifier, or "identifier:<id>".

    Every look is audited with its reason; members need none for their own. Raises NotFound, ReasonMissing,
    NothingToReveal.
    """
    if not reason.strip() and actor.kind != "member":
        raise ReasonMissing
    with transaction.atomic():
        person = load_visible(Person.objects.all(), person_id, actor, "members.reveal", queries.COLUMNS)
        person = person.merged_into or person
        text = _profile.clear(person, what)
        if not text:
            raise NothingToReveal
        after = {"what": what}
        audit.record(
            actor=actor,
            action="person.reveal",
            subject=("person", person_id),
            after=after,
            reason=reason,
            now=now,
        )
        events.publish(PersonalDataRevealed(person_id, what), actor=actor, now=now)
    return text


# --- identifiers ---------------------------------------------------------------------------------------------------


def add_identifier(
    *, actor: Viewer, person_id: int, identifier: NewIdentifier, reason: str = "", now: dt.datetime
) -> int:
    """The identifier's id, the existing one when it is theirs already.

    Raises NotFound, InvalidIdentifier, IdentifierTaken, CardReportedLost, TooManyIdentifiers.
    """
    [prepared] = _prepare([identifier])
    with transaction.atomic():
        _lock(person_id, actor, "members.identity")
        return _give(actor, person_id, prepared, reason, now)


def retire_identifier(
    *, actor: Viewer, person_id: int, identifier_id: int, reason: str, now: dt.datetime
) -> None:
    """It no longer resolves; ``reason`` is lost, replaced or given_up. Idempotent. Raises NotFound."""
    with transaction.atomic():
        _lock(person_id, actor, "members.identity")
        row = Identifier.objects.filter(person_id__in=queries.family(person_id), pk=identifier_id).first()
        if row is None:
            raise NotFound
        _retire(actor, [row], reason, now)


def replace_identifier(
    *, actor: Viewer, person_id: int, identifier: NewIdentifier, reason: str, now: dt.datetime
) -> int:
    """A new phone, card … in place of all active ones of its kind; the new one's id.

    Raises NotFound, InvalidIdentifier, IdentifierTaken, CardReportedLost.
    """
    [prepared] = _prepare([identifier])
    with transaction.atomic():
        _lock(person_id, actor, "members.identity")
        _require_free([prepared], person_id)
        mine = Identifier.objects.filter(person_id__in=queries.family(person_id), retired_at=None)
        rows = mine.filter(kind=prepared.kind).order_by("id")
        _retire(actor, [row for row in rows if bytes(row.index) not in prepared.indexes], reason, now)
        return _give(actor, person_id, prepared, reason, now)


def replace_card(*, actor: Viewer, person_id: int, card: str, reason: str, now: dt.datetime) -> int:
    """Re-issue: the old card stops at once, the new one is the same member's. ``reason`` is lost, damaged …"""
    new = NewIdentifier("card", card, verified_at=now)
    return replace_identifier(actor=actor, person_id=person_id, identifier=new, reason=reason, now=now)


# --- many at once --------------------------------------------------------------------------------------------------

_TRIES = 3


def create_persons(
    *, actor: Viewer, group_id: int, persons: Sequence[NewPerson], now: dt.datetime
) -> list[int]:
    """The person of each input, in its order: who holds its strongest identifier already, or a new one.

    Identifiers that nobody held go to that person; one that is somebody else's stays there and the conflict is told as
    an event. Set-based. Raises NotAllowed, InvalidIdentifier, InvalidProfile for the whole batch.
    """
    for mall_id, merchant_id in {(person.mall_id, person.merchant_id) for person in persons}:
        _enrolment.require_enroll(actor, mall_id, merchant_id)
    for person in persons:
        _profile.require_valid(
            {
                "name": person.name,
                "sex": person.sex,
                "birthday": person.birthday,
                "birthday_calendar": person.birthday_calendar,
            },
            now,
        )
    prepared = [_prepare(person.identifiers) for person in persons]
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                return _create_all(actor, group_id, persons, prepared, now)
        except (
            IntegrityError
        ) as error:  # somebody enrolled one of them at this moment: they are known next time
            if not tries_left or not _is_taken(error):
                raise
    raise AssertionError


def _create_all(
    actor: Viewer,
    group_id: int,
    persons: Sequence[NewPerson],
    prepared: Sequence[Sequence[Prepared]],
    now: dt.datetime,
) -> list[int]:
    by_key = [{(item.kind, item.index): item for item in items} for items in prepared]
    held = _identifiers.holders(item for items in prepared for item in items)
    resolution = rules.resolve(by_key, held)
    new_ids = _bulk.allocate_ids("customers_person", len(resolution.first_inputs))

    def id_of(target: int) -> int:
        return new_ids[-target - 1] if target < 0 else target

    described = [(pk, persons[number]) for pk, number in zip(new_ids, resolution.first_inputs, strict=True)]
    _bulk.copy_persons(_person_row(pk, group_id, person, now) for pk, person in described)
    added = [
        (id_of(target), by_key[number][key], persons[number].created_at or now)
        for target, number, key in resolution.added
    ]
    added.sort(key=lambda one: (one[1].kind, one[1].index))  # two batches never wait for each other
    identifier_ids = _bulk.copy_identifiers(added)
    facts = _facts_of_many(group_id, described, added, identifier_ids)
    conflicts = {
        IdentifiersConflicted(id_of(target), id_of(other), kind)
        for target, other, kind in resolution.conflicts
    }
    events.publish_many([*facts, *sorted(conflicts, key=repr)], actor=actor, now=now)
    after = {"created": len(new_ids), "inputs": len(persons), "conflicts": len(conflicts)}
    audit.record(actor=actor, action="person.create_many", subject=("group", group_id), after=after, now=now)
    return [id_of(target) for target in resolution.targets]


def _facts_of_many(
    group_id: int,
    described: Sequence[tuple[int, NewPerson]],
    added: Sequence[tuple[int, Prepared, dt.datetime]],
    identifier_ids: Sequence[int],
) -> list[Fact]:
    """One fact per new person with all its identifiers, and one per identifier that went to a known person."""
    kinds: dict[int, list[str]] = {pk: [] for pk, _person in described}
    facts: list[Fact] = []
    for identifier_id, (person_id, item, _since) in zip(identifier_ids, added, strict=True):
        if person_id in kinds:
            kinds[person_id].append(item.kind)
        else:
            facts.append(IdentifierAdded(person_id, identifier_id, item.kind))
    created = (
        PersonCreated(
            pk,
            group_id,
            person.source,
            person.mall_id,
            person.merchant_id,
            tuple(kinds[pk]),
            person.created_at,
        )
        for pk, person in described
    )
    return [*created, *facts]


def _person_row(pk: int, group_id: int, person: NewPerson, now: dt.datetime) -> tuple[Any, ...]:
    return (
        pk,
        group_id,
        *_bulk.name_columns(rules.clean_name(person.name)),
        person.sex,
        person.birthday,
        person.birthday_calendar,
        rules.birthday_key(person.birthday, person.birthday_calendar),
        person.occupation,
        person.language,
        Person.Status.ACTIVE,
        person.created_at or now,
        person.source,
        person.mall_id,
        person.merchant_id,
        person.associate_id,
    )


# --- what they share -----------------------------------------------------------------------------------------------


def _prepare(identifiers: Iterable[NewIdentifier]) -> list[Prepared]:
    """Normalised, each once, in the order in which all writers lock them. Raises InvalidIdentifier."""
    prepared = {}
    for given in identifiers:
        try:
            item = _identifiers.prepare(given.kind, given.value, given.verified_at)
        except rules.NotAnIdentifier as error:
            raise InvalidIdentifier(
                kind=given.kind, label=_identifiers.KIND_LABELS.get(given.kind, given.kind)
            ) from error
        prepared[item.kind, item.index] = item
    return [prepared[key] for key in sorted(prepared)]


def _require_free(prepared: Sequence[Prepared], person_id: int | None) -> None:
    """Raises IdentifierTaken for what somebody else holds, CardReportedLost for what somebody else lost."""
    held = _identifiers.holders(prepared)
    own = set() if person_id is None else {person_id, *queries.family(person_id)}
    for item in prepared:
        if (item.kind, item.index) in held and held[item.kind, item.index] not in own:
            raise _taken(item.kind)
    cards = [index for item in prepared if item.kind == "card" for index in item.indexes]
    if cards:
        lost = Identifier.objects.filter(kind="card", index__in=cards, retired_reason="lost")
        if lost.exclude(person_id__in=own).exists():
            raise CardReportedLost


def _taken(kind: str) -> IdentifierTaken:
    return IdentifierTaken(kind=kind, label=_identifiers.KIND_LABELS[kind])


def _is_taken(error: IntegrityError) -> bool:
    return "identifier_unique_active" in str(error)


def _insert(person_id: int, prepared: Sequence[Prepared], now: dt.datetime) -> list[Identifier]:
    """One by one in their fixed order: of two writers the second waits, and then raises IdentifierTaken."""
    rows = []
    pks = _bulk.allocate_ids("customers_identifier", len(prepared))
    for pk, item in zip(pks, prepared, strict=True):
        try:
            with transaction.atomic():
                row = item.row(pk, person_id, now)
                row.save(force_insert=True)
        except IntegrityError as error:
            if _is_taken(error):
                raise _taken(item.kind) from error
            raise
        rows.append(row)
    return rows


def _give(actor: Viewer, person_id: int, item: Prepared, reason: str, now: dt.datetime) -> int:
    active = Identifier.objects.filter(person_id__in=queries.family(person_id), retired_at=None)
    own = active.filter(kind=item.kind, index__in=item.indexes).first()
    if own is not None:
        return own.pk
    if active.count() >= IDENTIFIERS_MAX:
        raise TooManyIdentifiers(limit=IDENTIFIERS_MAX)
    _require_free([item], person_id)
    [row] = _insert(person_id, [item], now)
    audit.record(
        actor=actor,
        action="identifier.add",
        subject=("person", person_id),
        after={item.kind: item.masked},
        reason=reason,
        now=now,
    )
    events.publish(IdentifierAdded(person_id, row.pk, item.kind), actor=actor, now=now)
    return row.pk


def _retire(actor: Viewer, rows: Sequence[Identifier], reason: str, now: dt.datetime) -> None:
    for row in rows:
        if row.retired_at is not None:
            continue
        row.retired_at, row.retired_reason = now, reason
        row.save(update_fields=["retired_at", "retired_reason"])
        audit.record(
            actor=actor,
            action="identifier.retire",
            subject=("person", row.person_id),
            before={row.kind: row.masked},
            reason=reason,
            now=now,
        )
        fact = IdentifierRetired(row.person_id, row.pk, row.kind, reason)
        events.publish(fact, actor=actor, now=now)


def _lock(person_id: int, actor: Viewer, *permissions: str) -> Person:
    """The row of the person, or of who stands for them, for writing.

    Raises NotAllowed without the permission anywhere, NotFound outside its scope.
    """
    rows = Person.objects.select_for_update(of=("self",)).filter(status__in=queries.LIVING)
    person_id = queries.survivor_of(person_id)
    for permission in permissions:
        require(actor, permission)
        person = load_visible(rows, person_id, actor, permission, queries.COLUMNS)
    return person
