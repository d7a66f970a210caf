"""Reads of persons: found by identifier, shown masked, searched in one box."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from zhike.customers import rules
from zhike.customers.models import Identifier, Person, ProfileChange
from zhike.kernel import crypto
from zhike.kernel.access import Grant, Viewer, load_visible, visible
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.reencryption import EncryptedColumn
from zhike.organization import queries as organization

COLUMNS = {
    "mall": "source_mall_id",
    "floor": "source_merchant__floor_id",
    "merchant": "source_merchant_id",
    "own": "associate_id",
    "person": "id",
}
"""Where the scope of a viewer is found on a person; contexts above prefix them with their own look-up."""

VALUE_FIELD = "customers.identifier.value"
ADDRESS_FIELD = "customers.person.address"
BEFORE_FIELD = "customers.profile_change.before"
AFTER_FIELD = "customers.profile_change.after"
LIVING = (Person.Status.ACTIVE, Person.Status.RESTRICTED)


@dataclass(frozen=True, slots=True)
class IdentifierView:
    id: int
    kind: str
    masked: str
    verified_at: dt.datetime | None
    created_at: dt.datetime
    retired_at: dt.datetime | None
    retired_reason: str


@dataclass(frozen=True, slots=True)
class PersonView:
    """A profile as it may stand on a page: name readable, all else personal masked or only said to be there.

    ``celebrates`` is solar or lunar; ``lunar_birthday`` the day in words, "" by the solar calendar.
    """

    id: int
    group_id: int
    name: str
    sex: str
    masked_birthday: str
    celebrates: str
    lunar_birthday: str
    has_address: bool
    occupation: str
    language: str
    status: str
    merged_into_id: int | None
    created_at: dt.datetime
    source: str
    source_mall_id: int | None
    source_merchant_id: int | None
    associate_id: int | None
    identifiers: tuple[IdentifierView, ...]

    def active(self, kind: str) -> IdentifierView | None:
        """The newest identifier of a kind that still resolves."""
        return next((i for i in self.identifiers if i.kind == kind and i.retired_at is None), None)


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """One line of a list."""

    id: int
    name: str
    sex: str
    status: str
    masked_phone: str
    masked_card: str


@dataclass(frozen=True, slots=True)
class PersonHit:
    """``matched`` says why: phone, card, email, plate …, name, pinyin, initials, sound (sounds alike), typo.

    Whoever found a person by identifier outside their own scope sees the name masked.
    """

    person_id: int
    name: str
    sex: str
    masked_phone: str
    masked_card: str
    matched: str


@dataclass(frozen=True, slots=True)
class ProfileChangeView:
    """Personal values are masked; None is empty."""

    field: str
    before: str | None
    after: str | None
    actor: str
    reason: str
    changed_at: dt.datetime


def normalised(kind: str, value: str) -> str | None:
    """The form in which an identifier is compared, or None when the text is not one."""
    try:
        return rules.normalise(kind, value)
    except rules.NotAnIdentifier:
        return None


def masked(kind: str, normal: str) -> str:
    """What anybody may see of a normalised identifier."""
    return rules.mask(kind, normal)


def viewer_of_person(person_id: int, request_id: str = "") -> Viewer:
    """Members themselves, who may see and do what concerns them alone."""
    grant = Grant(organization.member_permissions(), "person", frozenset(family(person_id)) | {person_id})
    return Viewer(
        kind="member", id=person_id, label=f"person {person_id}", grants=(grant,), request_id=request_id
    )


# --- by identifier -------------------------------------------------------------------------------------------------


def person_id_by(kind: str, value: str) -> int | None:
    """Whose active identifier this is; one prepared statement on the hot path."""
    normal = normalised(kind, value)
    if normal is None:
        return None
    indexes = indexes_of(kind, normal)
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_PERSON_BY_INDEX, [kind, indexes], prepare=True)
        row = cursor.fetchone()
    return row[0] if row else None


_PERSON_BY_INDEX = """
    SELECT person_id FROM customers_identifier
    WHERE kind = %s AND index = ANY(%s) AND retired_at IS NULL LIMIT 1
"""


def person_ids_by(kind: str, values: Sequence[str]) -> dict[str, int]:
    """Whose active identifiers these are, by the value as given; unknown and malformed values are left out."""
    given: dict[bytes, list[str]] = defaultdict(list)
    for value in set(values):
        normal = normalised(kind, value)
        if normal is not None:
            for index in indexes_of(kind, normal):
                given[index].append(value)
    rows = Identifier.objects.filter(kind=kind, index__in=list(given), retired_at=None)
    found = rows.values_list("index", "person_id")
    return {value: person_id for index, person_id in found for value in given[bytes(index)]}


def is_reported_lost(kind: str, value: str) -> bool:
    """Whether this identifier no longer resolves because its holder reported it lost."""
    normal = normalised(kind, value)
    if normal is None:
        return False
    indexes = indexes_of(kind, normal)
    rows = Identifier.objects.filter(kind=kind, index__in=indexes)
    return rows.filter(retired_reason="lost").exists() and not rows.filter(retired_at=None).exists()


def named_value(kind: str, normal: str) -> str:
    """An identifier as it is encrypted and indexed: with its kind, so that a value says by itself what it is."""
    return f"{kind}:{normal}"


def indexes_of(kind: str, normal: str) -> list[bytes]:
    """The blind indexes to look for, the one to store first."""
    return crypto.blind_indexes(named_value(kind, normal), field=VALUE_FIELD)


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(
            VALUE_FIELD,
            "customers_identifier",
            "value",
            index_column="index",
            index_of=lambda text: crypto.blind_index(text, field=VALUE_FIELD),
        ),
        EncryptedColumn(ADDRESS_FIELD, "customers_person", "address"),
        EncryptedColumn(BEFORE_FIELD, "customers_profilechange", "before"),
        EncryptedColumn(AFTER_FIELD, "customers_profilechange", "after"),
    ]


# --- one person ----------------------------------------------------------------------------------------------------


def person(person_id: int) -> PersonView:
    """Who stands for this person now. For contexts above, which have checked already. Raises NotFound."""
    row = Person.objects.filter(pk=person_id).first()
    if row is None:
        raise NotFound
    return _person_view(row.merged_into or row)


def survivor_of(person_id: int) -> int:
    """Who stands for this person: themself, or whom they were merged into."""
    root = Person.objects.filter(pk=person_id).values_list("merged_into_id", flat=True).first()
    return root or person_id


def family(person_id: int) -> tuple[int, ...]:
    """Every id that means this human being: the survivor first, then whoever was merged into them."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_FAMILY, [person_id], prepare=True)
        return tuple(row[0] for row in cursor.fetchall()) or (person_id,)


_FAMILY = """
    SELECT f.id FROM customers_person p CROSS JOIN LATERAL (
        SELECT coalesce(p.merged_into_id, p.id) AS id
        UNION ALL SELECT m.id FROM customers_person m WHERE m.merged_into_id = coalesce(p.merged_into_id, p.id)) f
    WHERE p.id = %s
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the ids of a human being; ``since``: from when on it was one with the others, None for the survivor."""

    person_id: int
    survivor_id: int
    since: dt.datetime | None


def sides(person_ids: Sequence[int]) -> dict[int, tuple[Side, ...]]:
    """All sides of many persons, by each id asked for."""
    asked = dict(Person.objects.filter(pk__in=person_ids).values_list("pk", "merged_into_id"))
    roots = {pk: root or pk for pk, root in asked.items()}
    found: dict[int, list[Side]] = {root: [Side(root, root, None)] for root in roots.values()}
    followers = Person.objects.filter(merged_into_id__in=list(found)).order_by("id")
    for pk, root, since in followers.values_list("pk", "merged_into_id", "merged_at"):
        found[root].append(Side(pk, root, since))
    return {pk: tuple(found[root]) for pk, root in roots.items()}


def visible_person(person_id: int, viewer: Viewer, permission: str = "members.view") -> PersonView:
    """A person in the viewer's scope, as who stands for them. Raises NotFound for a missing and for a hidden one."""
    row = load_visible(Person.objects.all(), person_id, viewer, permission, COLUMNS)
    return _person_view(row.merged_into or row)


def require_visible(person_id: int, viewer: Viewer, *permissions: str) -> int:
    """The person's group, if one of the permissions opens them. Raises NotAllowed without any of these, NotFound."""
    if not any(viewer.may(permission) for permission in permissions):
        raise NotAllowed
    for permission in permissions:
        rows = visible(Person.objects.filter(pk=person_id), viewer, permission, COLUMNS)
        group_id = rows.values_list("group_id", flat=True).first()
        if group_id is not None:
            return group_id
    raise NotFound


def not_to_be_profiled(person_ids: Sequence[int], today: dt.date) -> set[int]:
    """Of these persons the ones whose behaviour is not to be looked at: under 14, restricted or erased."""
    born_after = today.replace(year=today.year - 14, day=min(today.day, 28))
    rows = Person.objects.filter(pk__in=person_ids)
    kept = rows.filter(
        Q(birthday=None) | Q(birthday__lte=born_after),
        Q(merged_into__birthday=None) | Q(merged_into__birthday__lte=born_after),
        status__in=(Person.Status.ACTIVE, Person.Status.MERGED),
    )
    return set(person_ids) - set(kept.values_list("pk", flat=True))


def visible_ids(person_ids: Sequence[int], viewer: Viewer, permission: str) -> set[int]:
    """Those of many persons that the viewer holds the permission for."""
    rows = visible(Person.objects.filter(pk__in=person_ids), viewer, permission, COLUMNS)
    return set(rows.values_list("id", flat=True))


def celebrated_on(day: dt.date) -> dict[str, int]:
    """The birthday keys of a day, with the year of their own calendar (rules.keys_celebrated)."""
    return rules.keys_celebrated(day)


def lunar_text(key: str) -> str:
    """A birthday key of the Chinese calendar in words; "" for a solar one."""
    return rules.lunar_text(key)


def next_birthday(person_id: int, today: dt.date) -> dt.date | None:
    """The next day on which a person's birthday is celebrated, today included; None when we do not know it."""
    key = Person.objects.filter(pk=person_id).values_list("birthday_key", flat=True).first()
    days = (today + dt.timedelta(days=ahead) for ahead in range(rules.YEAR_DAYS_MAX))
    return next((day for day in days if key in rules.keys_celebrated(day)), None) if key else None


def celebrating(day: dt.date) -> list[int]:
    """Active persons whose birthday is celebrated on a day, by the calendar they keep; the caller has authorised it."""
    rows = Person.objects.filter(birthday_key__in=list(rules.keys_celebrated(day)), status="active")
    return list(rows.order_by("id").values_list("id", flat=True))


def share_identifier(person_id: int, other_id: int) -> bool:
    """Whether two persons have, or had, one and the same phone, card, account …"""
    own = Identifier.objects.filter(person_id=person_id)
    return own.filter(
        Exists(Identifier.objects.filter(person_id=other_id, kind=OuterRef("kind"), index=OuterRef("index")))
    ).exists()


def birth_date(person_id: int) -> dt.date | None:
    """For rules that congratulate; never for a page."""
    return Person.objects.filter(pk=person_id).values_list("birthday", flat=True).first()


@dataclass(frozen=True, slots=True)
class ContactCard:
    """What whoever writes to a person must know; never for a page. Addresses are normalised, "" when unknown."""

    person_id: int
    name: str
    language: str
    birthday: dt.date | None
    is_gone: bool
    mall_id: int | None
    phone: str = ""
    email: str = ""


def contact_cards(person_ids: Sequence[int]) -> dict[int, ContactCard]:
    """Many persons with their addresses in clear, by id, in four queries; for contexts above that send messages.

    Of a merged person each side has its own address, and where it has none, one of the other sides'.
    """
    known_as = sides(person_ids)
    wanted = {side.person_id for family_ in known_as.values() for side in family_}
    addresses: dict[tuple[int, str], str] = {}
    known = Identifier.objects.filter(person_id__in=wanted, kind__in=("phone", "email"), retired_at=None)
    for pk, person_id, kind, value in known.order_by("id").values_list("id", "person_id", "kind", "value"):
        text = crypto.decrypt(bytes(value), field=VALUE_FIELD, row=pk)
        addresses[person_id, kind] = text.partition(":")[2]

    def address(person_id: int, kind: str) -> str:
        order = [person_id, *(side.person_id for side in known_as[person_id])]
        return next((addresses[one, kind] for one in order if (one, kind) in addresses), "")

    gone = (Person.Status.RESTRICTED, Person.Status.ERASED)
    status = Coalesce("merged_into__status", "status")
    rows = Person.objects.filter(pk__in=person_ids).values_list(
        "id", "name", "language", "birthday", status, "source_mall_id"
    )
    return {
        pk: ContactCard(
            pk, name, language, birthday, state in gone, mall_id, address(pk, "phone"), address(pk, "email")
        )
        for pk, name, language, birthday, state, mall_id in rows
    }


def summaries(person_ids: Sequence[int]) -> dict[int, PersonSummary]:
    """Lines of a list, by id, in two queries."""
    masked: dict[tuple[int, str], str] = {}
    shown = Identifier.objects.filter(person_id__in=person_ids, kind__in=("phone", "card"), retired_at=None)
    for person_id, kind, text in shown.order_by("id").values_list("person_id", "kind", "masked"):
        masked[person_id, kind] = text
    rows = Person.objects.filter(pk__in=person_ids).values_list("id", "name", "sex", "status")
    return {
        row[0]: PersonSummary(*row, masked.get((row[0], "phone"), ""), masked.get((row[0], "card"), ""))
        for row in rows
    }


def profile_history(person_id: int, limit: int = 100) -> list[ProfileChangeView]:
    """What was changed, newest first."""
    mine = ProfileChange.objects.filter(person_id__in=family(person_id))
    rows = mine.order_by("-changed_at", "-id")[:limit]
    return [
        ProfileChangeView(
            field=row.field,
            before=_shown(row, BEFORE_FIELD, row.before),
            after=_shown(row, AFTER_FIELD, row.after),
            actor=row.actor,
            reason=row.reason,
            changed_at=row.changed_at,
        )
        for row in rows
    ]


def masked_field(field: str, value: str | None) -> str | None:
    """A profile value as it may stand on a page or in the audit trail."""
    if not value:
        return None
    if field == "birthday":
        return rules.mask_birthday(dt.date.fromisoformat(value))
    if field == "address":
        return value[:2] + "****"
    return rules.mask_name(value) if field == "name" else value


def _shown(row: ProfileChange, field: str, envelope: bytes | memoryview | None) -> str | None:
    if envelope is None:
        return None
    return masked_field(row.field, crypto.decrypt(bytes(envelope), field=field, row=row.pk))


def _person_view(row: Person) -> PersonView:
    known = Identifier.objects.filter(person_id__in=family(row.pk)).order_by("-created_at", "-id")
    identifiers = known.values_list(
        "id", "kind", "masked", "verified_at", "created_at", "retired_at", "retired_reason"
    )
    return PersonView(
        id=row.pk,
        group_id=row.group_id,
        name=row.name,
        sex=row.sex,
        masked_birthday=rules.mask_birthday(row.birthday) if row.birthday else "",
        celebrates=row.birthday_calendar,
        lunar_birthday=rules.lunar_text(row.birthday_key),
        has_address=row.address is not None,
        occupation=row.occupation,
        language=row.language,
        status=row.status,
        merged_into_id=row.merged_into_id,
        created_at=row.created_at,
        source=row.source,
        source_mall_id=row.source_mall_id,
        source_merchant_id=row.source_merchant_id,
        associate_id=row.associate_id,
        identifiers=tuple(IdentifierView(*values) for values in identifiers),
    )


# --- the search box ------------------------------------------------------------------------------------------------

SEARCH_LIMIT_MAX = 100


def search(viewer: Viewer, text: str, limit: int = 20) -> list[PersonHit]:
    """Persons that a text may mean, surest first: whole identifiers, then names in the viewer's scope.

    A whole phone number or card finds any member for who may look members up; a name only within members.view. Each
    further step is taken only while there is room; what merely sounds alike or is one slip away comes last.
    Raises NotAllowed without either permission.
    """
    if not viewer.may("members.view") and not viewer.may("members.lookup"):
        raise NotAllowed
    limit = min(limit, SEARCH_LIMIT_MAX)
    meaning = rules.meaning_of(text)
    in_scope = visible(Person.objects.filter(status__in=LIVING), viewer, "members.view", COLUMNS)
    found: dict[int, str] = {}
    for kind, value in meaning.identifiers:
        person_id = person_id_by(kind, value)
        if person_id is not None:
            found.setdefault(survivor_of(person_id), kind)
    if not viewer.may("members.lookup"):
        kept = set(in_scope.filter(pk__in=found).values_list("pk", flat=True))
        found = {person_id: kind for person_id, kind in found.items() if person_id in kept}
    for matched, rows in _name_steps(in_scope, meaning):
        if len(found) >= limit:
            break
        for person_id in rows.values_list("pk", flat=True)[: limit + len(found)]:
            found.setdefault(person_id, matched)
    return _hits(found, in_scope, limit)


def _name_steps(rows: QuerySet[Person], meaning: rules.Meaning) -> Iterator[tuple[str, QuerySet[Person]]]:
    """Ever looser ways to match a name, each served by one index. Lazy: a step not reached costs nothing."""
    name = meaning.name
    letters = meaning.letters
    if name:
        yield "name", rows.filter(name=name)
        yield "name", rows.filter(name__startswith=name)
        if grams := [gram for gram in rules.grams(name) if len(gram) == min(2, len(name))]:
            yield "name", rows.filter(name_grams__contains=grams, name__contains=name)
        spelt, _initials = rules.pinyin(name)
        if spelt:
            yield "sound", rows.filter(name_pinyin__startswith=spelt)
            letters = spelt
    elif letters:
        yield "pinyin", rows.filter(name_pinyin=letters)
        yield "initials", rows.filter(name_initials=letters)
        yield "pinyin", rows.filter(name_pinyin__startswith=letters)
        yield "initials", rows.filter(name_initials__startswith=letters)
    if letters:
        yield "sound", rows.filter(name_pinyin__in=rules.sound_alikes(letters))
        yield "typo", rows.filter(name_pinyin__in=rules.typing_slips(letters))


def _hits(found: dict[int, str], in_scope: QuerySet[Person], limit: int) -> list[PersonHit]:
    ids = list(found)[:limit]
    lines = summaries(ids)
    own = set(in_scope.filter(pk__in=ids).values_list("pk", flat=True))
    return [
        PersonHit(
            person_id=person_id,
            name=lines[person_id].name if person_id in own else rules.mask_name(lines[person_id].name),
            sex=lines[person_id].sex,
            masked_phone=lines[person_id].masked_phone,
            masked_card=lines[person_id].masked_card,
            matched=found[person_id],
        )
        for person_id in ids
        if lines[person_id].status in LIVING
    ]
