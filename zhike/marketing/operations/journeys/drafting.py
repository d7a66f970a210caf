"""A journey is planned, its graph edited, handed in, approved by somebody else, and made live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed
from zhike.marketing.models import Journey, JourneyVersion
from zhike.marketing.operations import _wake
from zhike.marketing.operations.journeys._telling import tell
from zhike.marketing.queries.audiences import audiences
from zhike.marketing.queries.found import APPROVE, EDIT
from zhike.marketing.queries.journeys.found import definition_of, locked_journey, planned_version
from zhike.marketing.queries.journeys.sentences import fault_views
from zhike.marketing.rules.journeys import editing, graph, templates
from zhike.marketing.rules.journeys.editing import Edit
from zhike.marketing.rules.journeys.graph import Definition, Node
from zhike.messaging import operations as messaging
from zhike.messaging import queries as wordings

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LANGUAGE = "zh-hans"
Status = JourneyVersion.Status


class JourneyUnusable(Invalid):
    code = "journey-unusable"
    title = _("The journey cannot be like this.")


class JourneyStepNotPossible(Conflict):
    code = "journey-step-not-possible"
    title = _("This cannot be done with the journey as it stands.")


class OwnJourneyApproval(NotAllowed):
    code = "journey-own-approval"
    title = _("A journey is approved by somebody who neither planned nor changed it.")


class JourneyReasonMissing(Invalid):
    code = "journey-reason-missing"
    title = _("Please say why.")


class JourneyChangedMeanwhile(Conflict):
    code = "journey-changed"
    title = _("Somebody else has changed the journey in the meantime.")


class EditNotPossible(Conflict):
    code = "journey-edit-not-possible"
    title = _("What was to be changed is not there any more.")


class UnknownJourneyTemplate(Invalid):
    code = "journey-unknown-template"
    title = _("There is no such ready-made journey.")


@transaction.atomic
def plan_journey(
    *,
    actor: Viewer,
    group_id: int,
    name: str,
    theme: str = "",
    mall_id: int | None = None,
    definition: Definition | None = None,
    template: str = "",
    now: dt.datetime,
) -> int:
    """A new journey with its first draft; its id. Without a definition whoever enters leaves again.

    Raises JourneyUnusable (by field), NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    name, theme = _words(name, theme)
    row = Journey.objects.create(
        group_id=group_id,
        mall_id=mall_id,
        name=name,
        theme=theme,
        template=template,
        created_at=now,
        created_by=actor.audit_id,
    )
    _draft(row, 1, definition or graph.empty({"kind": "api"}), actor, now)
    tell(actor, row, "plan", 1, now)
    return row.pk


@transaction.atomic
def take_journey_template(
    *, actor: Viewer, group_id: int, code: str, mall_id: int | None = None, now: dt.datetime
) -> int:
    """One click: a draft with the trigger, graph, goal and holdout of a ready-made journey, and its wordings; its id.

    The wordings are written once and approved by whoever takes the template first. Raises UnknownJourneyTemplate, NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    ready = templates.BY_CODE.get(code)
    if ready is None:
        raise UnknownJourneyTemplate
    for number, wording in enumerate(ready.wordings, start=1):
        _ensure_wording(actor, group_id, ready, number, wording, now)
    known = {one.code: one.id for one in audiences(actor) if one.code}
    definition = _filled(ready, known.get(ready.segment))
    return plan_journey(
        actor=actor,
        group_id=group_id,
        name=ready.name,
        theme=ready.theme,
        mall_id=mall_id,
        definition=definition,
        template=code,
        now=now,
    )


@transaction.atomic
def rename_journey(*, actor: Viewer, journey_id: int, name: str, theme: str, now: dt.datetime) -> None:
    """Raises NotFound, JourneyUnusable."""
    row = locked_journey(actor, journey_id, EDIT)
    row.name, row.theme = _words(name, theme)
    row.save(update_fields=["name", "theme"])
    tell(actor, row, "edit", 0, now)


@transaction.atomic
def edit_journey(
    *, actor: Viewer, journey_id: int, edit: Edit, revision: int | None = None, now: dt.datetime
) -> str:
    """Change the draft; the key of the node it was about. A journey that has none gets one, made of the live version.

    ``revision`` refuses to overwrite somebody else's change. Raises NotFound, JourneyStepNotPossible once it is handed in,
    JourneyChangedMeanwhile, EditNotPossible.
    """
    row = locked_journey(actor, journey_id, EDIT)
    if row.status in (Journey.Status.CLOSING, Journey.Status.ENDED):
        raise JourneyStepNotPossible
    version = planned_version(journey_id) or _next_draft(row, actor, now)
    if version.status != Status.DRAFT:
        raise JourneyStepNotPossible
    if revision is not None and revision not in (0, version.revision):
        raise JourneyChangedMeanwhile
    try:
        definition, key = editing.apply(definition_of(version), edit)
    except editing.NotPossible as error:
        raise EditNotPossible from error
    version.definition = graph.stored(definition)
    version.revision += 1
    version.edited_by = actor.audit_id
    version.save(update_fields=["definition", "revision", "edited_by"])
    audit.record(
        actor=actor,
        action="journey.edit",
        subject=("journey", row.pk),
        after={"version": version.number, "edit": type(edit).__name__, "node": key},
        now=now,
    )
    return key


@transaction.atomic
def submit_journey(*, actor: Viewer, journey_id: int, now: dt.datetime) -> None:
    """Hand the draft in. Raises NotFound, JourneyStepNotPossible, JourneyUnusable with every fault in words."""
    row, version = _planned(actor, journey_id, EDIT, Status.DRAFT, Status.SUBMITTED)
    if version is None:
        return
    faults = fault_views(actor, definition_of(version), now)
    if faults:
        raise JourneyUnusable(fields={"graph": [one.sentence for one in faults]})
    _move(actor, row, version, Status.SUBMITTED, "submit", now)


@transaction.atomic
def send_back_journey(*, actor: Viewer, journey_id: int, reason: str, now: dt.datetime) -> None:
    """Back to a draft, with a reason. Raises NotFound, JourneyStepNotPossible, JourneyReasonMissing."""
    row = locked_journey(actor, journey_id, EDIT)
    version = planned_version(journey_id)
    if not reason.strip():
        raise JourneyReasonMissing
    if version is None or version.status == Status.DRAFT:
        raise JourneyStepNotPossible
    version.approved_by, version.approved_at = "", None
    version.save(update_fields=["approved_by", "approved_at"])
    _move(actor, row, version, Status.DRAFT, "send_back", now, reason.strip()[:200])


@transaction.atomic
def approve_journey(*, actor: Viewer, journey_id: int, now: dt.datetime) -> None:
    """A second person's yes. Raises NotFound, JourneyStepNotPossible, OwnJourneyApproval."""
    row, version = _planned(actor, journey_id, APPROVE, Status.SUBMITTED, Status.APPROVED)
    if version is None:
        return
    if actor.audit_id in (version.created_by, version.edited_by):
        raise OwnJourneyApproval
    version.approved_by, version.approved_at = actor.audit_id, now
    version.save(update_fields=["approved_by", "approved_at"])
    _move(actor, row, version, Status.APPROVED, "approve", now)


@transaction.atomic
def launch_journey(*, actor: Viewer, journey_id: int, now: dt.datetime) -> None:
    """Make the approved version the one that people enter. Whoever is inside finishes on the version they entered.

    Launched before: nothing to do. Raises NotFound, JourneyStepNotPossible, NotAllowed for a program with a key.
    """
    row, version = _planned(actor, journey_id, EDIT, Status.APPROVED, Status.LIVE)
    if actor.kind not in ("staff", "system"):
        raise NotAllowed
    if version is None:
        return
    before = row.live
    if before is not None:
        before.status = Status.RETIRED
        before.save(update_fields=["status"])
    version.live_at = now
    version.save(update_fields=["live_at"])
    if before is None or before.definition["trigger"] != version.definition["trigger"]:
        row.looked_at, row.looked_on, row.seen = None, None, None
    row.live = version
    row.started_at = row.started_at or now
    row.launched_by = actor.id if actor.kind == "staff" else None
    if row.status == Journey.Status.DRAFT:
        row.status = Journey.Status.RUNNING
    row.save()
    _move(actor, row, version, Status.LIVE, "launch", now)
    transaction.on_commit(_wake.journeys)


# --- inside --------------------------------------------------------------------------------------------------------------


def _words(name: str, theme: str) -> tuple[str, str]:
    name, theme = " ".join(name.split()), theme.strip()
    faults: dict[str, list[StrOrPromise]] = {}
    if not 0 < len(name) <= 80:
        faults["name"] = [_("A name has between 1 and 80 characters.")]
    if len(theme) > 500:
        faults["theme"] = [_("This is too long.")]
    if faults:
        raise JourneyUnusable(fields=faults)
    return name, theme


def _draft(
    row: Journey, number: int, definition: Definition, actor: Viewer, now: dt.datetime
) -> JourneyVersion:
    return JourneyVersion.objects.create(
        journey=row,
        number=number,
        definition=graph.stored(definition),
        created_at=now,
        created_by=actor.audit_id,
        edited_by=actor.audit_id,
    )


def _next_draft(row: Journey, actor: Viewer, now: dt.datetime) -> JourneyVersion:
    """Made of the live version, for there is nothing else it could be made of."""
    if row.live is None:
        raise JourneyStepNotPossible
    number = JourneyVersion.objects.filter(journey=row).count() + 1
    return _draft(row, number, definition_of(row.live), actor, now)


def _planned(
    actor: Viewer, journey_id: int, permission: str, wanted: str, reached: str
) -> tuple[Journey, JourneyVersion | None]:
    """The journey and the version a step is about; None when the step was taken before. Raises JourneyStepNotPossible."""
    row = locked_journey(actor, journey_id, permission)
    version = planned_version(journey_id)
    if version is not None and version.status == wanted and row.status not in ("closing", "ended"):
        return row, version
    is_done = version.status == reached if version else reached == Status.LIVE and row.live_id is not None
    if is_done:
        return row, None
    raise JourneyStepNotPossible


def _move(
    actor: Viewer,
    row: Journey,
    version: JourneyVersion,
    status: str,
    change: str,
    now: dt.datetime,
    reason: str = "",
) -> None:
    version.status = status
    version.save(update_fields=["status"])
    tell(actor, row, change, version.number, now, reason)


def _filled(ready: templates.Ready, segment: int | None) -> Definition:
    """The template's definition with its wordings by code, and the house's segment where its trigger needs one."""
    nodes: dict[str, Node] = {}
    for node in ready.definition.nodes.values():
        params: Mapping[str, Any] = node.params
        if node.kind == "message":
            params = {**params, "template": ready.template_of(int(params["template"]))}
        nodes[node.key] = replace(node, params=params)
    trigger = dict(ready.definition.trigger)
    if trigger.get("kind") == "segment":
        trigger["segment"] = segment
    return replace(ready.definition, nodes=nodes, trigger=trigger)


def _ensure_wording(
    actor: Viewer,
    group_id: int,
    ready: templates.Ready,
    number: int,
    wording: templates.Wording,
    now: dt.datetime,
) -> None:
    code = ready.template_of(number)
    if wordings.values_said(code) is not None:
        return
    texts = {"inbox": (wording.title, wording.body)}
    if wording.sms:
        texts["sms"] = ("", wording.sms)
    try:
        with transaction.atomic():
            template_id = messaging.create_template(
                actor=actor,
                group_id=group_id,
                code=code,
                name=f"{ready.name} · {wording.title}",
                kind=wording.kind,
                fallback=tuple(texts),
                now=now,
            )
    except messaging.TemplateCodeTaken:
        return
    for channel, (title, body) in texts.items():
        version_id = messaging.write_version(
            actor=actor,
            template_id=template_id,
            channel=channel,
            language=LANGUAGE,
            title=title,
            body=body,
            now=now,
        )
        messaging.approve_version(actor=actor, version_id=version_id, now=now)
