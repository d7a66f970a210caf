"""Writes docs/FEATURES.md from a test run: `python -m tools.features [build/features.json]`."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ROOT / "docs" / "features.toml"
PAGE = ROOT / "docs" / "FEATURES.md"
HEAD = """# Features and their proof

Each row is proved by tests that carry its id; `make features` runs them and writes this page.

| Id | Feature | 功能 | Tests passed | Failed |
| --- | --- | --- | ---: | ---: |
"""


def render(names: Mapping[str, Mapping[str, str]], counts: Mapping[str, Mapping[str, int]]) -> str:
    """The page: every row of the release in order, then rows that tests name already and the table does not."""
    rows = []
    for identifier in [*names, *sorted(set(counts) - set(names))]:
        name = names.get(identifier, {"en": "", "zh": ""})
        count = counts.get(identifier, {"passed": 0, "failed": 0})
        rows.append(f"| {identifier} | {name['en']} | {name['zh']} | {count['passed']} | {count['failed']} |")
    return HEAD + "\n".join(rows) + "\n"


def main(argv: list[str]) -> int:
    source = Path(argv[0]) if argv else ROOT / "build" / "features.json"
    counts = json.loads(source.read_text(encoding="utf-8"))
    names = tomllib.loads(NAMES.read_text(encoding="utf-8"))
    PAGE.write_text(render(names, counts), encoding="utf-8")
    unproved = [identifier for identifier in names if not counts.get(identifier, {}).get("passed")]
    print(f"{len(names) - len(unproved)} of {len(names)} features are proved by a test")
    if unproved:
        print(f"without a passing test: {' '.join(unproved)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
