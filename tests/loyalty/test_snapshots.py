"""The programme in a process's memory: as it is, never as it was or as it might have become."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.loyalty.conftest import NOW, SYSTEM, build_town
from zhike.loyalty import operations as loyalty
from zhike.loyalty.queries.snapshots import read_programme


@pytest.mark.django_db(transaction=True)
def test_programme_is_read_once_until_it_changes_and_a_change_undone_leaves_nothing() -> None:
    town = build_town()
    read_programme(town.program_id)
    with CaptureQueriesContext(connection) as asked:
        before = read_programme(town.program_id)
    assert len(asked) == 1, "its stamp alone"

    def change(days: int) -> None:
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"claim_window_days": days}, now=NOW
        )

    with transaction.atomic():
        change(before.claim_window_days + 1)
        assert read_programme(town.program_id).claim_window_days == before.claim_window_days + 1
        transaction.set_rollback(True)
    assert read_programme(town.program_id) is before
    change(before.claim_window_days + 2)
    assert read_programme(town.program_id).claim_window_days == before.claim_window_days + 2
