"""A lake of its own for every test, filled from 星河城 as the segments' tests know it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.insight.conftest import Audience, audience
from zhike.history._lake import engine
from zhike.history._lake.folder import Folder

__all__ = ["audience"]


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, settings: Any) -> Folder:
    settings.HISTORY_DIR = tmp_path / "history"
    return Folder(tmp_path / "history")


def rows(place: Folder, sql: str) -> list[tuple[Any, ...]]:
    """What the files hold now."""
    with engine.engine(place) as connection:
        engine.open_tables(connection, place, place.read())
        found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return found


def persons(audience: Audience) -> list[int]:
    return sorted(audience.persons.values())
