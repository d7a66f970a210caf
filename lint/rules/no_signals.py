"""ZK006: no Django signals; what follows from a change is written where the change is made, or is an event."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        if any(_is_signal(module) for module in modules):
            yield Finding(node.lineno, "signals are not used here; publish an event or call the operation")


def _is_signal(module: str) -> bool:
    return module.startswith("django.dispatch") or (module.startswith("django.") and ".signals" in module)


RULE = Rule("ZK006", find)
