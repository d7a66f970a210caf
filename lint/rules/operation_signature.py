"""ZK009: every operation is called by keywords only, and first of all says who acts."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source


def find(source: Source) -> Iterator[Finding]:
    if (
        source.room != "operations"
        or not source.is_in("zhike")
        or source.is_in("zhike.ui", "zhike.config", "zhike.kernel")
    ):
        return
    if any(part.startswith("_") for part in source.name.split(".")):
        return
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            arguments = node.args
            first = arguments.kwonlyargs[0].arg if arguments.kwonlyargs else ""
            if arguments.args or arguments.posonlyargs or arguments.vararg or first != "actor":
                yield Finding(
                    node.lineno,
                    f"{node.name} must be {node.name}(*, actor: Viewer, …); a helper begins with _",
                )


RULE = Rule("ZK009", find)
