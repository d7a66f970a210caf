"""What a rule is given and what it gives back."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
ROOT = Path(__file__).resolve().parent.parent
EVERYWHERE = -1
_SKIP = re.compile(
    r"(?:#|\{#|<!--)\s*lint-skip(?P<file>-file)?:\s*(?P<code>ZK\d{3})\b[ :,-]*(?P<reason>[^#}>]*)"
)


@dataclass(frozen=True)
class Finding:
    line: int
    message: str
    is_warning: bool = False


@dataclass(frozen=True)
class Source:
    """One file: a Python module, or a template."""

    path: Path
    text: str
    name: str
    """The dotted name of a module, such as `zhike.loyalty.operations.earning`; empty for a template."""

    @classmethod
    def read(cls, path: Path, root: Path) -> "Source":
        parts = path.relative_to(root).with_suffix("").parts
        is_module = path.suffix == ".py"
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts) if is_module else ""
        return cls(path.relative_to(root), path.read_text(encoding="utf-8"), name)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def is_in(self, *packages: str) -> bool:
        """Whether this module is one of `packages` or below it."""
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)

    @property
    def room(self) -> str:
        """The module's name inside its context: `operations` for `zhike.loyalty.operations.earning`."""
        parts = self.name.split(".")
        return parts[2] if len(parts) > 2 else ""

    def walk(self, kind: type[Node]) -> Iterator[Node]:
        for node in ast.walk(self.tree):
            if isinstance(node, kind):
                yield node

    def skipped(self, code: str, line: int) -> bool:
        """Whether `# lint-skip: CODE reason` stands on the line or the one above, or `# lint-skip-file:` anywhere."""
        return any(
            number in (line, line - 1, EVERYWHERE) for skipped, number in self._skips if skipped == code
        )

    @cached_property
    def _skips(self) -> list[tuple[str, int]]:
        """The codes that are excused with a reason, and the lines where that is said."""
        return [
            (match["code"], EVERYWHERE if match["file"] else number)
            for number, line in enumerate(self.lines, start=1)
            if (match := _SKIP.search(line)) and match["reason"].strip()
        ]


@dataclass(frozen=True)
class Rule:
    """A rule of the house. `find` gets every file whose suffix is in `suffixes`."""

    code: str
    find: Callable[[Source], Iterator[Finding]]
    suffixes: tuple[str, ...] = (".py",)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names; calls and subscripts in between are written `()` and `[]`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    if isinstance(node, ast.Subscript):
        return f"{dotted(node.value)}[]"
    return ""
