"""ZK012: the `__init__` of a context says what it owns, and does nothing."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source


def find(source: Source) -> Iterator[Finding]:
    parts = source.path.parts
    if parts[0] != "zhike" or len(parts) != 3 or parts[-1] != "__init__.py":
        return
    if not ast.get_docstring(source.tree):
        yield Finding(1, "say in a docstring what this package owns, its words and what always holds")
    for node in source.tree.body:
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield Finding(node.lineno, "a context's __init__ holds its docstring and nothing else")
            return


RULE = Rule("ZK012", find)
