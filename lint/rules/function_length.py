"""ZK001: a function has at most 70 lines, so that it is seen whole."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

LINES_MAX = 70


def find(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LINES_MAX:
                yield Finding(node.lineno, f"{node.name} has {length} lines, {LINES_MAX} is the limit")


RULE = Rule("ZK001", find)
