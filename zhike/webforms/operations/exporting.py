"""Answers written into a file: what for, by whom, how many."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid
from zhike.webforms.models import Answer
from zhike.webforms.queries.found import EXPORT, visible_form

REASON_MAX = 200


class ExportReasonMissing(Invalid):
    code = "form-export-reason"
    title = _("Say what for, in at most 200 characters.")


@transaction.atomic
def begin_export(*, actor: Viewer, form_id: int, reason: str, file_format: str, now: dt.datetime) -> int:
    """Keep in the audit that every answer is written into a file; how many. Raises ExportReasonMissing, NotFound."""
    form = visible_form(form_id, actor, EXPORT)
    reason = " ".join(reason.replace("\x00", "").split())
    if not 0 < len(reason) <= REASON_MAX:
        raise ExportReasonMissing(fields={"reason": [ExportReasonMissing.title]})
    count = Answer.objects.filter(form=form).count()
    audit.record(
        actor=actor, action="form.export", subject=("form", form.pk), after={"count": count, "format": file_format},
        reason=reason, now=now,
    )  # fmt: skip
    return count
