"""What every write on a request leaves behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from zhike.kernel import audit, crypto
from zhike.kernel.access import Viewer
from zhike.rights.models import RequestEntry, RightsRequest
from zhike.rights.queries.requests import ENTRY_FIELD


def leave(
    row: RightsRequest,
    act: str,
    *,
    actor: Viewer,
    now: dt.datetime,
    details: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """An entry of the request's own trail, and one of the audit trail, where no personal data may stand."""
    entry = RequestEntry.objects.create(
        request=row, act=act, actor=actor.audit_id, actor_label="" if actor.kind == "member" else actor.label,
        details=dict(details or {}), at=now,
    )  # fmt: skip
    if note.strip():
        entry.note = crypto.encrypt(note.strip()[:500], field=ENTRY_FIELD, row=entry.pk)
        entry.save(update_fields=["note"])
    audit.record(
        actor=actor, action=f"rights.{act}", subject=("rights_request", row.pk),
        after={"kind": row.kind, "state": row.state, "person": row.person_id, **(details or {})}, now=now,
    )  # fmt: skip
