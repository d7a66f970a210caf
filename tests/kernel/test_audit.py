import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction

from tests.kernel.facts import NOON
from zhike.kernel import audit, queries
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C030")]

ANNA = Viewer(kind="staff", id=1, label="Anna", request_id="r1")
AUDITOR = Viewer(kind="staff", id=2, label="Bo", grants=(Grant(frozenset({"audit.view"}), "all"),))


def record(action: str = "lamps.light", lamp: int = 7, at: dt.datetime = NOON) -> None:
    audit.record(
        actor=ANNA,
        action=action,
        subject=("lamp", lamp),
        before={"lit": False},
        after={"lit": True},
        reason="dark",
        now=at,
    )


def test_entry_tells_who_what_when_and_why() -> None:
    record()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_label, entry.action) == ("staff:1", "Anna", "lamps.light")
    assert (entry.subject_kind, entry.subject_id) == ("lamp", "7")
    assert (entry.before, entry.after) == ({"lit": False}, {"lit": True})
    assert (entry.reason, entry.request_id, entry.at) == ("dark", "r1", NOON)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE kernel_audit SET actor = 'x'", "DELETE FROM kernel_audit"],
)
def test_entry_cannot_be_changed_or_removed(statement: str) -> None:
    record()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor == "staff:1"


def test_trail_is_searched_newest_first_by_what_one_knows() -> None:
    record("lamps.light", lamp=1)
    record("lamps.break", lamp=2, at=NOON + dt.timedelta(hours=1))
    record("bells.ring", lamp=1, at=NOON + dt.timedelta(hours=2))

    def actions(**filters: object) -> list[str]:
        return [entry.action for entry in queries.search_audit(AUDITOR, **filters).items]  # type: ignore[arg-type]

    assert actions() == ["bells.ring", "lamps.break", "lamps.light"]
    assert actions(action="lamps.") == ["lamps.break", "lamps.light"]
    assert actions(action="lamps.light", actor="staff:1") == ["lamps.light"]
    assert actions(subject=("lamp", 1)) == ["bells.ring", "lamps.light"]
    assert actions(since=NOON, until=NOON + dt.timedelta(hours=1)) == ["lamps.light"]
    assert actions(actor="staff:9") == []
    assert queries.audit_actions(AUDITOR) == ["bells.ring", "lamps.break", "lamps.light"]


def test_trail_is_closed_to_those_without_the_permission_for_everything() -> None:
    floor_auditor = Viewer(
        kind="staff", id=3, label="Cy", grants=(Grant(frozenset({"audit.view"}), "floor", frozenset({1})),)
    )
    for stranger in (ANNA, floor_auditor):
        with pytest.raises(NotAllowed):
            queries.search_audit(stranger)
