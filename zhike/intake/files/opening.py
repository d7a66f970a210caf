"""Opening a file: what it is, how it is packed and encoded, whether it is whole and of sane size."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from django.utils.translation import gettext_lazy as _

from zhike.intake.files import poslog
from zhike.intake.files.rows import BrokenRow, Row, parse_rows
from zhike.kernel.errors import Invalid

BYTES_MAX = 4 * 1024**3
"""Most bytes of text after unpacking."""
RATIO_MAX = 300
RATIO_COUNTS_FROM = 64 * 1024**2
BLOCK = 1024 * 1024
SAMPLE_LINES = 50
SAMPLE_BYTES = 512
COLUMNS_MAX = 500
LINE_BYTES_MAX = 2_000_000

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_CONTROL = bytes({*range(32)} - {9, 10, 13})


class FileRefused(Invalid):
    """A file that cannot be read as a whole; nothing was changed."""

    code = "file-refused"
    title = _("This file cannot be read.")


class EmptyFile(FileRefused):
    code = "file-empty"
    title = _("The file holds no rows.")


class UnreadableFile(FileRefused):
    code = "file-unreadable"
    title = _("This is neither a text table (CSV, TSV), an Excel workbook nor a POSLog.")


class NotPosLog(FileRefused):
    code = "file-not-poslog"
    title = _("This is XML, but no POSLog; a document type or entities are not allowed in it.")


class WrongEncoding(FileRefused):
    code = "file-wrong-encoding"
    title = _("The text is not in %(encoding)s: near line %(line)s it cannot be read.")


class TruncatedFile(FileRefused):
    code = "file-truncated"
    title = _("The file is cut off or damaged. Please send it again.")


class FileTooLarge(FileRefused):
    code = "file-too-large"
    title = _("The file is too large, or unpacks to far more than its size.")


class NoSuchSheet(FileRefused):
    code = "no-such-sheet"
    title = _("The workbook has no sheet called “%(sheet)s”.")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one pass over the whole file found out; `lines` counts line ends, so it is an estimate of the rows."""

    kind: str
    digest: str
    size: int
    lines: int
    encoding: str = ""
    delimiter: str = ""
    packed: bool = False
    sheets: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "lines": self.lines,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "packed": self.packed,
            "sheets": list(self.sheets),
        }


@dataclass(slots=True)
class OpenedTable:
    """A table while it is read: its headings, then its rows with their numbers from 1."""

    columns: list[str]
    facts: FileFacts
    _rows: Iterator[Row]
    rows_read: int = field(default=0)

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        for row in self._rows:
            self.rows_read += 1
            yield self.rows_read, row


def inspect_file(path: Path, *, encoding: str = "auto", delimiter: str = "auto") -> FileFacts:
    """Read the whole file once: digest, kind, encoding, delimiter, number of lines. Raises FileRefused."""
    size = path.stat().st_size
    if not size:
        raise EmptyFile
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if magic in (_ZIP, _OLE):
        from zhike.intake.files import workbook

        sheets, lines = workbook.inspect_workbook(path)
        return FileFacts("workbook", digest, size, lines, sheets=sheets)
    packed = magic[:2] == _GZIP
    if poslog.is_xml(next(_blocks(path, packed), b"")[:SAMPLE_BYTES]):
        with _xml_faults():
            return FileFacts("poslog", digest, size, poslog.count(path, packed), packed=packed)
    found, lines = _find_encoding(path, packed, encoding)
    chosen = delimiter if delimiter != "auto" else _sniff_delimiter(path, packed, found)
    return FileFacts("text", digest, size, lines, found, chosen, packed)


@contextmanager
def open_table(
    path: Path, facts: FileFacts, *, sheet: str = "", header: bool = True
) -> Iterator[OpenedTable]:
    """Read the file that `inspect_file` described. Without headings the columns are called "1", "2", …

    Raises FileRefused, also while iterating (a damaged end).
    """
    if facts.kind == "workbook":
        from zhike.intake.files import workbook

        rows = workbook.read_sheet(path, sheet)
        yield _with_columns(rows, facts, header)
        return
    if facts.kind == "poslog":
        with _xml_faults():
            yield _with_columns(poslog.read(path, facts.packed), facts, True)
        return
    try:
        with _text(path, facts) as text:
            yield _with_columns(parse_rows(text, facts.delimiter), facts, header)
    except _DAMAGE:
        raise TruncatedFile from None


@contextmanager
def _xml_faults() -> Iterator[None]:
    try:
        yield
    except poslog.NoPosLog:
        raise NotPosLog from None
    except poslog.TooMuch:
        raise FileTooLarge from None
    except (poslog.CutOff, *_DAMAGE):
        raise TruncatedFile from None


def _with_columns(rows: Iterator[Row], facts: FileFacts, header: bool) -> OpenedTable:
    first = next((row for row in rows if not isinstance(row, BrokenRow)), None)
    if first is None:
        raise EmptyFile
    if len(first) > COLUMNS_MAX:
        raise UnreadableFile
    if not header:
        return OpenedTable([str(place) for place in range(1, len(first) + 1)], facts, _chain(first, rows))
    return OpenedTable(_unique([cell.strip() for cell in first]), facts, rows)


def _chain(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _unique(names: list[str]) -> list[str]:
    """Headings that can be told apart: a second "金额" is called "金额 (2)", an empty one by its place."""
    seen: dict[str, int] = {}
    result = []
    for place, name in enumerate(names, start=1):
        base = name or f"#{place}"
        seen[base] = seen.get(base, 0) + 1
        result.append(base if seen[base] == 1 else f"{base} ({seen[base]})")
    return result


@contextmanager
def _text(path: Path, facts: FileFacts) -> Iterator[IO[str]]:
    codec = "utf-8-sig" if facts.encoding == "utf-8" else facts.encoding
    with _bytes(path, facts.packed) as raw, io.TextIOWrapper(raw, encoding=codec, newline="") as text:
        yield text


def _bytes(path: Path, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path) if packed else path.open("rb"))


def _blocks(path: Path, packed: bool) -> Iterator[bytes]:
    """The unpacked bytes. Raises TruncatedFile and FileTooLarge."""
    size = path.stat().st_size
    read = 0
    with _bytes(path, packed) as raw:
        while True:
            try:
                block = raw.read(BLOCK)
            except _DAMAGE:
                raise TruncatedFile from None
            if not block:
                return
            read += len(block)
            if read > BYTES_MAX or (packed and read > RATIO_COUNTS_FROM and read > size * RATIO_MAX):
                raise FileTooLarge
            yield block


def _find_encoding(path: Path, packed: bool, wanted: str) -> tuple[str, int]:
    """The first encoding that reads the whole file, and how many line ends there are."""
    first = next(_blocks(path, packed), b"")
    if not first:
        raise EmptyFile
    if wanted != "auto":
        candidates = [wanted]
    elif first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8", "gb18030"]
    if "utf-16" not in candidates and len(first) - len(first.translate(None, _CONTROL)) > len(first) // 50:
        raise UnreadableFile
    line = 1
    for encoding in candidates:
        lines, bad_line = _decode(path, packed, encoding)
        if bad_line is None:
            return encoding, lines
        line = bad_line
    raise WrongEncoding(encoding=" / ".join(candidates), line=line)


def _decode(path: Path, packed: bool, encoding: str) -> tuple[int, int | None]:
    """(line ends, line of the first byte that does not fit or None)."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = run = 0
    try:
        for block in _blocks(path, packed):
            decoder.decode(block)
            lines += block.count(b"\n") or block.count(b"\r")
            end = max(block.rfind(b"\n"), block.rfind(b"\r"))
            run = run + len(block) if end < 0 else len(block) - end
            if run > LINE_BYTES_MAX:
                raise UnreadableFile  # a line without end is no table
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return lines, lines + 1
    return lines, None


def _sniff_delimiter(path: Path, packed: bool, encoding: str) -> str:
    """The separator that splits the first rows into the same number of cells, most of them first."""
    with _text(path, FileFacts("text", "", 0, 0, encoding, ",", packed)) as text:
        sample = list(islice(text, SAMPLE_LINES))
    best, best_score = ",", (0, 0)
    for delimiter in (",", "\t", ";", "|"):
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        if usual > 1 and (score := (widths.count(usual) * 100 // len(widths) // 10, usual)) > best_score:
            best, best_score = delimiter, score
    return best
