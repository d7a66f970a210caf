"""The test server and its databases: a template per state of the migrations, copies of it that are thrown away."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.plugins.environment import ROOT, TEST_HOME


def server_url(database: str) -> str:
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


def ensure_template(connection: Any) -> str:
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
    close_connections()


def close_connections() -> None:
    from django.db import connections

    connections["default"].close()
    connections["default"].close_pool()  # type: ignore[attr-defined]


WRITTEN = """
    select quote_ident(one.relname), whole.oid is not null or pg_relation_size(one.oid) > 512 * 1024
    from pg_class one left join pg_inherits on inhrelid = one.oid left join pg_class whole on whole.oid = inhparent
    where one.relkind = 'r' and one.relnamespace = 'public'::regnamespace and pg_relation_size(one.oid) > 0
      and coalesce(whole.relname, one.relname) = any(%s)"""
KEPT = {"django_content_type", "auth_permission"}
"""What `migrate` writes by itself."""


def empty_tables(*_test_case: object) -> None:
    """Delete what a test committed, as `flush` does, but only where something was ever written.

    It truncates all our tables in 0.4 s, twenty times longer; here that is for the log, whose rows shall not fill the
    places of old ones, and for large tables. Like it, this waits for those who still write.
    """
    from django.db import connection, transaction

    ours = set(connection.introspection.django_table_names()) - KEPT
    with transaction.atomic(), connection.cursor() as cursor:
        # no triggers: neither foreign keys nor what keeps a table append-only
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(WRITTEN, [list(ours)])
        written = cursor.fetchall()
        if not written:
            return
        cursor.execute(f"lock table {', '.join(name for name, _starts_anew in written)}")
        for name, starts_anew in written:
            cursor.execute(f"truncate {name} cascade" if starts_anew else f"delete from {name}")


def drop_left_overs(connection: Any) -> None:
    """Copies of runs that were killed: their process no longer exists."""
    for (name,) in connection.execute(
        "select datname from pg_database where datname like 'test\\_%'"
    ).fetchall():
        if not Path(f"/proc/{name.split('_')[1]}").exists():
            connection.execute(f'drop database if exists "{name}" with (force)')


@contextmanager
def own_database(label: str, blocker: Any) -> Iterator[str]:
    """The name of an empty, migrated database beside the worker's; it is gone afterwards."""
    import psycopg

    name = f"test_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{label}"
    with blocker.unblock(), psycopg.connect(server_url("postgres"), autocommit=True) as admin:
        template = ensure_template(admin)
        admin.execute(f'drop database if exists "{name}" with (force)')
        admin.execute(f'create database "{name}" template "{template}"')
    try:
        yield name
    finally:
        with psycopg.connect(server_url("postgres"), autocommit=True) as admin:
            admin.execute(f'drop database if exists "{name}" with (force)')


@contextmanager
def inside(database: str, blocker: Any) -> Iterator[None]:
    """This process works on that database, and what it writes stays."""
    from django.db import connections

    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    _switch(connection, database)
    try:
        with blocker.unblock():
            yield
    finally:
        _switch(connection, before)


def _switch(connection: Any, name: str) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name
    _forget()


def _forget() -> None:
    """What this process remembers by id belongs to the other database."""
    from django.core.cache import cache

    from zhike.collection.queries.sources import forget_sources
    from zhike.kernel import broadcast
    from zhike.kernel.events import wakeup
    from zhike.loyalty.queries import labels, snapshots
    from zhike.offers.queries import known as batches
    from zhike.organization import queries as organization
    from zhike.service.queries import knowledge

    cache.clear()
    wakeup._forget_parent()  # its thread and that of broadcast hold connections to the other database
    broadcast._forget_parent()
    for kept in (snapshots._known, batches._known, knowledge._shelves):
        kept.clear()  # type: ignore[attr-defined]
    forget_sources()
    organization.forget_merchants()
    for remembered in vars(labels).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()
