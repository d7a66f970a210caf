"""Visitors: found or made by the digest of their id, and given to a person when somebody signs in."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from django.db import connection

from zhike.collection.events import VisitorShared, VisitorStitched
from zhike.collection.queries import SourceRef
from zhike.collection.rules.stitching import Ownership, signed_in
from zhike.customers import queries as people
from zhike.kernel import crypto
from zhike.kernel.events import Fact

Name = tuple[Literal["anonymous", "user"], str]
"""How a message names a visitor."""

FIELD = "collection.visitor.digest"


def digests_of(name: Name) -> list[bytes]:
    """What a visitor is looked for by, the one to store first. An anonymous id is random and needs no key; a user id may be
    guessable, so its digest is keyed, and what the key forgets when it is retired is only whose unknown behaviour it was."""
    kind, text = name
    if kind == "user":
        return crypto.blind_indexes(text, field=FIELD)
    return [b"\x00" + hashlib.blake2b(text.encode(), digest_size=16).digest()]


def ids_of(source: SourceRef, names: Iterable[Name], now: dt.datetime) -> dict[Name, int]:
    """The visitor of each name, made when it was never seen; two queries when all are known, four otherwise."""
    digests = {name: digests_of(name) for name in sorted(names)}
    if not digests:
        return {}
    known = _find(source, [one for every in digests.values() for one in every])
    found = {name: known[one] for name, every in digests.items() for one in every if one in known}
    missing = {name: every[0] for name, every in digests.items() if name not in found}
    if missing:
        _make(source, sorted(missing.values()), now)
        known = _find(source, list(missing.values()))
        found |= {name: known[digest] for name, digest in missing.items()}
    return found


def known_ids(source: SourceRef, names: Iterable[Name]) -> dict[Name, int]:
    """Those that were seen before; none is made."""
    digests = {one: name for name in names for one in digests_of(name)}
    return {digests[digest]: pk for digest, pk in _find(source, list(digests)).items()} if digests else {}


def _find(source: SourceRef, digests: Sequence[bytes]) -> dict[bytes, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, id FROM collection_visitor WHERE group_id = %s AND space = %s AND digest = ANY(%s)",
            [source.group_id, source.space, list(digests)],
        )
        return {bytes(digest): pk for digest, pk in cursor.fetchall()}


def _make(source: SourceRef, digests: Sequence[bytes], now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO collection_visitor (group_id, space, digest, first_seen_at, is_shared)"
            " SELECT %s, %s, digest, %s, false FROM unnest(%s::bytea[]) AS digest ORDER BY digest"
            " ON CONFLICT DO NOTHING",
            [source.group_id, source.space, now, list(digests)],
        )


def stitch(sign_ins: Sequence[tuple[int, int, dt.datetime | None]]) -> list[Fact]:
    """Apply (visitor, person, until) in this order; the facts to tell. Locks the visitors in the order of their ids."""
    owned = _lock(sorted({visitor_id for visitor_id, _person, _until in sign_ins}))
    known = {person_id for _visitor, person_id, _until in sign_ins} | {
        one.person_id for one in owned.values() if one.person_id is not None
    }
    sides = people.sides(sorted(known))
    changed: dict[int, Ownership] = {}
    facts: list[Fact] = []
    for visitor_id, person_id, until in sign_ins:
        before = owned[visitor_id]
        if before.person_id in {side.person_id for side in sides.get(person_id, ())}:
            person_id = before.person_id or person_id  # the same human being by another of their ids
        after, change = signed_in(before, person_id, until)
        if not change:
            continue
        owned[visitor_id] = changed[visitor_id] = after
        if change == "stitched":
            facts.append(VisitorStitched(person_id, visitor_id, until))
        elif change == "shared" and before.person_id is not None:
            facts.append(VisitorShared(before.person_id, person_id, visitor_id))
    _save(changed)
    return facts


def _lock(ids: Sequence[int]) -> dict[int, Ownership]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, person_id, stitched_until, is_shared FROM collection_visitor WHERE id = ANY(%s)"
            " ORDER BY id FOR UPDATE",
            [list(ids)],
        )
        return {pk: Ownership(*rest) for pk, *rest in cursor.fetchall()}


def _save(changed: Mapping[int, Ownership]) -> None:
    with connection.cursor() as cursor:
        for pk, after in changed.items():
            cursor.execute(
                "UPDATE collection_visitor SET person_id = %s, stitched_until = %s, is_shared = %s WHERE id = %s",
                [after.person_id, after.until, after.is_shared, pk],
            )
