"""Who the messages are about: identify and alias carried out, user ids turned into persons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from zhike.collection.operations import _visitors
from zhike.collection.operations._items import Item
from zhike.collection.queries import SourceRef
from zhike.collection.rules.consent import basis_of
from zhike.collection.rules.reading import Reading
from zhike.collection.rules.traits import Traits, read_traits
from zhike.customers import operations as customers
from zhike.customers import queries as people
from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.privacy import queries as privacy

PURPOSE = "personalisation"


@dataclass(frozen=True, slots=True)
class Known:
    """Persons by user id; what they decided on personalisation; who is not to be profiled."""

    persons: dict[str, int]
    decisions: dict[int, str]
    protected: set[int]

    def basis(self, source: SourceRef, reading: Reading, person_id: int | None) -> str:
        return basis_of(
            name=reading.name,
            said=reading.consent,
            assumed=source.consent_assumed,
            decision=None if person_id is None else self.decisions.get(person_id, ""),
            is_known=person_id is not None,
            is_protected=person_id in self.protected,
        )


def recognise(actor: Viewer, source: SourceRef, items: Sequence[Item], now: dt.datetime) -> Known:
    """Carry out identify and alias, and say who is who. An item that cannot be carried out is failed, the others go on."""
    identifies = [item for item in items if item.kind == "identify" and item.outcome == "taken"]
    aliases = [item for item in items if item.kind == "alias" and item.outcome == "taken"]
    for item in [*identifies, *aliases]:
        if item.reading is not None and item.reading.consent is False:
            item.outcome = "refused"
    identified = _identify(actor, source, [item for item in identifies if item.outcome == "taken"], now)
    if source.is_trusted:
        _join_accounts(actor, source, [item for item in aliases if item.outcome == "taken"], now)
    user_ids = {item.reading.user_id for item in items if item.reading is not None and item.reading.user_id}
    persons = _persons(source, user_ids)
    everyone = sorted({*persons.values(), *identified.values()})
    decisions = privacy.decisions_on(everyone, PURPOSE) if everyone else {}
    protected = people.not_to_be_profiled(everyone, now.date()) if everyone else set()
    known = Known(persons, decisions, protected)
    _stitch(actor, source, known, identified, [*identifies, *aliases], now)
    return known


def account(source: SourceRef, user_id: str) -> str:
    """A user id as the identifier it is."""
    return f"{source.space}:{user_id}" if source.user_id_kind == "account" else user_id


def _persons(source: SourceRef, user_ids: set[str]) -> dict[str, int]:
    if not user_ids:
        return {}
    named = {account(source, user_id): user_id for user_id in user_ids}
    found = people.person_ids_by(source.user_id_kind, list(named))
    return {named[value]: person_id for value, person_id in found.items()}


# --- identify ------------------------------------------------------------------------------------------------------


def _identify(actor: Viewer, source: SourceRef, items: Sequence[Item], now: dt.datetime) -> dict[Item, int]:
    """The person of each identify. Only a trusted source makes persons and fills their profiles."""
    if not source.is_trusted:
        found = _persons(
            source, {item.reading.user_id for item in items if item.reading and item.reading.user_id}
        )
        return {
            item: found[item.reading.user_id]
            for item in items
            if item.reading and item.reading.user_id in found
        }
    wanted: list[tuple[Item, customers.NewPerson, Traits]] = []
    for item in items:
        assert item.reading is not None
        traits = read_traits(item.reading.traits)
        given = [(source.user_id_kind, account(source, item.reading.user_id))] if item.reading.user_id else []
        identifiers = [*given, *traits.identifiers]
        bad = next((kind for kind, value in identifiers if people.normalised(kind, value) is None), None)
        if bad is not None:
            item.fail("invalid-identifier", bad)
        elif identifiers:
            wanted.append((item, _new_person(source, identifiers, traits), traits))
    persons = _meet(actor, source, wanted, now)
    for item, _person, traits in sorted(wanted, key=lambda one: persons.get(one[0], 0)):
        if item in persons and traits.profile:
            _learn(actor, source, item, persons[item], traits, now)
    return persons


def _new_person(
    source: SourceRef, identifiers: Sequence[tuple[str, str]], traits: Traits
) -> customers.NewPerson:
    profile = traits.profile
    return customers.NewPerson(
        name=profile.get("name", ""),
        identifiers=tuple(customers.NewIdentifier(kind, value) for kind, value in identifiers),
        sex=profile.get("sex", "unknown"),
        birthday=profile.get("birthday"),
        language=profile.get("language", ""),
        source="collection",
        mall_id=source.mall_id,
    )


def _meet(
    actor: Viewer,
    source: SourceRef,
    wanted: Sequence[tuple[Item, customers.NewPerson, Traits]],
    now: dt.datetime,
) -> dict[Item, int]:
    """All at once; when one of them is refused, one by one, so that the others are not."""
    if not wanted:
        return {}
    group_id = source.group_id
    try:
        with transaction.atomic():
            met = customers.create_persons(
                actor=actor, group_id=group_id, persons=[person for _item, person, _traits in wanted], now=now
            )
        return {item: person_id for (item, _person, _traits), person_id in zip(wanted, met, strict=True)}
    except Problem:
        pass
    found: dict[Item, int] = {}
    for item, person, _traits in wanted:
        try:
            with transaction.atomic():
                [found[item]] = customers.create_persons(
                    actor=actor, group_id=group_id, persons=[person], now=now
                )
        except Problem as problem:
            item.fail("invalid-profile", ", ".join(problem.fields))
    return found


def _learn(
    actor: Viewer, source: SourceRef, item: Item, person_id: int, traits: Traits, now: dt.datetime
) -> None:
    assert item.reading is not None
    try:
        with transaction.atomic():
            customers.learn_profile(
                actor=actor,
                person_id=person_id,
                claims=traits.profile,
                said_at=item.reading.at,
                reason=source.name,
                now=now,
            )
    except customers.InvalidProfile as problem:
        item.fail("invalid-profile", ", ".join(problem.fields))
    except Problem:
        item.fail("unknown-user")


# --- alias and stitching -------------------------------------------------------------------------------------------


def _join_accounts(actor: Viewer, source: SourceRef, items: Sequence[Item], now: dt.datetime) -> None:
    """A new user id of somebody known by an older one; where both are known as two persons, a conflict is told."""
    for item in items:
        assert item.reading is not None
        user_id, previous_id = item.reading.user_id, item.reading.previous_id
        if previous_id and _persons(source, {previous_id}):
            both = [(source.user_id_kind, account(source, one)) for one in (previous_id, user_id)]
            if all(people.normalised(kind, value) for kind, value in both):
                person = _new_person(source, both, read_traits({}))
                customers.create_persons(actor=actor, group_id=source.group_id, persons=[person], now=now)


def _stitch(
    actor: Viewer,
    source: SourceRef,
    known: Known,
    identified: dict[Item, int],
    items: Sequence[Item],
    now: dt.datetime,
) -> None:
    """Give visitors to those who signed in, with their consent; a kiosk is everybody's and gives nothing."""
    sign_ins: list[tuple[_visitors.Name, int, dt.datetime | None]] = []
    devices: set[_visitors.Name] = set()
    for item in items:
        reading = item.reading
        if reading is None or item.outcome != "taken":
            continue
        person_id = identified.get(item, known.persons.get(reading.user_id))
        if person_id is None:
            if item.kind == "alias":
                item.fail("unknown-user")
            continue
        if known.basis(source, reading, person_id) != "consent":
            continue
        if reading.user_id:
            sign_ins.append((("user", reading.user_id), person_id, None))
        if reading.previous_id:
            sign_ins.append((("user", reading.previous_id), person_id, None))
            if source.kind != "kiosk":
                sign_ins.append((("anonymous", reading.previous_id), person_id, reading.at))
        elif reading.anonymous_id and source.kind != "kiosk":
            devices.add(("anonymous", reading.anonymous_id))
            sign_ins.append((("anonymous", reading.anonymous_id), person_id, reading.at))
    if not sign_ins:
        return
    others = {name for name, _person, _until in sign_ins} - devices
    ids = _visitors.ids_of(source, devices, now) | _visitors.known_ids(source, others)
    facts = _visitors.stitch([(ids[name], person, until) for name, person, until in sign_ins if name in ids])
    events.publish(*facts, actor=actor, now=now)
