"""Runs every static check, some at once, and shows what the failing ones say: `python -m tools.check [NAME ...]`."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(sys.executable).parent

# The slow ones first, so that the quick ones fill the gaps.
CHECKS: dict[str, list[str]] = {
    "types": [PYTHON, "-m", "mypy"],
    "templates": [PYTHON, "-m", "djlint", "zhike", "--lint", "--quiet"],
    "imports": [str(BIN / "lint-imports")],
    "migrations": [PYTHON, "-m", "tools.migrations_check"],
    "house rules": [PYTHON, "-m", "lint"],
    "translations": [PYTHON, "-m", "tools.messages", "--check"],
    "event shapes": [PYTHON, "-m", "tools.event_schemas", "--check"],
    "untranslated": [PYTHON, "-m", "tools.untranslated"],
    "style": [PYTHON, "-m", "ruff", "check", "--quiet", "--output-format", "concise", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "--quiet", "--output-format", "concise", "."],
}


class Outcome(NamedTuple):
    name: str
    ok: bool
    seconds: float
    output: str


def run(name: str) -> Outcome:
    """One check, its output kept for when it fails."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "zhike.config.settings", "PYTHONUNBUFFERED": "1"}
    began = time.monotonic()
    done = subprocess.run(
        CHECKS[name],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(name, done.returncode == 0, time.monotonic() - began, done.stdout.strip())


def main(argv: Sequence[str] | None = None) -> int:
    names = list(sys.argv[1:] if argv is None else argv) or list(CHECKS)
    unknown = set(names) - set(CHECKS)
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}")
        return 2
    failed = []
    with ThreadPoolExecutor(max_workers=max(2, min(4, os.cpu_count() or 2))) as pool:
        for outcome in pool.map(run, names):
            print(
                f"{'ok    ' if outcome.ok else 'FAILED'} {outcome.name:<14} {outcome.seconds:6.1f} s",
                flush=True,
            )
            if not outcome.ok:
                failed.append(outcome.name)
                print("       " + outcome.output.replace("\n", "\n       "), flush=True)
    print(f"check: {', '.join(failed)} failed" if failed else f"check: all {len(names)} passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
