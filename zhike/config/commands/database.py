"""`zhike migrate`, `zhike manage` and `zhike db`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click

from zhike.config import environment
from zhike.config.startup import (
    DATABASE,
    Stop,
    set_up_django,
    start_database,
    stop_database,
    uses_embedded_database,
    with_django,
)


@click.command()
@with_django
def migrate() -> None:
    """Bring the tables up to date."""
    migrate_now(verbosity=1)


def migrate_now(*, verbosity: int = 0) -> None:
    set_up_django()
    from django.core.management import call_command

    from zhike.kernel.events.restored import adopt_restored_log

    call_command("migrate", verbosity=verbosity, interactive=False)
    adopt_restored_log()


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_django
def manage(arguments: tuple[str, ...]) -> None:
    """Any of Django's management commands, such as `zhike manage shell`."""
    from django.core.management import execute_from_command_line

    execute_from_command_line(["zhike manage", *arguments])


@click.group()
def db() -> None:
    """The PostgreSQL that Zhike brings along."""


@db.command()
def start() -> None:
    """Start it; it keeps running until `zhike db stop`."""
    started = start_database()
    click.echo(f"{'Started' if started else 'Running'}: {os.environ['DATABASE_URL']}")


@db.command()
def stop() -> None:
    """Stop it."""
    if not uses_embedded_database():
        raise Stop("DATABASE_URL names another server; Zhike does not stop that one.")
    click.echo("Stopped." if stop_database() else "It was not running.")


@db.command()
def url() -> None:
    """Print the address, for DATABASE_URL and other programs."""
    start_database()
    click.echo(os.environ["DATABASE_URL"])


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql on the database."""
    start_database()
    program = _program("psql")
    if program is not None:
        os.execv(program, [program, os.environ["DATABASE_URL"], *arguments])  # noqa: S606
    _talk(" ".join(arguments))


@db.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def dump(file: Path) -> None:
    """Write the whole database to FILE, in pg_dump's custom format (restore it with pg_restore)."""
    start_database()
    program = _program("pg_dump")
    if program is None:
        raise Stop("pg_dump is not on the PATH.")
    done = subprocess.run(
        [program, "--format=custom", f"--file={file}", os.environ["DATABASE_URL"]], check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


def _program(name: str) -> str | None:
    """A PostgreSQL program that fits the server, else one on the PATH."""
    import shutil

    from zhike.kernel import embedded_postgres

    if uses_embedded_database():
        path = embedded_postgres.binary(embedded_postgres.locate(environment.home()), name)
        if Path(path).exists():
            return path
    return shutil.which(name)


def _talk(statement: str) -> NoReturn:
    raise Stop(f"psql is not on the PATH (database {DATABASE}). {statement}")
