"""Finds the translatable texts of Python modules and Django templates.

Pure reading: no Django settings, no gettext binaries. The msgids are exactly those that Django looks up at run time.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.template.base import Lexer, Token, TokenType
from django.utils.translation import trim_whitespace

# name of the function -> positions of (context, msgid, plural) among its arguments
_SIGNATURES: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_TRANSLATION_MODULE = "django.utils.translation"
_LITERAL = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
_CONSTANT = re.compile(r"""_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)""", re.DOTALL)


@dataclass(frozen=True, order=True)
class Message:
    """One text to translate."""

    msgid: str
    context: str = ""
    plural: str = ""


@dataclass(frozen=True)
class Found:
    """A message and the place it was read at."""

    message: Message
    path: Path
    line: int


def extract_file(path: Path) -> Iterator[Found]:
    """Every message of one file; `.py` is read as Python, anything else as a Django template."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from extract_python(source, path)
    else:
        yield from extract_template(source, path)


# Python


def extract_python(source: str, path: Path) -> Iterator[Found]:
    """Messages of a module: calls of Django's gettext functions under any name they are imported as."""
    tree = ast.parse(source, filename=str(path))
    names = {name: name for name in _SIGNATURES} | _imported_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = _called_name(node.func, names)
        if function is None:
            continue
        message = _message_of_call(node, _SIGNATURES[function])
        if message is not None and message.msgid:
            yield Found(message, path, node.lineno)


def _imported_names(tree: ast.Module) -> dict[str, str]:
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == _TRANSLATION_MODULE
        for alias in node.names
        if alias.name in _SIGNATURES
    }


def _called_name(func: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(func, ast.Name):
        return names.get(func.id)
    if isinstance(func, ast.Attribute) and func.attr in _SIGNATURES:
        return func.attr
    return None


def _message_of_call(call: ast.Call, signature: tuple[int | None, int, int | None]) -> Message | None:
    context_at, msgid_at, plural_at = signature
    msgid = _constant(call, msgid_at)
    if msgid is None:
        return None
    context = "" if context_at is None else _constant(call, context_at)
    plural = "" if plural_at is None else _constant(call, plural_at)
    if context is None or plural is None:
        return None
    return Message(msgid, context, plural)


def _constant(call: ast.Call, position: int) -> str | None:
    return _folded(call.args[position]) if position < len(call.args) else None


def _folded(node: ast.expr) -> str | None:
    """The value of a string literal, or of several joined with +."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return None if left is None or right is None else left + right
    return None


# Templates


def extract_template(source: str, path: Path) -> Iterator[Found]:
    """Messages of a template: translate, blocktranslate (plural, trimmed, context) and `_("…")` in any tag."""
    tokens = iter(Lexer(source).tokenize())
    for token in tokens:
        if token.token_type == TokenType.VAR:
            yield from _constants(token, path)
        elif token.token_type == TokenType.BLOCK:
            name = token.contents.split(maxsplit=1)[0]
            if name == "comment":
                _skip_to(tokens, "endcomment")
            elif name in ("translate", "trans"):
                yield from _translate(token, path)
            elif name in ("blocktranslate", "blocktrans"):
                yield from _blocktranslate(token, tokens, path)
            else:
                yield from _constants(token, path)


def _skip_to(tokens: Iterator[Token], end: str) -> None:
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.split(maxsplit=1)[0] == end:
            return


def _unquoted(literal: str) -> str:
    quote = literal[0]
    return literal[1:-1].replace("\\" + quote, quote).replace("\\\\", "\\")


def _doubled(text: str) -> str:
    """Django looks template texts up with every per cent sign doubled."""
    return text.replace("%", "%%")


def _constants(token: Token, path: Path) -> Iterator[Found]:
    for match in _CONSTANT.finditer(token.contents):
        yield Found(Message(_doubled(_unquoted(match[1]))), path, token.lineno or 0)


def _context(bits: list[str]) -> str:
    if "context" not in bits[:-1]:
        return ""
    match = _LITERAL.match(bits[bits.index("context") + 1])
    return _unquoted(match[1]) if match else ""


def _translate(token: Token, path: Path) -> Iterator[Found]:
    bits = token.split_contents()
    match = _LITERAL.match(bits[1]) if len(bits) > 1 else None
    if match:
        yield Found(Message(_doubled(_unquoted(match[1])), _context(bits[2:])), path, token.lineno or 0)
    yield from _constants(token, path)


def _blocktranslate(opening: Token, tokens: Iterator[Token], path: Path) -> Iterator[Found]:
    bits = opening.split_contents()
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split(maxsplit=1)[0]
            if name in ("endblocktranslate", "endblocktrans"):
                break
            if name == "plural":
                parts.append([])
        elif token.token_type == TokenType.VAR:
            parts[-1].append(f"%({token.contents})s")
        elif token.token_type == TokenType.TEXT:
            parts[-1].append(_doubled(token.contents))
    texts = ["".join(part) for part in parts]
    if "trimmed" in bits:
        texts = [trim_whitespace(text) for text in texts]
    message = Message(texts[0], _context(bits[1:]), texts[1] if len(texts) > 1 else "")
    if message.msgid:
        yield Found(message, path, opening.lineno or 0)
    yield from _constants(opening, path)
