"""ZK015: pages run under a strict content policy: no inline script, style or event handler."""

import re
from collections.abc import Iterator

from lint.source import Finding, Rule, Source

_COMMENT = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)
_PATTERNS = {
    re.compile(
        r"<script(?![^>]*\bsrc\s*=)(?![^>]*type=[\"']application/(?:ld\+)?json)[^>]*>", re.I
    ): "an inline script",
    re.compile(r"<style\b", re.I): "an inline style sheet",
    re.compile(r"<[^>]*\sstyle\s*=", re.I): "a style attribute",
    re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.I): "an inline event handler",
    re.compile(r"href\s*=\s*[\"']javascript:", re.I): "a javascript: address",
    re.compile(
        r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)\s*=\s*[\"']https?://", re.I
    ): "a file from another site",
}


def find(source: Source) -> Iterator[Finding]:
    page = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), source.text)
    for pattern, what in _PATTERNS.items():
        for match in pattern.finditer(page):
            yield Finding(
                page.count("\n", 0, match.start()) + 1, f"{what} does not run under our content policy"
            )


RULE = Rule("ZK015", find, (".html",))
