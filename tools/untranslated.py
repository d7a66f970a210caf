"""Finds texts of templates that no translator will ever see: `python -m tools.untranslated [PATH ...]`.

A finding is a word between tags, or in an attribute that people read, outside `translate` and `blocktranslate`.
Scripts, styles, code and comments are skipped. A word that is the same in every language goes into `SAME_EVERYWHERE`;
a line that must stay as it is carries `{# untranslated: reason #}`, a whole template `{# untranslated-file: reason #}`.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, Token, TokenType

ROOT = Path(__file__).resolve().parent.parent
HOLE = "\ue000"
"""Stands for a template tag or variable."""
READ_ATTRIBUTES = {
    "title",
    "alt",
    "placeholder",
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "label",
    "summary",
}
SKIPPED_ELEMENTS = {"script", "style", "code", "pre", "kbd", "samp"}
SAME_EVERYWHERE = {
    "zhike", "知客", "简体中文", "繁體中文", "english", "api", "csv", "tsv", "xlsx", "gz", "qr", "id", "http", "https",
    "url", "json", "utf", "gbk", "pwa", "totp", "cny", "rest", "openapi", "cloudevents", "am", "pm", "ctrl", "esc",
    "tab",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_EXEMPT_FILE = re.compile(r"\{#\s*untranslated-file:\s*\w+.*?#\}")
_EXEMPT = re.compile(r"untranslated:\s*\S+")


@dataclass(frozen=True)
class Finding:
    line: int
    text: str


def find_untranslated(source: str) -> list[Finding]:
    """Findings of one template, in order."""
    if _EXEMPT_FILE.search(source):
        return []
    exempt, page = _page(source)
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [finding for finding in reader.findings if finding.line not in exempt]


def _page(source: str) -> tuple[set[int], str]:
    """The lines that are excused, and the source with every tag a hole and every translated text gone; lines stay."""
    exempt: set[int] = set()
    page: list[str] = []
    tokens = iter(_tokens(source))
    for token, raw in tokens:
        name = token.contents.split(maxsplit=1)[0] if token.contents.strip() else ""
        if token.token_type == TokenType.TEXT:
            page.append(raw)
            continue
        page.append(_hole(raw))
        if token.token_type == TokenType.COMMENT and _EXEMPT.search(raw):
            exempt.add(token.lineno or 0)
        elif token.token_type == TokenType.BLOCK and (end := _end_of_unread(token, name)):
            page += _skip_to(tokens, end)
    return exempt, "".join(page)


def _end_of_unread(token: Token, name: str) -> str:
    """The tag that ends a stretch in which nothing is to be judged; empty when the tag begins none."""
    is_attribute_block = name == "block" and re.search(r"_(class|attrs)$", token.contents)
    return f"end{name}" if is_attribute_block or name in ("comment", "blocktranslate", "blocktrans") else ""


def _tokens(source: str) -> Iterator[tuple[Token, str]]:
    """Tokens with the exact text each was read from."""
    from django.template.base import DebugLexer

    for token, plain in zip(DebugLexer(source).tokenize(), Lexer(source).tokenize(), strict=True):
        start, end = token.position or (0, 0)
        yield plain, source[start:end]


def _hole(raw: str) -> str:
    return HOLE + "\n" * raw.count("\n")


def _skip_to(tokens: Iterator[tuple[Token, str]], end: str) -> Iterator[str]:
    for token, raw in tokens:
        yield _hole(raw)
        if token.token_type == TokenType.BLOCK and token.contents.split()[0] == end:
            return


class _Reader(HTMLParser):
    """Collects the words a visitor would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.findings: list[Finding] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in READ_ATTRIBUTES and value:
                self._judge(value)
        if tag in SKIPPED_ELEMENTS:
            self._skipping.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping and self._skipping[-1] == tag:
            self._skipping.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            for offset, line in enumerate(data.split("\n")):
                self._judge(line, offset)

    def _judge(self, text: str, offset: int = 0) -> None:
        words = [
            word for word in _WORD.findall(text.replace(HOLE, " ")) if len(word) > 1 or not word.isascii()
        ]
        if any(word.casefold() not in SAME_EVERYWHERE for word in words):
            self.findings.append(
                Finding(self.getpos()[0] + offset, " ".join(text.replace(HOLE, "…").split()))
            )


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    paths = [Path(name) for name in given] or sorted((ROOT / "zhike").rglob("templates/**/*.html"))
    count = 0
    for path in paths:
        for finding in find_untranslated(path.read_text(encoding="utf-8")):
            count += 1
            shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            print(f"{shown}:{finding.line}: not translated: {finding.text}")
    print(f"{count} texts outside translate" if count else f"{len(paths)} templates say nothing untranslated")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
