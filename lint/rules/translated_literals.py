"""ZK010: a text is translated as it is written; values go in afterwards, or no translation would ever be found."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

FUNCTIONS = {
    "_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy",
    "npgettext", "npgettext_lazy",
}  # fmt: skip


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike"):
        return
    for call in source.walk(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in FUNCTIONS and any(_is_assembled(argument) for argument in call.args):
            yield Finding(
                call.lineno,
                f"{name}() is given an assembled text; translate a literal and fill it in outside",
            )


def _is_assembled(argument: ast.expr) -> bool:
    if isinstance(argument, ast.JoinedStr):
        return True
    if isinstance(argument, ast.BinOp):
        is_filled_in = isinstance(argument.op, ast.Mod) and _is_text(argument.left)
        return is_filled_in or _is_assembled(argument.left) or _is_assembled(argument.right)
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute):
        return argument.func.attr == "format" and _is_text(argument.func.value)
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


RULE = Rule("ZK010", find)
