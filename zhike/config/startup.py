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

    True when it was started now, so that whoever started it may end it.
    """
    if not uses_embedded_database():
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
    django.setup()
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

    An anticipated problem ends the command with its sentence and exit code 1.
    """

    @functools.wraps(function)
    def prepared(*args: P.args, **kwargs: P.kwargs) -> R:
        start_database()
        set_up_django()
        from zhike.kernel.errors import Problem

        try:
            return function(*args, **kwargs)
        except Problem as problem:
            details = [f"{name}: {' '.join(found)}" for name, found in problem.fields.items()]
            raise Stop("\n".join([problem.sentence, *details])) from problem

    return prepared
