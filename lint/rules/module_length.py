"""ZK002: a module stays around 500 lines; past 700 it must be split into a package by concern."""

from collections.abc import Iterator

from lint.source import Finding, Rule, Source

LINES_AIM = 500
LINES_MAX = 700


def find(source: Source) -> Iterator[Finding]:
    length = len(source.lines)
    if length > LINES_AIM and "migrations" not in source.path.parts:
        yield Finding(1, f"the module has {length} lines, aim at {LINES_AIM}", is_warning=length <= LINES_MAX)


RULE = Rule("ZK002", find)
