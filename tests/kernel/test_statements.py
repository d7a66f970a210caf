"""Prepared statements of the hot path, when the server has forgotten some of them."""

from __future__ import annotations

import pytest
from django.db import connection

from zhike.kernel.statements import fetch_row


@pytest.mark.django_db
def test_what_was_prepared_after_the_server_forgot_is_not_prepared_twice() -> None:
    assert fetch_row("SELECT %s::int + 1", [1]) == (2,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert fetch_row("SELECT %s::int + 2", [1]) == (3,)
    assert fetch_row("SELECT %s::int + 1", [1]) == (2,)
    assert fetch_row("SELECT %s::int + 2", [1]) == (3,)
