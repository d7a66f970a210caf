"""The made mall's members do more than buy."""

from __future__ import annotations

import datetime as dt

import pytest

from zhike.engagement.models import CheckIn, CheckInRecord
from zhike.loyalty import queries as loyalty
from zhike.loyalty.models import Transfer
from zhike.simulator.operations import load_mall

NOW = dt.datetime(2026, 6, 10, 12, 0, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.feature("C084")
def test_a_small_mall_lives_and_its_ledger_fits() -> None:
    load_mall(size="tiny", now=NOW)
    given = sum(CheckIn.objects.values_list("points", flat=True))
    assert given > 1000
    assert sum(Transfer.objects.filter(reason="check_in").values_list("points", flat=True)) == given
    assert max(CheckInRecord.objects.values_list("longest", flat=True)) > 7
    assert not loyalty.verify_ledger().findings
    load_mall(size="tiny", now=NOW)
    assert sum(CheckIn.objects.values_list("points", flat=True)) == given
