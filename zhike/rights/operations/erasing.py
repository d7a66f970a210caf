"""An erasure, context by context. Each step is one transaction; whoever was killed goes on at the next one.

Nobody is half erased for long: the memberships end first, so that nothing more is earned or sent, then each context
does what it declared, from the highest floor down, and last of all the person's name and identifiers go, the log is
cleared of them, and the whole database is searched for what might be left. Only then is the certificate signed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from zhike.collection import queries as collection
from zhike.customers.operations import restricting
from zhike.customers.queries.clear import words_of
from zhike.history import operations as history
from zhike.kernel import events, forgetting, signing
from zhike.kernel.access import Viewer, require
from zhike.loyalty import operations as loyalty
from zhike.loyalty.queries import member_ids_of
from zhike.offers import operations as offers
from zhike.rights import rules
from zhike.rights.events import PersonErased
from zhike.rights.models import Certificate, ErasureStep, RightsRequest
from zhike.rights.operations._trail import leave
from zhike.rights.operations.asking import HANDLE, locked
from zhike.rights.queries.catalogue import contexts, holdings_of
from zhike.rights.queries.certificates import PURPOSE
from zhike.rights.queries.subjects import loss_of, persons_of, subjects_of

CLOSING, BEHAVIOUR, LAKE, LAST = "closing", "collection", "history", "customers"
STEPS = (CLOSING, *(one.name for one in contexts() if one.holdings and one.name != LAST), LAST)
"""In this order; the closing ends memberships, the last one takes the name and searches everything."""

EMPTIED: Mapping[str, Mapping[str, Any]] = {
    "zhike.collection.behaviour_observed": {"properties": {}, "context": {}, "said": ""},
    "zhike.loyalty.points_adjusted": {"reason": ""},
    "zhike.loyalty.card_replaced": {"number": ""},
}
"""Fields of events that say what a person did or wrote, and are emptied whole; ids and amounts stay."""


def carry_out(*, actor: Viewer, request_id: int, now: dt.datetime) -> bool:
    """Do whatever is left of an erasure whose time has come; whether it is finished now.

    Not yet due, called off or finished: nothing to do. What must be settled first stops it, and it is tried again.
    Raises NotFound, NotAllowed.
    """
    require(actor, HANDLE)
    if not _begin(actor, request_id, now):
        return False
    return all(erase_step(actor=actor, request_id=request_id, step=step, now=now) for step in STEPS)


@transaction.atomic
def _begin(actor: Viewer, request_id: int, now: dt.datetime) -> bool:
    """Whether work may go on. A request is asked for what stands in its way until its first step is done."""
    row = locked(actor, request_id, HANDLE)
    if row.kind not in rules.ERASING or row.state not in ("waiting", "working", "blocked"):
        return False
    if row.runs_at is None or now < row.runs_at:
        return False
    if ErasureStep.objects.filter(request=row).exists():
        return True
    blocks = loss_of(row.person_id, now).blocks
    state = "blocked" if blocks else "working"
    if row.state != state:
        row.state = state
        row.save(update_fields=["state"])
        details = {"blocks": [one.what for one in blocks]} if blocks else None
        leave(row, state, actor=actor, now=now, details=details)
    return not blocks


@transaction.atomic
def erase_step(*, actor: Viewer, request_id: int, step: str, now: dt.datetime) -> bool:
    """One context's part; done before: nothing to do. False when the request is not being worked on.

    Two workers at once: the second waits for the request's row and finds the step done.
    """
    row = locked(actor, request_id, HANDLE)
    if ErasureStep.objects.filter(request=row, context=step).exists():
        return True
    if row.state != RightsRequest.State.WORKING:
        return False
    persons = persons_of(row.person_id)
    if step == CLOSING:
        outcome = _close(actor, row, persons, now)
    elif step == LAST:
        outcome = _forget(row, persons)
    else:
        seen = _unsee(row.person_id) if step == BEHAVIOUR else []
        seen += _leave_lake(actor, row.person_id, persons, now) if step == LAKE else []
        outcome = _told(forgetting.erase(holdings_of(step), subjects_of(persons))) + seen
    ErasureStep.objects.create(request=row, context=step, outcome=outcome, done_at=now)
    leave(row, "step", actor=actor, now=now, details={"step": step, "rows": sum(one[3] for one in outcome)})
    if step == LAST:
        _finish(actor, row, persons, now)
    return True


def _close(actor: Viewer, row: RightsRequest, persons: Sequence[int], now: dt.datetime) -> list[list[Any]]:
    """Memberships end, points lapse by transfers, coupons are void: from here on nothing more can happen to them."""
    restricting.restrict_person(actor=actor, person_id=row.person_id, restricted=True, now=now)
    points = loyalty.close_memberships(actor=actor, person_ids=persons, reference=row.number, now=now)
    coupons = offers.void_coupons_left(
        actor=actor, member_ids=member_ids_of(persons), reason=row.number, now=now
    )
    return [["points", "forfeit", "ledger", points], ["coupons", "void", "ledger", coupons]]


def _unsee(person_id: int) -> list[list[Any]]:
    """What their browsers did before they signed in is theirs too, as long as those were theirs alone."""
    visitors = collection.visitors_of(person_id)
    count = sum(forgetting.empty_events([one.subject], EMPTIED, one.until) for one in visitors)
    return [["kernel_event", "blank", "statistics", count]] if count else []


def _leave_lake(actor: Viewer, person_id: int, persons: Sequence[int], now: dt.datetime) -> list[list[Any]]:
    """The files of the columnar history, while their pseudonyms and browsers are still known."""
    visitors = [one.id for one in collection.visitors_of(person_id) if one.until is None]
    count = history.forget_persons(actor=actor, person_ids=persons, visitor_ids=visitors, now=now)
    return [["lake", "blank", "statistics", count]] if count else []


def _told(done: Sequence[tuple[Any, int]]) -> list[list[Any]]:
    """[[table, what was done, why it stays, rows], …], each table and ground once, without the empty ones."""
    found: dict[tuple[str, str, str], int] = {}
    for holding, count in done:
        key = (holding.table, holding.erasure, holding.basis)
        found[key] = found.get(key, 0) + count
    return [[*key, count] for key, count in found.items() if count]


def _forget(row: RightsRequest, persons: Sequence[int]) -> list[list[Any]]:
    """The person themselves, the log and the audit trail, kept answers, sessions; then everything is searched."""
    words = words_of(persons)
    subjects = subjects_of(persons, words)
    about = [f"person/{pk}" for pk in persons] + [f"member/{pk}" for pk in subjects["member"]]
    outcome = _told(forgetting.erase(holdings_of(LAST), subjects))
    every_word = [*words.spellings, *words.names]
    log = forgetting.empty_events(about, EMPTIED) + forgetting.redact_log(about, every_word)
    answers = forgetting.redact_answers(every_word)
    sessions = forgetting.end_sessions(persons, subjects["member"], words.spellings)
    swept = forgetting.sweep(words.spellings, with_them=words.names)
    outcome += [
        ["kernel_event, kernel_audit", "blank", "security", log],
        ["kernel_idempotency", "blank", "security", answers],
        ["django_session", "delete", "", sessions],
        *([table, "blank", "swept", count] for table, count in swept.items()),
    ]
    left = forgetting.remains(words.spellings)
    outcome += [[table, "found", "sealed", count] for table, count in left.items()]
    if not left:
        outcome.append(["database", "searched", "", forgetting.tables_searched()])
    return [one for one in outcome if one[3]]


def _finish(actor: Viewer, row: RightsRequest, persons: Sequence[int], now: dt.datetime) -> None:
    digest = _certify(row, persons, now)
    row.state, row.ended_at, row.note, row.changes = RightsRequest.State.DONE, now, None, None
    row.save()
    leave(row, "erased", actor=actor, now=now, details={"digest": digest})
    others = tuple(pk for pk in persons if pk != row.person_id)
    events.publish(PersonErased(row.person_id, row.pk, row.kind, others, digest), actor=actor, now=now)


def _certify(row: RightsRequest, persons: Sequence[int], now: dt.datetime) -> str:
    """Sign what was done; the document names no one, only the number of the request and row ids without a name."""
    steps = ErasureStep.objects.filter(request=row).order_by("id")
    outcomes = [outcome for step in steps for outcome in step.outcome]
    document = {
        "format": rules.FORMAT,
        "request": row.number,
        "asked_at": row.asked_at.isoformat(),
        "due_on": row.due_on.isoformat(),
        "finished_at": now.isoformat(),
        "ids": list(persons),
        "steps": [
            {
                "context": step.context,
                "done_at": step.done_at.isoformat(),
                "rows": [
                    {"table": table, "done": what, "basis": why, "rows": count}
                    for table, what, why, count in step.outcome
                ],
            }
            for step in steps
        ],
        "totals": rules.totals(outcomes),
        "left_in_clear": sum(count for _, what, _, count in outcomes if what == "found"),
    }
    text = rules.canonical(document)
    digest = hashlib.sha256(text.encode()).digest()
    signature = signing.sign(PURPOSE, digest)
    Certificate.objects.create(
        request=row, document=text, digest=digest, kid=signature.kid, public_key=signature.public_key,
        signature=signature.value, issued_at=now,
    )  # fmt: skip
    return digest.hex()
