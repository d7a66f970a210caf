"""How well two records of one person are found: the public FEBRL sets, whose answer is known, and how long it takes.

F1 is the harmonic mean of precision and recall over pairs. The bound is 0.99; FEBRL 1 has 1,000 records, FEBRL 3 has 5,000.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.harness import ROOT, Result, result, stopwatch
from tests.customers.test_linkage import FEBRL, febrl, quality
from zhike.customers import _linkage

TARGET = 0.99


def run() -> list[Result]:
    folder = Path(os.environ.get("ZHIKE_DATA", ROOT.parent / "shared" / "data")) / "linkage"
    results: list[Result] = []
    for name in ("febrl1", "febrl3"):
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        rows, truth = febrl(path)
        with stopwatch() as seconds:
            found = {(one.first, one.second) for one in _linkage.matches(rows, FEBRL)}
            took = seconds()
        results += [
            result(f"{name}: F1 of pairs", quality(found, truth), "F1", limit=1.0, target=TARGET),
            result(f"{name}: records compared", len(rows) / took, "records/s"),
        ]
    return results
