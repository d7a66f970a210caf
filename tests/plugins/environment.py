"""Loaded before pytest-django reads the settings: tests have a home of their own and never run as production."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEST_HOME = Path(os.environ.get("ZHIKE_TEST_HOME", ROOT / ".zhike" / "test"))

os.environ["ZHIKE_HOME"] = str(TEST_HOME)
os.environ["ZHIKE_ENV"] = "test"
os.environ["ZHIKE_POOL"] = "64"  # tests of concurrency run 32 threads at once
os.environ.pop("ZHIKE_DEMO", None)
os.environ.pop("ZHIKE_DEBUG", None)
TEST_HOME.mkdir(parents=True, exist_ok=True)
