"""Sheets of Excel workbooks, read by calamine; guarded, because a small file can describe a huge sheet."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine

from zhike.intake.files.opening import EmptyFile, FileTooLarge, NoSuchSheet, TruncatedFile, UnreadableFile
from zhike.intake.files.rows import Row

UNPACKED_MAX = 600 * 1024**2
RATIO_MAX = 200
RATIO_COUNTS_FROM = 50 * 1024**2
CELLS_MAX = 30_000_000

_CELL = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_ZIP_MAGIC = b"PK"


def inspect_workbook(path: Path) -> tuple[tuple[str, ...], int]:
    """Names of the sheets and the rows of the first. Raises FileRefused."""
    _refuse_bombs(path)
    with _open(path) as book:
        names = tuple(book.sheet_names)
        if not names:
            raise EmptyFile
        return names, book.get_sheet_by_index(0).height


def read_sheet(path: Path, sheet: str) -> Iterator[Row]:
    """The rows of a sheet as texts; the first sheet when none is named. Empty rows are no rows."""
    with _open(path) as book:
        if sheet and sheet not in book.sheet_names:
            raise NoSuchSheet(sheet=sheet)
        table = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        for cells in table.iter_rows():
            row: list[str] = [_text(cell) for cell in cells]
            if any(row):
                yield row


def _open(path: Path) -> python_calamine.CalamineWorkbook:
    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.ZipError:
        raise TruncatedFile from None
    except (python_calamine.CalamineError, OSError):
        raise UnreadableFile from None


def _text(cell: Any) -> str:
    """A cell as a person would type it: 3 and not 3.0, dates year first, no binary dust after fifteen digits."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        short = format(cell, ".15g")
        return short if "e" not in short else format(cell, ".15f").rstrip("0")
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


def _refuse_bombs(path: Path) -> None:
    """Sizes that the archive announces, and the area that the cells of each sheet span."""
    with path.open("rb") as file:
        if file.read(2) != _ZIP_MAGIC:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            size = path.stat().st_size
            if unpacked > UNPACKED_MAX or (unpacked > RATIO_COUNTS_FROM and unpacked > size * RATIO_MAX):
                raise FileTooLarge
            for entry in entries:
                if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                    _refuse_wide(archive, entry)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError):
        raise TruncatedFile from None


def _refuse_wide(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    columns = rows = read = 0
    tail = b""
    with archive.open(entry) as file:
        while block := file.read(1024 * 1024):
            read += len(block)
            if read > UNPACKED_MAX:
                raise FileTooLarge
            for letters, digits in _CELL.findall(tail + block):
                rows = max(rows, int(digits))
                columns = max(columns, _column(letters))
            tail = block[-32:]
    if rows * columns > CELLS_MAX:
        raise FileTooLarge


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
