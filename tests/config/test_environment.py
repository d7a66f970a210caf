"""What the surroundings say: all of it is in the guide, and what cannot be used is a sentence, not a traceback."""

from __future__ import annotations

import ast
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zhike.config import environment
from zhike.config.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/guides/run-in-production.md").read_text(encoding="utf-8")
OURS = re.compile(r"ZHIKE_[A-Z_]+")
LOOK_UPS = ("os.environ.get", "os.environ.setdefault", "os.environ.pop", "os.getenv")
ARGUMENTS = {
    "manage": ["check"], "db": ["psql"], "simulate": ["hash"], "apikey": ["list"], "ledger": ["verify"],
    "staff": ["create", "x", "--name", "x", "--role", "admin"], "import": ["list"], "events": ["lag"],
    "keys": ["status"], "rebuild": ["member_activity"], "cards": ["secrets", "--help"], "rights": ["requests"],
    "history": ["verify"],
}  # fmt: skip


def names_read() -> Iterator[str]:
    """Names of variables in the program: `os.environ[…]`, `os.environ.get(…)`, `envvar=…`, and any ZHIKE_ text."""
    for path in sorted((ROOT / "zhike").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value):
                yield node.value
            if isinstance(node, ast.Call) and ast.unparse(node.func) in LOOK_UPS:
                yield from (str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant))
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
                yield from (str(one.value) for one in [node.slice] if isinstance(one, ast.Constant))


def test_every_variable_that_is_read_is_in_the_guide() -> None:
    read = set(names_read())
    assert {"ZHIKE_HOME", "DATABASE_URL", "ZHIKE_STAFF_PASSWORD", "PROMETHEUS_MULTIPROC_DIR"} < read
    told = set(re.findall(r"`([A-Z][A-Z_]+)`", GUIDE))
    assert read - told == set(), "say in docs/guides/run-in-production.md what these do"


def test_the_guide_tells_of_no_variable_that_nobody_reads() -> None:
    assert set(OURS.findall(GUIDE)) - set(names_read()) == set()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ZHIKE_SECURITY_PROFILE", "strict", "modern, mlps3"),
        ("ZHIKE_ENROLMENT_CODE", "sometimes", "never, optional, required"),
        ("ZHIKE_POOL", "many", "whole number"),
        ("ZHIKE_CONSENT_PAUSE_DAYS", "-1", "whole number"),
        ("ZHIKE_LOG_LEVEL", "LOUD", "WARNING"),
        ("DATABASE_URL", "mysql://root@localhost/zhike", "postgresql://"),
        ("DATABASE_URL", "postgresql://localhost", "postgresql://"),
        ("DATABASE_URL", "postgresql://localhost:port/zhike", "port"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence(
    name: str, value: str, told: str, django_db_setup: None
) -> None:
    result = zhike("manage", "check", **{name: value})
    assert result.returncode == 1
    assert told in result.stderr
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_production_without_a_secret_is_one_sentence(tmp_path: Path, django_db_setup: None) -> None:
    result = zhike("manage", "check", ZHIKE_ENV="production", ZHIKE_HOME=str(tmp_path), ZHIKE_SECRET_KEY="")
    assert (result.returncode, result.stderr) == (1, "Error: ZHIKE_SECRET_KEY must be set in production.\n")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("demo", "dev", "cards")])
def test_a_database_that_does_not_answer_is_one_sentence(command: str, closed_port: int) -> None:
    """`demo` and `dev` use it the same way as `web`; they would go on to start children."""
    address = f"postgresql://zhike:a-secret@127.0.0.1:{closed_port}/zhike"
    result = zhike(command, *ARGUMENTS.get(command, []), DATABASE_URL=address, ZHIKE_STAFF_PASSWORD="x" * 12)
    assert result.returncode == 1, result.stdout + result.stderr
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: The database that DATABASE_URL names does not answer: ")
    assert "refused" in line
    assert "a-secret" not in line


def test_tables_that_are_not_there_are_one_sentence(django_db_setup: None) -> None:
    named = environment.database()["NAME"]
    empty = os.environ["DATABASE_URL"].replace(f"/{named}", "/template1")
    result = zhike("events", "lag", DATABASE_URL=empty)
    assert result.returncode == 1
    assert "zhike migrate" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def zhike(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as somebody in a terminal does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    return subprocess.run(
        [sys.executable, "-m", "zhike.config.cli", *arguments],
        env=kept | {"LANG": "C"} | variables,
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
