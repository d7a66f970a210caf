"""Profile fields: who may change them, what fits, and how they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from zhike.customers import _bulk, _identifiers, queries, rules
from zhike.customers.models import Identifier, Person, ProfileChange
from zhike.kernel import crypto
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotAllowed

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class BirthdayGiven(NotAllowed):
    code = "birthday-given"
    title = _("A birthday that was given once is changed at the service desk.")


LENGTHS_MAX = {"language": 10, "address": 300}
FIELD_PERMISSIONS = {
    "name": "members.identity",
    "birthday": "members.identity",
    "sex": "members.edit",
    "occupation": "members.edit",
    "address": "members.edit",
    "language": "members.edit",
}
"""Which permission each profile field needs; what is not listed cannot be changed."""


def permissions_for(actor: Viewer, fields: Iterable[str]) -> list[str]:
    """All that is needed to change these fields; one's own needs no more than leave to edit."""
    if actor.kind == "member":
        return ["members.edit"]
    return sorted({FIELD_PERMISSIONS[field] for field in fields})


def require_own_choice(actor: Viewer, person: Person, changed: Iterable[str]) -> None:
    """Members say their birthday once, for presents hang on it. Raises BirthdayGiven."""
    if actor.kind == "member" and person.birthday is not None and "birthday" in changed:
        raise BirthdayGiven


class InvalidProfile(Invalid):
    code = "invalid-profile"
    title = _("Some of the profile is not valid.")


def require_valid(values: Mapping[str, Any], now: dt.datetime) -> None:
    faults: dict[str, StrOrPromise] = {}
    for field, value in values.items():
        if field not in FIELD_PERMISSIONS:
            faults[field] = _("This field cannot be changed.")
        elif field == "birthday":
            tomorrow = now.date() + dt.timedelta(days=1)  # it is later already in the east
            if value is not None and not (
                type(value) is dt.date and rules.is_plausible_birthday(value, tomorrow)
            ):
                faults[field] = _("This is not a plausible birthday.")
        elif field == "sex" and value not in Person.Sex.values:
            faults[field] = _("This is not one of the choices.")
        elif len(value) > LENGTHS_MAX.get(field, rules.NAME_LENGTH_MAX):
            faults[field] = _("This is too long.")
    if faults:
        raise InvalidProfile(fields={field: [fault] for field, fault in faults.items()})


def cleaned(field: str, value: Any) -> Any:
    if field == "birthday":
        return value
    return rules.clean_name(str(value or ""))


def as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else value or ""


def text_of(person: Person, field: str) -> str:
    if field == "address":
        return address_of(person)
    return as_text(getattr(person, field))


def address_of(person: Person) -> str:
    if person.address is None:
        return ""
    return crypto.decrypt(bytes(person.address), field=queries.ADDRESS_FIELD, row=person.pk)


def learnable(person: Person, claims: Mapping[str, Any], said_at: dt.datetime) -> dict[str, Any]:
    """Those claims that outrank what is known, by who said it last and when."""
    said: dict[str, rules.Said] = {}
    rows = ProfileChange.objects.filter(person_id=person.pk, field__in=list(claims))
    for field, actor, at in rows.order_by("id").values_list("field", "actor", "changed_at"):
        said[field] = rules.Said(actor.startswith("system:"), at)
    origin = rules.Said(person.source in rules.MACHINE_SOURCES, person.created_at)
    return {
        field: claim
        for field, claim in claims.items()
        if rules.may_learn(is_known(person, field), said.get(field, origin), said_at)
    }


def is_known(person: Person, field: str) -> bool:
    """Whether anybody ever said."""
    text = text_of(person, field)
    return bool(text) and not (field == "sex" and text == Person.Sex.UNKNOWN)


def remember(
    person_id: int,
    changed: Sequence[str],
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    actor: Viewer,
    reason: str,
    now: dt.datetime,
) -> None:
    """Write the history of changed fields, their values encrypted."""
    pks = _bulk.allocate_ids("customers_profilechange", len(changed))
    ProfileChange.objects.bulk_create(
        ProfileChange(
            pk=pk,
            person_id=person_id,
            field=field,
            before=_sealed(before[field], queries.BEFORE_FIELD, pk),
            after=_sealed(after[field], queries.AFTER_FIELD, pk),
            actor=actor.audit_id,
            reason=reason,
            changed_at=now,
        )
        for pk, field in zip(pks, changed, strict=True)
    )


def _sealed(text: str, field: str, pk: int) -> bytes | None:
    return crypto.encrypt(text, field=field, row=pk) if text else None


def write(person: Person, values: Mapping[str, Any]) -> None:
    columns = dict(values)
    if "address" in columns:
        address = columns["address"]
        columns["address"] = (
            crypto.encrypt(address, field=queries.ADDRESS_FIELD, row=person.pk) if address else None
        )
    if "name" in columns:
        names = ("name", "name_pinyin", "name_initials", "name_grams")
        columns |= dict(zip(names, _bulk.name_columns(columns["name"]), strict=True))
    for column, value in columns.items():
        setattr(person, column, value)
    person.save(update_fields=list(columns))


def clear(person: Person, what: str) -> str:
    if what == "birthday":
        return as_text(person.birthday)
    if what == "address":
        return address_of(person)
    rows = Identifier.objects.filter(person_id__in=queries.family(person.pk))
    kind, _colon, number = what.partition(":")
    if kind == "identifier":
        rows = rows.filter(pk=int(number) if number.isdecimal() and len(number) < 19 else 0)
    else:
        rows = rows.filter(kind=what, retired_at=None)
    row = rows.order_by("-created_at", "-id").first()
    return _identifiers.reveal(row) if row else ""
