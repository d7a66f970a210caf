"""ZK005: who may see which rows is decided by `kernel.access` alone, not by a filter written by hand."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

FILTERS = {"filter", "exclude", "get", "get_or_create", "Q", "When", "filter_by"}
PERSONS = {"viewer", "actor"}
SCOPES = {"scope", "scopes", "grants", "mall_ids", "merchant_ids"}


def find(source: Source) -> Iterator[Finding]:
    if not (source.is_in("zhike.ui") or source.room == "queries") or source.is_in("zhike.kernel"):
        return
    for call in source.walk(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in FILTERS:
            continue
        for keyword in call.keywords:
            if keyword.arg and _mentions_scope(keyword.value):
                yield Finding(call.lineno, f"{keyword.arg}= is a scope filter by hand; use kernel.access")


def _mentions_scope(value: ast.expr) -> bool:
    for node in ast.walk(value):
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id in PERSONS and node.attr != "id":
                return True
            if node.attr in SCOPES:
                return True
    return False


RULE = Rule("ZK005", find)
