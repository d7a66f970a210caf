"""ZK008: the time is read by `kernel.clock` at an entry point; everything below is handed it."""

import ast
from collections.abc import Iterator

from lint.source import Finding, Rule, Source, dotted

CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "datetime.datetime.now", "datetime.datetime.utcnow",
    "datetime.datetime.today", "date.today", "datetime.date.today", "timezone.now", "django.utils.timezone.now",
}  # fmt: skip
BARE_CLOCKS = {"timezone.localdate", "timezone.localtime"}
"""Read the clock when called without an argument."""
MAY_READ = ("zhike.kernel.clock",)


def find(source: Source) -> Iterator[Finding]:
    if not source.is_in("zhike") or source.is_in(*MAY_READ):
        return
    for call in source.walk(ast.Call):
        name = dotted(call.func)
        if name in CLOCKS or (name in BARE_CLOCKS and not call.args and not call.keywords):
            yield Finding(
                call.lineno,
                f"{name}() reads the clock; take `now` as an argument, or kernel.clock at an entry point",
            )


RULE = Rule("ZK008", find)
