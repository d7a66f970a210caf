"""One real PostgreSQL for all tests: a template database per state of the migrations, a throw-away copy per worker."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.environment import ROOT, TEST_HOME

pytest_plugins = [
    "tests.plugins.features",
    "tests.plugins.network",
    "tests.plugins.templates",
    "tests.people",
]


def _server_url(database: str) -> str:
    """The address of a database on the test server (``ZHIKE_TEST_DATABASE_URL`` or the embedded one, fsync off)."""
    if given := os.environ.get("ZHIKE_TEST_DATABASE_URL"):
        return re.sub(r"/[^/]*$", f"/{database}", given)
    from zhike.kernel import embedded_postgres

    place = embedded_postgres.ensure_running(
        TEST_HOME, fsync="off", synchronous_commit="off", full_page_writes="off", max_connections="400"
    )
    return place.url(database)


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("zhike/*/migrations/*.py"), *ROOT.glob("zhike/*/sql/*.sql")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _ensure_template(connection: Any) -> str:
    """Migrate an empty database once per state of the migrations; other runs wait and reuse it."""
    name = f"template_{_migrations_digest()}"
    with (TEST_HOME / "template.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            _migrate_into(connection, f"{name}_new")
            connection.execute(f'alter database "{name}_new" rename to "{name}"')
    return name


def _migrate_into(connection: Any, name: str) -> None:
    from django.core.management import call_command
    from django.db import connections

    connection.execute(f'drop database if exists "{name}" with (force)')
    connection.execute(f'create database "{name}"')
    connections["default"].settings_dict["NAME"] = name
    call_command("migrate", verbosity=0, interactive=False)
    _close_connections()


def _close_connections() -> None:
    from django.db import connections

    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]


def _drop_left_overs(connection: Any) -> None:
    """Copies of runs that were killed: their process no longer exists."""
    for (name,) in connection.execute(
        "select datname from pg_database where datname like 'test\\_%'"
    ).fetchall():
        if not Path(f"/proc/{name.split('_')[1]}").exists():
            connection.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    import psycopg
    from django.conf import settings
    from django.db import connections

    from zhike.config import environment

    os.environ["DATABASE_URL"] = _server_url("postgres")
    name = f"test_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with django_db_blocker.unblock():
        entry = environment.database()
        settings.DATABASES["default"].update(entry)
        connections["default"].settings_dict.update(entry)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
            _drop_left_overs(admin)
            template = _ensure_template(admin)
            admin.execute(f'create database "{name}" template "{template}"')
        connections["default"].settings_dict["NAME"] = name
        settings.DATABASES["default"]["NAME"] = name
        os.environ["DATABASE_URL"] = _server_url(name)
        yield
        _close_connections()
        with psycopg.connect(_server_url("postgres"), autocommit=True) as admin:
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
