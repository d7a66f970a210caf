"""ZK009: every operation is called by keywords only, and first of all says who acts.

Where the `__init__` of an operations package lists names, those are the operations and the rest are steps of theirs.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from lint.source import ROOT, Finding, Rule, Source


def find(source: Source) -> Iterator[Finding]:
    if (
        source.room != "operations"
        or not source.is_in("zhike")
        or source.is_in("zhike.ui", "zhike.config", "zhike.kernel", "zhike.simulator")
    ):
        return
    if any(part.startswith("_") for part in source.name.split(".")):
        return
    listed = _listed_names(source.path.parent / "__init__.py") if source.name.count(".") > 2 else set()
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        if not listed or node.name in listed:
            arguments = node.args
            first = arguments.kwonlyargs[0].arg if arguments.kwonlyargs else ""
            if arguments.args or arguments.posonlyargs or arguments.vararg or first != "actor":
                yield Finding(
                    node.lineno,
                    f"{node.name} must be {node.name}(*, actor: Viewer, …); a helper begins with _",
                )


def _listed_names(package: Path) -> set[str]:
    """The names that an `__init__` imports from the modules beside it; none when it only describes them."""
    path = ROOT / package
    if not path.exists():
        return set()
    return {
        alias.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zhike.")
        for alias in node.names
    }


RULE = Rule("ZK009", find)
