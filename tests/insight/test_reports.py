"""Descriptive reports: counts and spend by one or two dimensions, of a scope, of a segment; no small cell is given away."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.insight.alike import planted
from tests.insight.conftest import SYSTEM, Audience
from tests.people import NOW, Crew, Malls
from zhike.insight import operations, queries
from zhike.insight.rules.reports import DIMENSIONS, SMALLEST, withheld
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event

pytestmark = pytest.mark.feature("C057")


def test_members_by_what_is_known_of_them(malls: Malls, crew: Crew) -> None:
    planted(malls, 90)
    operations.refresh_standings(actor=SYSTEM, now=NOW)
    operations.refresh_classes(actor=SYSTEM, now=NOW)
    operations.fit_clusters(actor=SYSTEM, now=NOW)
    for first in DIMENSIONS:
        one = queries.report(SYSTEM, (first,), NOW)
        assert one.total == 90
        assert sum(cell.members or 0 for cell in one.cells) <= 90
    kinds = queries.report(SYSTEM, ("preference",), NOW)
    shown = {cell.first: cell for cell in kinds.cells if cell.members is not None}
    assert {"fashion", "dining"} <= shown.keys()
    assert (shown["fashion"].mean_fen or 0) > (shown["dining"].mean_fen or 0) > 0
    assert shown["fashion"].median_fen
    both = queries.report(SYSTEM, ("cluster", "preference"), NOW)
    assert all(cell.members is None or cell.members >= SMALLEST for cell in both.cells)
    assert queries.report(crew.qian, ("sex",), NOW).total == 0
    with pytest.raises(NotAllowed):
        queries.report(crew.li, ("sex",), NOW)
    for bad in ((), ("sex", "sex"), ("sex", "age", "tier"), ("name",)):
        with pytest.raises(queries.ReportUnusable):
            queries.report(SYSTEM, bad, NOW)


def test_few_members_are_not_shown(audience: Audience, save: Callable[..., int], crew: Crew) -> None:
    """陈 refused to be profiled; four are left, so nothing is told, not even how many."""
    found = queries.report(SYSTEM, ("sex",), NOW)
    assert found.total is None and found.withheld == len(found.cells) > 0
    segment = save({"field": "sex", "op": "is", "value": ["male"]})
    assert queries.report(SYSTEM, ("age",), NOW, segment).total is None


def test_a_file_says_what_for(audience: Audience, crew: Crew) -> None:
    with pytest.raises(operations.ReasonMissing):
        operations.export_report(actor=SYSTEM, dimensions=("sex",), reason=" ", now=NOW)
    with pytest.raises(NotAllowed):
        operations.export_report(actor=crew.li, dimensions=("sex",), reason="年报", now=NOW)
    assert not AuditEntry.objects.filter(action="report.export").exists()
    found = operations.export_report(actor=SYSTEM, dimensions=("sex", "age"), reason="年报", now=NOW)
    assert found.dimensions == ("sex", "age")
    assert AuditEntry.objects.get(action="report.export").reason == "年报"
    assert Event.objects.filter(type="zhike.insight.report_exported").count() == 1


def test_no_total_gives_a_small_cell_away() -> None:
    """Whoever knows every row's and column's total cannot work out one withheld cell below five."""
    rng = Random("withheld")
    for _turn in range(500):
        keys = {(rng.choice("abcd"), rng.choice("xyz")) for _one in range(rng.randint(1, 12))}
        cells = {key: rng.randint(1, 12) for key in sorted(keys)}
        hidden = withheld(cells)
        assert all(key in hidden for key, members in cells.items() if members < SMALLEST)
        if len({key[1] for key in cells}) == 1:
            assert len(hidden) != 1 or len(cells) == 1
            continue
        for side in (0, 1):
            for value in {key[side] for key in cells}:
                line = [key for key in cells if key[side] == value]
                assert len(line) == 1 or sum(key in hidden for key in line) != 1, (cells, hidden)
