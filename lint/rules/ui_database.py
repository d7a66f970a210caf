"""ZK014: a user interface opens no transaction and no cursor."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

DRIVERS = ("psycopg", "psycopg_pool")


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike.ui"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            names = {alias.name for alias in node.names}
            is_database = module == "django.db" and names - {"models"}
            if is_database or module.split(".")[0] in DRIVERS:
                yield Finding(node.lineno, f"{module} is for operations and queries, not for a door")
        elif isinstance(node, ast.Import) and any(
            alias.name.split(".")[0] in DRIVERS for alias in node.names
        ):
            yield Finding(node.lineno, "the database driver is not for a door")


RULE = Rule("ZK014", find)
