"""What all writes about quality share."""

from __future__ import annotations

from django.db import connection

from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Conflict
from zhike.service.models import QualityPick
from zhike.service.queries.quality import COLUMNS

VIEW, REVIEW, EDIT = "quality.view", "quality.review", "quality.edit"


def lock_key(what: str, number: int) -> None:
    """One at a time until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [what, number % 2**31])


def load(pick_id: int, actor: Viewer, permission: str) -> QualityPick:
    """The pick, locked. Raises NotFound."""
    rows = QualityPick.objects.select_for_update(of=("self",)).select_related("conversation")
    return load_visible(rows, pick_id, actor, permission, COLUMNS)


def staff_id(actor: Viewer, problem: type[Conflict]) -> int:
    """Reviews and appeals are by people: keys and programs have none."""
    if actor.kind != "staff" or actor.id is None:
        raise problem
    return actor.id


def about(row: QualityPick) -> tuple[int, int, str, int, int | None]:
    """The beginning of every event about a pick."""
    return row.pk, row.conversation_id, row.conversation.number, row.mall_id, row.agent_id
