"""ZK013: models hold tables, not behaviour: saving and deleting are not overridden."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

OVERRIDES = {"save", "delete", "clean", "full_clean", "asave", "adelete"}


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike") or source.room != "models":
        return
    for klass in source.walk(ast.ClassDef):
        for node in klass.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in OVERRIDES:
                yield Finding(node.lineno, f"{klass.name}.{node.name} hides behaviour; write an operation")


RULE = Rule("ZK013", find)
