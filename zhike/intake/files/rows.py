"""Text as rows: quoted fields, fields that begin with a quote and never end, rows with foreign characters."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FIELD_CHARACTERS_MAX = 65_536
RECORD_LINES_MAX = 50
RECORD_CHARACTERS_MAX = 262_144

UNCLOSED_QUOTE = "unclosed-quote"
BAD_CHARACTER = "bad-character"


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is no row; `reason` is one of the intake's reasons, `text` what stood there."""

    reason: str
    text: str


Row = list[str] | BrokenRow


def parse_rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Rows of delimited text. Empty lines are no rows."""
    records = _Records(lines, delimiter)
    reader = csv.reader(records, delimiter=delimiter)
    csv.field_size_limit(RECORD_CHARACTERS_MAX)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield BrokenRow(UNCLOSED_QUOTE, records.current[:FIELD_CHARACTERS_MAX])
            continue
        if records.broken:
            records.broken = False
            yield BrokenRow(UNCLOSED_QUOTE, records.current[:FIELD_CHARACTERS_MAX])
        elif row:
            yield (
                BrokenRow(BAD_CHARACTER, records.current.replace("\0", ""))
                if "\0" in records.current
                else row
            )


class _Records:
    """Physical lines joined to records where a quoted field spans them.

    A quote that is not closed within a few dozen lines is a stray one: its line alone is broken, the next ones count.
    """

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._lines = iter(lines)
        self._delimiter = delimiter
        self._waiting: list[str] = []
        self.current = ""
        self.broken = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._next_line()
        self.current = line
        if line.count('"') % 2 and self._ends_open(line):
            return self._joined(line)
        return line

    def _next_line(self) -> str:
        return self._waiting.pop(0) if self._waiting else next(self._lines)

    def _joined(self, line: str) -> str:
        taken = [line]
        size = len(line)
        while len(taken) < RECORD_LINES_MAX and size < RECORD_CHARACTERS_MAX:
            try:
                further = self._next_line()
            except StopIteration:
                break
            taken.append(further)
            size += len(further)
            if further.count('"') % 2 and not self._ends_open("".join(taken)):
                self.current = "".join(taken)
                return self.current
        self._waiting[:0] = taken[1:]
        self.broken = True
        return "broken\n"

    def _ends_open(self, text: str) -> bool:
        """Whether a field that began with a quote is still open at the end: the state machine of a CSV reader."""
        is_open, at_start, position = False, True, 0
        while position < len(text):
            character = text[position]
            if is_open:
                if character == '"':
                    if text[position + 1 : position + 2] == '"':
                        position += 1
                    else:
                        is_open = False
            elif character == '"' and at_start:
                is_open = True
            else:
                at_start = character == self._delimiter or character in "\r\n"
            if is_open:
                at_start = False
            position += 1
        return is_open
