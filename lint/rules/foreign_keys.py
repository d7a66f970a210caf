"""ZK011: a relation names its target by a string label and leaves no name on it, so that the target need not know."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def find(source: Source) -> Iterator[Finding]:
    if (
        not source.is_in("zhike")
        or source.room not in ("models", "migrations")
        or source.room == "migrations"
    ):
        return
    for call in source.walk(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name not in RELATIONS:
            continue
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        target = call.args[0] if call.args else keywords.get("to")
        if not (isinstance(target, ast.Constant) and isinstance(target.value, str)):
            yield Finding(call.lineno, f'{name} must name its target as a string, such as "customers.Person"')
        related_name = keywords.get("related_name")
        if not (isinstance(related_name, ast.Constant) and related_name.value == "+"):
            yield Finding(call.lineno, f'{name} must have related_name="+"')


RULE = Rule("ZK011", find)
