"""One made mall for all who look at it: a month of nine hundred members, loaded once in this process and kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.databases import inside, own_database

NOW = dt.datetime(2026, 6, 10, 14, 40, tzinfo=dt.UTC)
"""Twenty to eleven at night in the mall: whoever makes something in its past must do it at an hour of its own."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who looks at the mall works where it is; xdist reads the mark next."""
    for item in items:
        if "mall" in getattr(item, "fixturenames", ()) and "tests/simulator/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("mall"))
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class MadeMall:
    database: str
    blocker: Any
    program_id: int

    def entered(self) -> AbstractContextManager[None]:
        """Inside, this process works on the mall's database."""
        return inside(self.database, self.blocker)

    def load(self) -> None:
        """Load it (again): what is there is not made twice."""
        _load()


@pytest.fixture(scope="session")
def made_mall(django_db_setup: None, django_db_blocker: Any) -> Iterator[MadeMall]:
    """On a database of its own and committed as it goes, for the planner knows nothing of what is not committed."""
    with pytest.MonkeyPatch.context() as patch, own_database("mall", django_db_blocker) as name:
        from zhike.simulator.history import SIZES, Size

        patch.setitem(SIZES, "small", Size(members=900, days=21, receipts_per_day=110))
        with inside(name, django_db_blocker):
            program_id = _load()
        yield MadeMall(name, django_db_blocker, program_id)


@pytest.fixture
def mall(made_mall: MadeMall) -> Iterator[MadeMall]:
    with made_mall.entered():
        yield made_mall


def _load() -> int:
    from zhike.simulator.operations import load_mall

    return load_mall(size="small", now=NOW).program_id
