"""The audit trail: who did what to what, when and why. Append-only by trigger; personal data only masked."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection

from zhike.kernel.access import Viewer


def record(
    *,
    actor: Viewer,
    action: str,
    subject: tuple[str, object],
    now: dt.datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write one entry in the open transaction.

    `action` is verb-like and dotted ("points.adjust"), `subject` a kind and an id (("member", 12)); `before` and
    `after` hold only what changed, as JSON-safe values, personal data masked by the caller.
    """
    kind, identifier = subject
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_audit (at, actor, actor_label, action, subject_kind, subject_id,"
            " before, after, reason, request_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                now,
                actor.audit_id,
                actor.label,
                action,
                kind,
                str(identifier),
                _json(before),
                _json(after),
                reason,
                actor.request_id,
            ],
        )


def _json(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)
