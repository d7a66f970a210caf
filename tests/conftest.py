"""One real PostgreSQL for all tests, a throw-away copy of the migrated database for each worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import close_connections, drop_left_overs, empty_tables, ensure_template, server_url
from tests.plugins.environment import ROOT

pytest_plugins = [
    "tests.plugins.features",
    "tests.plugins.network",
    "tests.plugins.templates",
    "tests.people",
]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    import psycopg
    from django.conf import settings
    from django.db import connections
    from django.test import TransactionTestCase

    from zhike.config import environment

    os.environ["DATABASE_URL"] = server_url("postgres")
    name = f"test_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        entry = environment.database()
        settings.DATABASES["default"].update(entry)
        connections["default"].settings_dict.update(entry)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
            drop_left_overs(admin)
            template = ensure_template(admin)
            admin.execute(f'create database "{name}" template "{template}"')
            if admin.execute("select current_setting('is_superuser') = 'on'").fetchone() == (True,):
                patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        connections["default"].settings_dict["NAME"] = name
        settings.DATABASES["default"]["NAME"] = name
        os.environ["DATABASE_URL"] = server_url(name)
        yield
        close_connections()
        with psycopg.connect(server_url("postgres"), autocommit=True) as admin:
            admin.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session")
def zhike_data() -> Path:
    """The folder of the public data sets, or skip."""
    path = Path(os.environ.get("ZHIKE_DATA", ROOT.parent / "shared" / "data"))
    if not path.exists():
        pytest.skip(f"the public data sets are not at {path} (set ZHIKE_DATA)")
    return path


@pytest.fixture(autouse=True)
def reads_chinese() -> None:
    """Every test begins in the house's own language, whatever the one before switched to."""
    from django.conf import settings
    from django.utils import translation

    translation.activate(settings.LANGUAGE_CODE)
