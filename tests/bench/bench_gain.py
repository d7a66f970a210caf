"""The search for gain: thousands of sequences of buy, redeem, hold, return, cancel, share and merge, none of which may pay.

It is the search of the tests (`tests/loyalty/test_no_gain*.py`), longer and elsewhere every time. It breaks when one member
is ever better off. ``ZHIKE_SEARCH_SEQUENCES`` says how many: 61 to try the benchmark itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

from tests.bench.harness import ROOT, Result, result

SEQUENCES = int(os.environ.get("ZHIKE_SEARCH_SEQUENCES", "2000"))


def run() -> list[Result]:
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/loyalty/test_no_gain*.py"))
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", *files]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=_own_environment(), capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise AssertionError(done.stdout[-6000:])
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None, done.stdout
    return [
        result(
            f"search for gain: {SEQUENCES:,} sequences, nobody gained", SEQUENCES / seconds, "sequences/s"
        ),
        result("search for gain: searches and cases that passed", int(passed[1]), "tests"),
    ]


def _own_environment() -> dict[str, str]:
    """The tests have a database server of their own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ZHIKE_HOME")}
    return kept | {"ZHIKE_SEARCH_SEQUENCES": str(SEQUENCES)}
