"""Two persons become one, and two again. Only who stands for whom is written; no row of theirs is touched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.customers import _profile, queries, rules
from zhike.customers.events import MergeDeclined, MergeProposed, PersonsMerged, PersonsParted
from zhike.customers.models import Identifier, Merge, Person
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require
from zhike.kernel.errors import Conflict, NotFound
from zhike.organization import queries as organization

PERMISSION = "members.merge"
FILLED_FIELDS = ("name", "sex", "birthday", "occupation", "address", "language")


class NotMergeable(Conflict):
    code = "not-mergeable"
    title = _("Only two different, active persons can be merged.")


class SecondPersonNeeded(Conflict):
    code = "second-person-needed"
    title = _("A colleague has to look at this: whoever proposed it cannot agree to it.")


class MergeHasEnded(Conflict):
    code = "merge-ended"
    title = _("This merge was declined or undone already.")


def lock_persons(actor: Viewer, person_ids: Iterable[int]) -> dict[int, Person]:
    """The rows, held in the order of their ids. Raises NotAllowed, NotFound for one that is missing or out of scope.

    Receipts and whatever else refers to a person go on meanwhile: their rows only need the key not to change.
    """
    require(actor, PERMISSION)
    rows = Person.objects.select_for_update(of=("self",), no_key=True)
    return {pk: load_visible(rows, pk, actor, PERMISSION, queries.COLUMNS) for pk in sorted(set(person_ids))}


def guards_between(first_id: int, second_id: int, today: dt.date, *, shared_device: bool) -> tuple[str, ...]:
    """Why two of the staff have to agree (rules.guards). Raises NotFound, NotMergeable."""
    if first_id == second_id:
        raise NotMergeable
    known = Person.objects.in_bulk([first_id, second_id])
    if len(known) != 2:
        raise NotFound
    first, second = known[first_id], known[second_id]
    likeness = rules.Likeness(
        names=(first.name, second.name),
        sexes=(first.sex, second.sex),
        birthdays=(first.birthday, second.birthday),
        shared_phone=_share_a_phone(first.pk, second.pk),
        shared_device=shared_device,
        on_staff=organization.works_here([first.name, second.name]),
    )
    return rules.guards(likeness, today)


def _share_a_phone(first: int, second: int) -> bool:
    """Whether a number was one's and then the other's."""
    numbers: list[set[bytes]] = [
        {
            bytes(index)
            for index in Identifier.objects.filter(person_id=pk, kind="phone").values_list("index", flat=True)
        }
        for pk in (first, second)
    ]
    return bool(numbers[0] & numbers[1])


def propose(
    *,
    actor: Viewer,
    survivor_id: int,
    merged_id: int,
    guards: Sequence[str],
    evidence: Mapping[str, Any],
    reason: str,
    now: dt.datetime,
) -> int:
    """The merge as a proposal, or the one that was made already; its id. The caller holds both persons."""
    row, is_new = Merge.objects.get_or_create(
        survivor_id=survivor_id,
        merged_id=merged_id,
        state=Merge.State.PROPOSED,
        defaults={
            "guards": list(guards),
            "evidence": dict(evidence),
            "reason": reason[:200],
            "proposed_at": now,
            "proposed_by": actor.audit_id,
        },
    )
    if is_new and guards:
        audit.record(
            actor=actor,
            action="person.propose_merge",
            subject=("person", survivor_id),
            after={"merged": merged_id, "guards": list(guards)},
            reason=reason,
            now=now,
        )
        fact = MergeProposed(survivor_id, merged_id, row.pk, tuple(guards))
        events.publish(fact, actor=actor, now=now)
    return row.pk


def join(*, actor: Viewer, merge_id: int, now: dt.datetime) -> None:
    """Let the survivor stand for both, and learn what only the other was known for.

    Raises NotMergeable, MergeHasEnded, NotFound, NotAllowed.
    """
    merge, survivor, merged = _held(actor, merge_id)
    if merge.state != Merge.State.PROPOSED:
        raise MergeHasEnded
    if survivor.pk == merged.pk or survivor.group_id != merged.group_id:
        raise NotMergeable
    if {survivor.status, merged.status} != {Person.Status.ACTIVE}:
        raise NotMergeable
    values = _missing(survivor, merged)
    before = {field: _profile.text_of(survivor, field) for field in values}
    after = {field: _profile.as_text(value) for field, value in values.items()}
    if values:
        _profile.write(survivor, values)
        _profile.remember(survivor.pk, list(values), before, after, actor=actor, reason="merge", now=now)
    merged.status, merged.merged_into, merged.merged_at = Person.Status.MERGED, survivor, now
    merged.save(update_fields=["status", "merged_into", "merged_at"])
    merge.state, merge.merged_at, merge.merged_by = Merge.State.MERGED, now, actor.audit_id
    merge.filled = list(values)
    merge.save(update_fields=["state", "merged_at", "merged_by", "filled"])
    audit.record(
        actor=actor,
        action="person.merge",
        subject=("person", survivor.pk),
        after={"merged": merged.pk, "guards": merge.guards, "filled": merge.filled},
        reason=merge.reason,
        now=now,
    )
    events.publish(PersonsMerged(survivor.pk, merged.pk, merge.pk), actor=actor, now=now)


def _missing(survivor: Person, merged: Person) -> dict[str, Any]:
    """What the survivor has no value for and the other has."""
    found: dict[str, Any] = {}
    for field in FILLED_FIELDS:
        if not _profile.is_known(survivor, field) and _profile.is_known(merged, field):
            value = _profile.address_of(merged) if field == "address" else getattr(merged, field)
            found[field] = value
    return found


def part(*, actor: Viewer, merge_id: int, reason: str, now: dt.datetime) -> None:
    """Two persons again. What the survivor took over goes back, unless it was changed since.

    Raises MergeHasEnded, NotFound, NotAllowed.
    """
    merge, survivor, merged = _held(actor, merge_id)
    is_gone = survivor.status == Person.Status.ERASED
    if merge.state != Merge.State.MERGED or merged.merged_into_id != survivor.pk or is_gone:
        raise MergeHasEnded
    given = [field for field in merge.filled if _is_still(survivor, merged, field)]
    if given:
        empty: dict[str, Any] = dict.fromkeys(given, "") | {
            field: empty for field, empty in (("birthday", None), ("sex", "unknown")) if field in given
        }
        before = {field: _profile.text_of(survivor, field) for field in given}
        _profile.write(survivor, empty)
        after = {field: _profile.text_of(survivor, field) for field in given}
        _profile.remember(survivor.pk, given, before, after, actor=actor, reason="unmerge", now=now)
    merged.status, merged.merged_into, merged.merged_at = Person.Status.ACTIVE, None, None
    merged.save(update_fields=["status", "merged_into", "merged_at"])
    _end(merge, Merge.State.UNDONE, actor, reason, now)
    audit.record(
        actor=actor,
        action="person.unmerge",
        subject=("person", survivor.pk),
        after={"parted": merged.pk, "given_back": given},
        reason=reason,
        now=now,
    )
    events.publish(PersonsParted(survivor.pk, merged.pk, merge.pk), actor=actor, now=now)


def _is_still(survivor: Person, merged: Person, field: str) -> bool:
    return _profile.text_of(survivor, field) == _profile.text_of(merged, field)


def decline(*, actor: Viewer, merge_id: int, reason: str, now: dt.datetime) -> None:
    """They are not one person, or nobody knows. Raises MergeHasEnded, NotFound, NotAllowed."""
    merge, _survivor, _merged = _held(actor, merge_id)
    if merge.state != Merge.State.PROPOSED:
        raise MergeHasEnded
    _end(merge, Merge.State.DECLINED, actor, reason, now)
    audit.record(
        actor=actor,
        action="person.decline_merge",
        subject=("person", merge.survivor_id),
        after={"merge": merge.pk},
        reason=reason,
        now=now,
    )
    fact = MergeDeclined(merge.survivor_id, merge.merged_id, merge.pk)
    events.publish(fact, actor=actor, now=now)


def _end(merge: Merge, state: str, actor: Viewer, reason: str, now: dt.datetime) -> None:
    merge.state, merge.ended_at, merge.ended_by, merge.end_reason = state, now, actor.audit_id, reason[:200]
    merge.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])


def _held(actor: Viewer, merge_id: int) -> tuple[Merge, Person, Person]:
    """A merge with its two persons, all held; persons first, as everywhere. Raises NotFound, NotAllowed."""
    require(actor, PERMISSION)
    found = Merge.objects.filter(pk=merge_id).first()
    if found is None:
        raise NotFound
    persons = lock_persons(actor, [found.survivor_id, found.merged_id])
    merge = Merge.objects.select_for_update(of=("self",), no_key=True).get(pk=merge_id)
    return merge, persons[merge.survivor_id], persons[merge.merged_id]
