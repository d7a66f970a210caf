"""What an answer sets off, each thing once; and leads, which wait for somebody to call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.insight import operations as insight_operations
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch, system_viewer
from zhike.kernel.errors import Conflict, NotFound, Problem
from zhike.loyalty import operations as loyalty
from zhike.privacy import operations as privacy_operations
from zhike.privacy import queries as privacy
from zhike.service import operations as service
from zhike.webforms.events import LeadSettled
from zhike.webforms.models import Answer, Deed
from zhike.webforms.queries.found import ANSWERS, phone_of, shown_values, visible_form, words_of
from zhike.webforms.rules import answers as rules
from zhike.webforms.rules.definition import Definition, Field, of_json

ACTOR = system_viewer("forms")
SEXES = {"男": "male", "女": "female", "先生": "male", "女士": "female", "male": "male", "female": "female"}
TICKET_CHANNELS = {"link": "app", "member": "app", "kiosk": "box", "api": "api"}
TICKET_TEXT_MAX = 4_000


class LeadSettledAlready(Conflict):
    code = "form-lead-settled"
    title = _("Somebody settled this already.")


@transaction.atomic
def carry_out(*, actor: Viewer, answer_id: str, now: dt.datetime) -> int:
    """Do what the answer's version says, as far as it was not done; how many deeds are new.

    A deed that is refused (a tag the member took off themselves, a profile that says otherwise) is kept with its reason and not tried
    again. Deeds about a person wait until the person is known. Raises NotFound.
    """
    row = _locked(answer_id)
    definition = of_json(row.version.definition)
    values = {**row.choices, **words_of(row)}
    before = Deed.objects.filter(answer=row).count()
    if definition.enrol and row.person_id is None and row.phone_proved_at is not None:
        _once(row, "enrol", "", lambda: _enrol(row, definition, values, now), now)
    ticket = definition.ticket
    if ticket and rules.holds(ticket.when, values):
        _once(
            row, "ticket", "", lambda: _open_ticket(row, definition, shown_values(row, definition), now), now
        )
    if row.person_id is not None:
        for one in definition.asked:
            if one.key in values:
                _about_person(row, one, values[one.key], now)
    return Deed.objects.filter(answer=row).count() - before


@transaction.atomic
def settle_lead(*, actor: Viewer, form_id: int, answer_id: UUID, is_real: bool, now: dt.datetime) -> str:
    """After a call: the person wants to be a member, or not; what became of the lead.

    Where a member has this phone nothing of theirs is touched and the sheet stays nobody's ("known"). Raises NotFound,
    LeadSettledAlready, NotAllowed, loyalty's refusals of an enrolment.
    """
    form = visible_form(form_id, actor, ANSWERS)
    row = _locked(str(answer_id))
    if row.form_id != form.pk or row.lead == Answer.Lead.NONE:
        raise NotFound
    require_touch(actor, "members.enroll", mall=form.mall_id)
    if row.lead != Answer.Lead.OPEN:
        raise LeadSettledAlready
    row.lead_settled_at, row.lead_settled_by = now, actor.label
    row.lead = Answer.Lead.DISMISSED
    if is_real:
        row.lead = Answer.Lead.KNOWN
        if customers.person_id_by("phone", phone_of(row)) is None:
            row.lead = Answer.Lead.ENROLLED
            definition = of_json(row.version.definition)
            values = {**row.choices, **words_of(row)}
            _enrol(row, definition, values, now)
    row.save()
    outcome = str(row.lead)
    audit.record(
        actor=actor, action="form.settle_lead", subject=("form", form.pk),
        after={"answer": str(row.pk), "outcome": outcome}, now=now,
    )  # fmt: skip
    events.publish(LeadSettled(form.pk, str(row.pk), outcome, row.person_id), actor=actor, now=now)
    if row.person_id is not None:
        carry_out(actor=ACTOR, answer_id=str(row.pk), now=now)
    return outcome


@transaction.atomic
def reveal_phone(*, actor: Viewer, form_id: int, answer_id: UUID, now: dt.datetime) -> str:
    """The phone that was left, to call it; "" without one. Kept in the audit. Raises NotFound, NotAllowed."""
    form = visible_form(form_id, actor, ANSWERS)
    require_touch(actor, "members.reveal", mall=form.mall_id)
    row = _locked(str(answer_id))
    if row.form_id != form.pk:
        raise NotFound
    after = {"answer": str(row.pk)}
    audit.record(actor=actor, action="form.reveal", subject=("form", form.pk), after=after, now=now)
    return phone_of(row)


def _locked(answer_id: str) -> Answer:
    rows = Answer.objects.select_for_update(of=("self",)).select_related("version", "form")
    row = rows.filter(pk=answer_id).first()
    if row is None:
        raise NotFound
    return row


def _once(row: Answer, kind: str, key: str, act: Callable[[], str], now: dt.datetime) -> None:
    """The answer is locked, so nobody else is about to do the same."""
    if Deed.objects.filter(answer=row, kind=kind, key=key).exists():
        return
    deed = Deed(answer=row, kind=kind, key=key, done_at=now)
    try:
        with transaction.atomic():
            deed.reference = act()[:80]
    except Problem as problem:
        deed.refusal = problem.code[:60]
    deed.save(force_insert=True)


def _enrol(row: Answer, definition: Definition, values: dict[str, Any], now: dt.datetime) -> str:
    """Who answered becomes a member, or is found to be the one whose phone was proved; the member's number."""
    assert definition.enrol is not None
    enrolled = loyalty.enroll_member(
        actor=ACTOR,
        name=str(values.get(definition.enrol.name, "")),
        phone=phone_of(row),
        phone_verified=row.phone_proved_at is not None,
        mall_id=row.form.mall_id,
        source="form",
        now=now,
    )
    row.person_id = enrolled.person_id
    row.save(update_fields=["person_id"])
    return enrolled.number


def _open_ticket(row: Answer, definition: Definition, values: dict[str, Any], now: dt.datetime) -> str:
    assert definition.ticket is not None
    lines = [f"{one.label}：{_as_text(values[one.key])}" for one in definition.asked if one.key in values]
    return service.open_ticket(
        actor=ACTOR,
        type=definition.ticket.type,
        severity=definition.ticket.severity,
        text="\n".join(lines)[:TICKET_TEXT_MAX] or definition.title,
        title=definition.title,
        channel=TICKET_CHANNELS[row.channel],
        mall_id=row.form.mall_id,
        person_id=row.person_id,
        now=now,
    )


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return "；".join("—".join(item) if isinstance(item, list) else str(item) for item in value)
    return "✓" if value is True else str(value)


def _about_person(row: Answer, one: Field, value: Any, now: dt.datetime) -> None:
    """Profile, tags and consents of one field."""
    person_id = row.person_id
    assert person_id is not None
    ground = f"form {row.form.code} v{row.version.version}"
    if one.profile:
        _once(row, "profile", one.key, lambda: _learn(person_id, one, value, ground, now), now)
    if one.kind == "consent":
        _once(row, "consent", one.key, lambda: _consent(row, one, now), now)
    chosen = value if isinstance(value, list) else [value]
    for option, tag_id in one.tags.items():
        if option in chosen:
            _once(row, "tag", f"{one.key}:{option}"[:80], _tagger(person_id, tag_id, ground, now), now)
    if one.suggests:
        for option in chosen:
            if isinstance(option, str) and option not in one.tags:
                _once(row, "suggest", f"{one.key}:{option}"[:80], _suggester(person_id, option, now), now)


def _learn(person_id: int, one: Field, value: Any, ground: str, now: dt.datetime) -> str:
    claim: Any = value
    if one.profile == "birthday":
        claim = dt.date.fromisoformat(value)
    elif one.profile == "sex":
        claim = SEXES.get(str(value).strip().lower(), "unknown")
        if claim == "unknown":
            return ""
    learnt = customer_operations.learn_profile(
        actor=ACTOR,
        person_id=customers.survivor_of(person_id),
        claims={one.profile: claim},
        said_at=now,
        reason=ground,
        now=now,
    )
    return one.profile if learnt else ""


def _consent(row: Answer, one: Field, now: dt.datetime) -> str:
    assert row.person_id is not None
    privacy_operations.record_consents(
        actor=ACTOR,
        person_id=customers.survivor_of(row.person_id),
        decisions=[privacy_operations.Decision(one.purpose, one.channel, "granted")],
        policy_version=privacy.current_policy(row.form.group_id).version,
        method="form",
        evidence={
            "form": row.form.code,
            "version": row.version.version,
            "answer": str(row.pk),
            "field": one.key,
            "channel": row.channel,
            "answered_at": row.answered_at.isoformat(),
        },
        now=now,
    )
    return f"{one.purpose}/{one.channel}"


def _tagger(person_id: int, tag_id: int, ground: str, now: dt.datetime) -> Callable[[], str]:
    def give() -> str:
        insight_operations.mark_tag(
            actor=ACTOR, person_id=person_id, tag_id=tag_id, is_on=True, note=ground, presented=True, now=now
        )
        return str(tag_id)

    return give


def _suggester(person_id: int, option: str, now: dt.datetime) -> Callable[[], str]:
    def suggest() -> str:
        insight_operations.suggest_tag(actor=ACTOR, person_id=person_id, text=option, presented=True, now=now)
        return option

    return suggest
