"""Counting features and judging benchmarks."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.bench.__main__ import passes
from tests.bench.harness import percentile, result
from tests.plugins.features import FeatureCounter
from tools.features import render


def report(nodeid: str, when: str, outcome: str, *identifiers: str) -> pytest.TestReport:
    values = {
        "nodeid": nodeid,
        "when": when,
        "passed": outcome == "passed",
        "failed": outcome == "failed",
        "user_properties": [("feature", identifier) for identifier in identifiers],
    }
    return cast(pytest.TestReport, SimpleNamespace(**values))


def test_a_test_counts_once_for_each_of_its_features(tmp_path: Path):
    counter = FeatureCounter(tmp_path / "features.json")
    for nodeid, outcomes in {
        "a": ("passed",) * 3,
        "b": ("passed", "passed", "failed"),
        "c": ("skipped",),
    }.items():
        for when, outcome in zip(("setup", "call", "teardown"), outcomes, strict=False):
            counter.pytest_runtest_logreport(report(nodeid, when, outcome, "C083", "N4"))
    assert counter.counts() == {"C083": {"passed": 1, "failed": 1}, "N4": {"passed": 1, "failed": 1}}


def test_the_page_has_every_row_of_the_release():
    page = render(
        {"C083": {"en": "Points for spending", "zh": "消费积分"}}, {"B99": {"passed": 2, "failed": 1}}
    )
    assert "| C083 | Points for spending | 消费积分 | 0 | 0 |" in page
    assert "| B99 |  |  | 2 | 1 |" in page


def test_a_ratio_of_one_is_as_fast_as_the_limit_for_rates_and_times():
    rate = result("receipts", 600, "receipts/s", limit=1000, target=0.5)
    time = result("look-up", 4, "ms", limit=1, target=0.5)
    assert (rate["ratio"], passes(rate)) == (0.6, True)
    assert (time["ratio"], passes(time)) == (0.25, False)
    assert passes(result("memory", 3, "MB")) is None


def test_percentiles_are_values_that_were_measured():
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.99) == 7
