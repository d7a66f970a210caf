"""What happens before a command runs: the database is there, Django knows where, and is ready."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from zhike.config import environment

DATABASE = "zhike"
CONNECT_TIMEOUT_S = 5

_MISSING = ("42P01", "42703")  # undefined table, undefined column

P = ParamSpec("P")
R = TypeVar("R")


class Stop(click.ClickException):
    """A reason not to go on that a person can act on; no traceback."""

    exit_code = 1


def uses_embedded_database() -> bool:
    """Whether Zhike brings its own PostgreSQL, because nobody named another."""
    return os.environ.get("ZHIKE_EMBEDDED") == "1" or not os.environ.get("DATABASE_URL")


def start_database(home: Path | None = None) -> bool:
    """Start the embedded PostgreSQL unless `DATABASE_URL` names another, and tell Django where it is.

    True when it was started now, so that whoever started it may end it. Raises Stop for one that does not answer.
    """
    if not uses_embedded_database():
        _require_answer()
        return False
    from zhike.kernel import embedded_postgres

    home = home or environment.home()
    try:
        was_running = embedded_postgres.is_running(embedded_postgres.locate(home))
        place = embedded_postgres.ensure_running(home)
        embedded_postgres.create_database(place, DATABASE)
    except embedded_postgres.PostgresError as error:
        raise Stop(str(error)) from error
    os.environ["DATABASE_URL"] = place.url(DATABASE)
    os.environ["ZHIKE_EMBEDDED"] = "1"
    return not was_running


def _require_answer() -> None:
    """Ask the database that `DATABASE_URL` names, before anything else does and fails with a traceback."""
    import psycopg

    try:
        named = environment.database()
    except environment.Misconfigured as error:
        raise Stop(str(error)) from error
    try:
        psycopg.connect(
            dbname=named["NAME"],
            user=named["USER"] or None,
            password=named["PASSWORD"] or None,
            host=named["HOST"] or None,
            port=named["PORT"] or None,
            connect_timeout=CONNECT_TIMEOUT_S,
        ).close()
    except psycopg.Error as error:
        raise Stop(f"The database that DATABASE_URL names does not answer: {_last_line(error)}") from error


def _last_line(error: Exception) -> str:
    """Of what PostgreSQL's library says in many lines, the reason; it never has the password in it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "failed:" in line or "error:" in line]
    return (told or lines or [type(error).__name__])[-1]


def keep_database_running() -> None:
    """Start the embedded PostgreSQL again if it crashed."""
    from zhike.kernel import embedded_postgres

    if uses_embedded_database() and not embedded_postgres.is_running(
        embedded_postgres.locate(environment.home())
    ):
        start_database()


def stop_database() -> bool:
    """Stop the embedded PostgreSQL; False when none was running."""
    from zhike.kernel import embedded_postgres

    return embedded_postgres.stop(environment.home())


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    try:
        django.setup()
    except environment.Misconfigured as error:
        raise Stop(str(error)) from error
    from django.utils import translation

    translation.activate(terminal_language())


def terminal_language() -> str:
    """Sentences in the terminal are Chinese where its locale is, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    if not locale.lower().startswith("zh"):
        return "en"
    return "zh-hant" if any(place in locale for place in ("TW", "HK", "Hant")) else "zh-hans"


def with_django(function: Callable[P, R]) -> Callable[P, R]:
    """A command that talks to the database: started, and Django set up, before it runs.

    An anticipated problem, a database that goes away and missing tables end the command with a sentence and exit code 1.
    """

    @functools.wraps(function)
    def prepared(*args: P.args, **kwargs: P.kwargs) -> R:
        start_database()
        set_up_django()
        from django.db import OperationalError, ProgrammingError

        from zhike.kernel.errors import Problem

        try:
            return function(*args, **kwargs)
        except Problem as problem:
            details = [f"{name}: {' '.join(found)}" for name, found in problem.fields.items()]
            raise Stop("\n".join([problem.sentence, *details])) from problem
        except OperationalError as error:
            raise Stop(f"The database does not answer any more: {_last_line(error)}") from error
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _MISSING:
                raise
            raise Stop("The tables are not those of this program: run `zhike migrate`.") from error

    return prepared
