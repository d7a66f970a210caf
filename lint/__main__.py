"""`python -m lint [PATH ...]`: applies every rule to the given files, by default to the whole repository."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lint.rules import RULES
from lint.source import ROOT, Finding, Rule, Source

FOLDERS = ("zhike", "lint", "tools", "tests")


def find_all(source: Source, rules: Sequence[Rule] = RULES) -> Iterator[tuple[Rule, Finding]]:
    """What the rules find in one file, less what is skipped with a reason."""
    for rule in rules:
        if source.path.suffix in rule.suffixes:
            for finding in rule.find(source):
                if not source.skipped(rule.code, finding.line):
                    yield rule, finding


def files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        found = [path] if path.is_file() else [*path.rglob("*.py"), *path.rglob("templates/**/*.html")]
        yield from sorted(one for one in found if "node_modules" not in one.parts)


def main(argv: Sequence[str]) -> int:
    paths = [Path(name).resolve() for name in argv] or [ROOT / folder for folder in FOLDERS]
    errors = count = 0
    for path in files(paths):
        count += 1
        try:
            findings = list(find_all(Source.read(path, ROOT)))
        except SyntaxError as error:
            print(f"{path.relative_to(ROOT)}:{error.lineno}: cannot be read: {error.msg}")
            errors += 1
            continue
        for rule, finding in findings:
            errors += not finding.is_warning
            mark = "warning " if finding.is_warning else ""
            print(f"{path.relative_to(ROOT)}:{finding.line}: {mark}{rule.code} {finding.message}")
    print(f"lint: {errors} findings" if errors else f"lint: {count} files keep {len(RULES)} rules")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
