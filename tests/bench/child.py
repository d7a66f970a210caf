"""Runs one benchmark in this process: `python -m tests.bench.child MODULE RESULT_FILE`. Started by `__main__`."""

import importlib
import json
import os
import sys
from pathlib import Path

from tests.bench.harness import HOME, server_url


def prepare(name: str, *, keep: bool) -> None:
    """Points the program at a migrated database called `name`, a new one unless an old one is to be kept."""
    import psycopg
    from psycopg import sql

    identifier = sql.Identifier(name)
    with psycopg.connect(server_url("postgres"), autocommit=True) as connection:
        if not keep:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(identifier))
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("create database {}").format(identifier))
    os.environ["DATABASE_URL"] = server_url(name)

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def main(module_name: str, target: Path) -> None:
    os.environ["ZHIKE_HOME"] = str(HOME)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
    spec = Path(__file__).parent / f"{module_name}.py"
    keep = "\nKEEP_DATABASE = True" in spec.read_text(encoding="utf-8")
    prepare(module_name, keep=keep)
    module = importlib.import_module(f"tests.bench.{module_name}")
    target.write_text(json.dumps(module.run()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
