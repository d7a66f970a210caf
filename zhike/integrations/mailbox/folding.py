"""What somebody wrote in an e-mail, apart from what their program put below it. Pure.

The lines that programs begin a quotation with are those of Outlook, Gmail, Apple Mail, QQ, NetEase and Foxmail, in Chinese and English.
"""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser

_RULES = (
    r"-{2,}\s*(原始邮件|原始郵件|转发邮件|轉寄郵件|Original Message|Forwarded message|回复的原邮件)\s*-{2,}",
    r"(在|于)?\s*\d{4}\s*[-年/.]\s*\d{1,2}\s*[-月/.]\s*\d{1,2}.{0,200}(写道|寫道|写|wrote)\s*[：:]",
    r".{0,120}<[^<>\s]+@[^<>\s]+>\s*(于|在|於).{4,60}(写道|寫道)\s*[：:]",
    r"On .{6,200} wrote:",
    r"(发件人|寄件者|寄件人|From)\s*[：:]\s*\S.*",
    r"_{20,}",
)
_QUOTED = re.compile(rf"^\s*(?:{'|'.join(_RULES)})\s*$")
_HEADERS = re.compile(
    r"^\s*\*?(发送时间|日期|寄件日期|收件人|收件者|主题|主旨|抄送|Sent|Date|To|Subject)\*?\s*[：:]"
)
_SENDER_LINE = re.compile(r"^\s*\*?(发件人|寄件者|寄件人|From)\*?\s*[：:]")
_SIGNATURE = re.compile(
    r"^(--\s?|[—-]{3,}|发自我的\s*\S.{0,30}|(从|從)我的\s*\S.{0,20}(发送|傳送)|Sent from my .{1,40}"
    r"|(来自|發自)\s*\S.{0,20}(邮箱|郵箱|手机|手機).{0,12})$"
)
SIGNATURE_LINES = 12
READ_MAX = 200_000
"""So many characters of an e-mail or a page are read; what is kept is a tenth of it."""
LINE_MAX = 500
"""A longer line is nobody's beginning of a quotation."""


def parted(text: str) -> tuple[str, str]:
    """(own words, what is below them): quotes, the headers of a quoted e-mail, the signature."""
    lines = text[:READ_MAX].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = len(lines)
    written = [
        place for place, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(">")
    ]
    last = max(written, default=-1)
    for place, line in enumerate(lines):
        if _begins_quote(lines, place, line, last):
            end = place
            break
    own = lines[:end]
    for place in range(max(0, len(own) - SIGNATURE_LINES), len(own)):
        if _SIGNATURE.match(own[place].strip()):
            own = own[:place]
            break
    first = next((place for place, line in enumerate(own) if line.strip() and not _is_quote(line)), len(own))
    words = "\n".join(own[first:]).strip()
    below = "\n".join([*own[:first], *lines[len(own) :]]).strip()
    return (words, below) if words else ("\n".join(lines).strip(), "")


def _is_quote(line: str) -> bool:
    return line.lstrip().startswith(">") or bool(_is_head(line) and not _SENDER_LINE.match(line))


def _is_head(line: str) -> bool:
    return len(line) <= LINE_MAX and bool(_QUOTED.match(line))


def _begins_quote(lines: list[str], place: int, line: str, last: int) -> bool:
    """``last``: the last line that is not quoted by “>” itself."""
    if line.lstrip().startswith(">"):
        return place > last
    if not _is_head(line):
        joined = f"{line.strip()} {lines[place + 1].strip()}" if place + 1 < len(lines) else line
        return bool(len(line) > 8 and len(joined) <= LINE_MAX and re.fullmatch(_RULES[3], joined))
    if _SENDER_LINE.match(line):
        return sum(bool(_HEADERS.match(one)) for one in lines[place + 1 : place + 6]) >= 2
    return True


_SKIPPED = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "object"})
_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "table", "ul", "ol", "pre", "hr"}
)  # fmt: skip
_VOID = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"}
)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|mso-hide\s*:\s*all", re.IGNORECASE
)
DEPTH_MAX = 200


class _Reader(HTMLParser):
    """Text only: no address is called, no mark-up is kept; what a reader would not see is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._quotes = 0

    @property
    def _is_hidden(self) -> bool:
        return any(hidden for _tag, hidden in self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._line()
        given = dict(attrs)
        if tag in _VOID or len(self._open) >= DEPTH_MAX:
            return
        hides = tag in _SKIPPED or "hidden" in given or bool(_HIDDEN.search(given.get("style") or ""))
        self._open.append((tag, hides))
        if tag == "blockquote":
            self._quotes += 1

    def handle_endtag(self, tag: str) -> None:
        tags = [one for one, _hidden in self._open]
        if tag in tags:
            place = len(tags) - 1 - tags[::-1].index(tag)
            self._quotes -= tags[place:].count("blockquote")
            del self._open[place:]
        if tag in _BLOCKS:
            self._line()

    def handle_data(self, data: str) -> None:
        if self._is_hidden:
            return
        text = re.sub(r"\s+", " ", data)
        if text.strip() or (self.parts and not self.parts[-1].endswith("\n")):
            if self._quotes and (not self.parts or self.parts[-1].endswith("\n")):
                self.parts.append("> ")
            self.parts.append(text)

    def _line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")


def plain(html: str) -> str:
    """The words of a page, line by line; quoted blocks begin with “> ”.

    Marks that nothing closes are words: Python's reader looks for their end from each of them on, a minute for 60 kB.
    """
    html = html[:READ_MAX]
    end = html.rfind(">") + 1
    reader = _Reader()
    with contextlib.suppress(AssertionError):
        reader.feed(html[:end] + html[end:].replace("<", "&lt;"))
        reader.close()
    lines = [line.strip() for line in "".join(reader.parts).replace("\xa0", " ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
