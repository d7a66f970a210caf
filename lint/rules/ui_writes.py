"""ZK003: a user interface does not write; it calls an operation."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source, dotted

ALWAYS = {
    "bulk_create", "bulk_update", "get_or_create", "update_or_create",
    "asave", "acreate", "aupdate", "adelete", "abulk_create", "abulk_update", "aget_or_create", "aupdate_or_create",
}  # fmt: skip
QUERYSET_MARKS = ("filter()", "exclude()", "all()", "order_by()", "queryset", "objects", "_set")


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike.ui"):
        return
    modules = _imported(source.tree)
    for call in source.walk(ast.Call):
        if isinstance(call.func, ast.Attribute) and _writes(call, call.func, modules):
            yield Finding(call.lineno, f".{call.func.attr}() writes; call an operation instead")


def _imported(tree: ast.Module) -> set[str]:
    names = [
        alias
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    return {(alias.asname or alias.name).split(".")[0] for alias in names}


def _writes(call: ast.Call, func: ast.Attribute, modules: set[str]) -> bool:
    receiver = dotted(func.value)
    if func.attr in ALWAYS:
        return True
    if func.attr in ("save", "delete"):
        # qr.save(buffer), cache.delete(key) and request.session.save() are not ours to judge
        return not call.args and not receiver.endswith("session")
    if func.attr == "create":
        return receiver.split(".")[0] not in modules
    return func.attr == "update" and any(mark in receiver for mark in QUERYSET_MARKS)


RULE = Rule("ZK003", find)
