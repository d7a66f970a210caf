"""A start is light: what only some requests need is imported when they need it. Counted in modules, not in seconds."""

import os
import subprocess
import sys

import pytest

MODULES_OF_OTHERS_MAX = 1000
"""What we wrote ourselves does not count: splitting a module in two must cost nothing."""
NOT_AT_START = {
    "calamine", "duckdb", "holidays", "ibis", "numpy", "openpyxl", "pandas", "phonenumbers", "playwright", "pyarrow",
    "pypinyin", "pytest", "python_calamine", "scipy", "sklearn", "xgboost",
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The modules of a process that has set Django up and resolved the addresses."""
    program = (
        "import sys, django; django.setup()\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "print('\\n'.join(sys.modules))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "zhike.config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_start_loads_few_modules(loaded: list[str]):
    foreign = [name for name in loaded if name.split(".")[0] != "zhike"]
    assert len(foreign) <= MODULES_OF_OTHERS_MAX


def test_start_loads_nothing_heavy(loaded: list[str]):
    assert sorted({name.split(".")[0] for name in loaded} & NOT_AT_START) == []
