"""BG/NBD and Gamma-Gamma against the published figures of the CDNOW sample."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
from collections import defaultdict
from pathlib import Path

import pytest

from zhike.insight import _lifetime as lifetime

pytestmark = pytest.mark.feature("C043", "D27")
WEEK = 7.0
END = dt.date(1997, 9, 30)


@pytest.fixture(scope="module")
def cdnow(zhike_data: Path) -> list[list[tuple[dt.date, float]]]:
    """The purchases of each of 2,357 customers, oldest first, one a day."""
    days: dict[str, dict[dt.date, float]] = defaultdict(lambda: defaultdict(float))
    with gzip.open(zhike_data / "cdnow" / "sample_2357.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            day = dt.datetime.strptime(row["date"], "%Y%m%d").date()  # noqa: DTZ007 a day, not a moment
            days[row["master_id"]][day] += float(row["dollars"])
    return [sorted(one.items()) for one in days.values()]


@pytest.fixture(scope="module")
def buyers(cdnow: list[list[tuple[dt.date, float]]]) -> lifetime.Buyers:
    """The first 39 weeks, as in the paper."""
    known = [[day for day, _ in one if day <= END] for one in cdnow]
    return lifetime.Buyers(
        [len(days) - 1.0 for days in known],
        [(days[-1] - days[0]).days / WEEK for days in known],
        [(END - days[0]).days / WEEK for days in known],
    )


@pytest.fixture(scope="module")
def model(buyers: lifetime.Buyers) -> lifetime.BgNbd:
    return lifetime.fit_bgnbd(buyers)


def test_bgnbd_is_the_published_one(model: lifetime.BgNbd) -> None:
    for found, published in ((model.r, 0.243), (model.alpha, 4.414), (model.a, 0.793), (model.b, 2.426)):
        assert found == pytest.approx(published, rel=0.01)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.1)


def test_gamma_gamma_is_the_published_one(cdnow: list[list[tuple[dt.date, float]]]) -> None:
    again = [[value for day, value in one[1:] if day <= END] for one in cdnow]
    again = [values for values in again if values]
    found = lifetime.fit_gamma_gamma([len(one) for one in again], [sum(one) / len(one) for one in again])
    for parameter, published in ((found.p, 6.25), (found.q, 3.74), (found.gamma, 15.44)):
        assert parameter == pytest.approx(published, rel=0.02)
    assert (
        lifetime.expected_value(found, [1], [40])[0] < 40 < lifetime.expected_value(found, [1], [10])[0] + 30
    )


def test_the_next_39_weeks_are_foreseen(
    cdnow: list[list[tuple[dt.date, float]]], buyers: lifetime.Buyers, model: lifetime.BgNbd
) -> None:
    """The paper's own hold-out: within 15 per cent in all, and ordered as it came."""
    ahead = lifetime.expected_purchases(model, buyers, 39)
    came = [sum(day > END for day, _ in one) for one in cdnow]
    assert sum(ahead) == pytest.approx(sum(came), rel=0.15)
    import numpy as np

    assert np.corrcoef(ahead, came)[0, 1] > 0.6
    chance = lifetime.alive(model, buyers)
    assert chance.min() > 0 and chance.max() <= 1


def test_too_little_is_not_fitted() -> None:
    with pytest.raises(lifetime.NotFitted):
        lifetime.fit_gamma_gamma([], [])
    with pytest.raises(lifetime.NotFitted):
        lifetime.fit_bgnbd(lifetime.Buyers([0.0] * 50, [0.0] * 50, [9.0] * 50))
