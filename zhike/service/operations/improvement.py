"""What is done about causes and merchants that keep coming back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Invalid
from zhike.organization import queries as organization
from zhike.service.events import ImprovementBegun, ImprovementDone
from zhike.service.models import Cause, Department, ImprovementAction
from zhike.service.operations._tickets import HANDLE


class ActionInvalid(Invalid):
    code = "improvement-invalid"
    title = _("Say what is done, and about which cause or merchant of this mall.")


@transaction.atomic
def add_improvement(
    *,
    actor: Viewer,
    mall_id: int,
    title: str,
    cause_id: int | None = None,
    merchant_id: int | None = None,
    department_id: int | None = None,
    due_on: dt.date | None = None,
    now: dt.datetime,
) -> int:
    """Begin to do something about a cause or a merchant; its id. Raises ActionInvalid, NotAllowed."""
    require_touch(actor, HANDLE, mall=mall_id)
    group_id = organization.mall(mall_id).group_id
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    title = " ".join(title.split())
    is_known = cause_id is None or Cause.objects.filter(pk=cause_id, group_id=group_id).exists()
    is_ours = department_id is None or Department.objects.filter(pk=department_id, group_id=group_id).exists()
    is_here = merchant_id is None or (merchant is not None and merchant.mall_id == mall_id)
    if not 0 < len(title) <= 160 or not (cause_id or merchant_id) or not (is_known and is_ours and is_here):
        raise ActionInvalid
    row = ImprovementAction.objects.create(
        mall_id=mall_id,
        cause_id=cause_id,
        merchant_id=merchant_id,
        department_id=department_id,
        title=title,
        due_on=due_on,
        created_at=now,
        created_by=actor.label,
    )
    audit.record(
        actor=actor,
        action="improvement.begin",
        subject=("improvement", row.pk),
        after={"title": title},
        now=now,
    )
    events.publish(ImprovementBegun(row.pk, mall_id, cause_id, merchant_id), actor=actor, now=now)
    return row.pk


@transaction.atomic
def finish_improvement(*, actor: Viewer, action_id: int, note: str, now: dt.datetime) -> None:
    """It is done; from now on the effect is measured. Doing it again changes nothing. Raises NotFound."""
    rows = ImprovementAction.objects.select_for_update()
    row = load_visible(rows, action_id, actor, HANDLE, {"mall": "mall_id"})
    if row.done_at is not None:
        return
    row.done_at, row.done_by, row.note = now, actor.label, note.strip()[:300]
    row.save()
    audit.record(
        actor=actor,
        action="improvement.finish",
        subject=("improvement", row.pk),
        after={"note": row.note},
        now=now,
    )
    events.publish(ImprovementDone(row.pk, row.mall_id), actor=actor, now=now)
