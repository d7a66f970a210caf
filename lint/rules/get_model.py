"""ZK007: no model is fetched by a string, for that hides an import. Migrations are given their own `apps`."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike") or "migrations" in source.path.parts:
        return
    for call in source.walk(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get_model":
            yield Finding(call.lineno, "get_model hides an import; ask the context's front door")


RULE = Rule("ZK007", find)
