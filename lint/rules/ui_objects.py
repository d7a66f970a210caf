"""ZK004: a user interface does not query tables; it asks a context's queries."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

MANAGERS = {"objects", "_default_manager", "_base_manager"}


def find(source: Source) -> Iterator[Finding]:
    if source.is_in("zhike.ui"):
        for node in source.walk(ast.Attribute):
            if node.attr in MANAGERS:
                yield Finding(node.lineno, f".{node.attr} reads a table; ask the context's queries instead")


RULE = Rule("ZK004", find)
