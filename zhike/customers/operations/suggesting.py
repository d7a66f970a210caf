"""Pairs of records that may be one person's: found by identifiers and by likeness, judged by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries, rules
from zhike.customers.models import Identifier, Person, Suggestion
from zhike.kernel import audit, crypto
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Conflict

PERMISSION = "members.merge"
AT_LEAST = 0.9
RARE_NAME_MAX = 20
BATCH = 5_000


class SuggestionDecided(Conflict):
    code = "suggestion-decided"
    title = _("Somebody has decided this already.")


def find_twins(*, actor: Viewer, devices: Mapping[int, str], now: dt.datetime) -> int:
    """Look at everybody and suggest the pairs that are probably one person; how many are new.

    ``devices`` names a device for persons who signed in on one. By identifiers: whoever holds what the other gave up, with
    the same name (rules.suggests). By likeness: name, pinyin, birthday, address, device (Splink). Pairs that were judged
    before are left alone. Slow and large: for a worker or a command. Raises NotAllowed.
    """
    require(actor, PERMISSION)
    from zhike.customers import _linkage

    records = list(_records(devices))
    by_id = {int(record["id"]): record for record in records}
    found = {
        pair: (Suggestion.Basis.IDENTIFIER, 1.0, evidence) for pair, evidence in _by_identifier(by_id).items()
    }
    for match in _linkage.matches(records, _linkage.PERSONS, at_least=AT_LEAST):
        pair = (int(match.first), int(match.second))
        pair = (min(pair), max(pair))
        evidence = [[what, level] for what, level in sorted(match.levels.items()) if level >= 0]
        found.setdefault(pair, (Suggestion.Basis.LIKENESS, match.probability, evidence))
    before = Suggestion.objects.count()
    Suggestion.objects.bulk_create(
        (
            Suggestion(
                first_id=first,
                second_id=second,
                basis=basis,
                probability=probability,
                evidence=evidence,
                found_at=now,
            )
            for (first, second), (basis, probability, evidence) in sorted(found.items())
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    return Suggestion.objects.count() - before


def _records(devices: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """Everybody as the model compares them. Addresses are opened here, in the worker's memory, and go nowhere else."""
    rows = Person.objects.filter(status=Person.Status.ACTIVE).order_by("id")
    names: dict[str, int] = {}
    for name in rows.values_list("name", flat=True).iterator(chunk_size=BATCH):
        names[name] = names.get(name, 0) + 1
    columns = ("id", "name", "name_pinyin", "name_initials", "birthday", "sex", "address")
    for pk, name, letters, initials, birthday, sex, address in rows.values_list(*columns).iterator(
        chunk_size=BATCH
    ):
        yield {
            "id": str(pk),
            "name": name,
            "pinyin": letters,
            "initials": initials,
            "birthday": birthday.isoformat() if birthday else "",
            "sex": "" if sex == Person.Sex.UNKNOWN else sex,
            "address": crypto.decrypt(bytes(address), field=queries.ADDRESS_FIELD, row=pk) if address else "",
            "device": devices.get(pk, ""),
            "rare_name": name if 1 < names[name] <= RARE_NAME_MAX else "",
        }


def _by_identifier(known: Mapping[int, Mapping[str, Any]]) -> dict[tuple[int, int], list[list[Any]]]:
    """Pairs of which one holds, or held, what the other gave up, where the rules see one person in them."""
    given_up = Identifier.objects.exclude(retired_at=None)
    shared: dict[tuple[int, int], set[str]] = {}
    for kind, index, person_id in given_up.values_list("kind", "index", "person_id"):
        others = Identifier.objects.filter(kind=kind, index=bytes(index)).exclude(person_id=person_id)
        for other in others.values_list("person_id", flat=True):
            shared.setdefault((min(person_id, other), max(person_id, other)), set()).add(kind)
    return {
        pair: [[kind, 1] for kind in sorted(kinds)]
        for pair, kinds in shared.items()
        if pair[0] in known and pair[1] in known and rules.suggests(kinds, known[pair[0]], known[pair[1]])
    }


@transaction.atomic
def judge(*, actor: Viewer, suggestion_id: int, verdict: str, now: dt.datetime) -> None:
    """``verdict`` rejected: two persons, never suggested again; unsure: later, by somebody else.

    Raises SuggestionDecided, NotFound, NotAllowed.
    """
    row = _held(actor, suggestion_id)
    _settle(actor, row, verdict, None, now)


@transaction.atomic
def accept(*, actor: Viewer, suggestion_id: int, merge_id: int, now: dt.datetime) -> None:
    """It led to this merge, done or proposed. Raises SuggestionDecided, NotFound, NotAllowed."""
    row = _held(actor, suggestion_id)
    _settle(actor, row, Suggestion.State.ACCEPTED, merge_id, now)


def _held(actor: Viewer, suggestion_id: int) -> Suggestion:
    columns = {level: f"first__{column}" for level, column in queries.COLUMNS.items()}
    rows = Suggestion.objects.select_for_update(of=("self",))
    require(actor, PERMISSION)
    row = load_visible(rows, suggestion_id, actor, PERMISSION, columns)
    if row.state not in (Suggestion.State.OPEN, Suggestion.State.UNSURE):
        raise SuggestionDecided
    return row


def _settle(actor: Viewer, row: Suggestion, verdict: str, merge_id: int | None, now: dt.datetime) -> None:
    before, row.state, row.merge_id = row.state, verdict, merge_id
    row.decided_at, row.decided_by = now, actor.audit_id
    row.save(update_fields=["state", "merge", "decided_at", "decided_by"])
    audit.record(
        actor=actor,
        action="person.judge_suggestion",
        subject=("person", row.first_id),
        before={"state": before},
        after={"state": verdict, "other": row.second_id},
        now=now,
    )


def forget_of(person_ids: Iterable[int]) -> None:
    """Persons that are erased are compared with nobody."""
    ids: Sequence[int] = list(person_ids)
    Suggestion.objects.filter(first_id__in=ids).delete()
    Suggestion.objects.filter(second_id__in=ids).delete()
