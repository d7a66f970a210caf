"""The command line as a whole: light to start, and a refusal is a sentence with an exit code."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from zhike.config import startup
from zhike.config.cli import COMMANDS, main


def test_help_names_every_command_and_imports_none() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from zhike.config.cli import main;"
        "result = CliRunner().invoke(main, ['--help']); print(result.output);"
        "print(sorted({'django', 'psycopg', 'granian', 'rich'} & sys.modules.keys()))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in COMMANDS)
    assert shown.rstrip().endswith("[]")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2


def test_a_problem_is_a_sentence_and_exit_code_1(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from zhike.kernel.errors import Invalid

    monkeypatch.setattr(startup, "start_database", lambda: False)

    @click.command()
    @startup.with_django
    def refuse() -> None:
        raise Invalid(fields={"name": ["Please fill this in."]})

    result = CliRunner().invoke(refuse)
    assert result.exit_code == 1
    assert "Some of what you entered is not valid." in result.output
    assert "name: Please fill this in." in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh_CN.UTF-8", "zh-hans"), ("zh_TW.UTF-8", "zh-hant"), ("en_US.UTF-8", "en"), ("C", "en"), ("", "en")],
)
def test_the_terminal_speaks_its_locale(monkeypatch: pytest.MonkeyPatch, locale: str, language: str) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert startup.terminal_language() == language
