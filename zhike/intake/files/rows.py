"""Text as rows: quoted fields, fields that begin with a quote and never end, rows with foreign characters."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FIELD_CHARACTERS_MAX = 65_536
RECORD_LINES_MAX = 50
RECORD_CHARACTERS_MAX = 262_144
FIELD_LIMIT = 10_000_000

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
    csv.field_size_limit(FIELD_LIMIT)
    now = _Now()
    reader = csv.reader(_records(iter(lines), delimiter, now), delimiter=delimiter)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            now.is_broken = True
            row = []
        if now.is_broken:
            now.is_broken = False
            yield BrokenRow(UNCLOSED_QUOTE, now.record[:FIELD_CHARACTERS_MAX])
        elif "\0" in now.record:
            yield BrokenRow(BAD_CHARACTER, now.record.replace("\0", ""))
        elif row:
            yield row


@dataclass(slots=True)
class _Now:
    """The record that the reader was given last; `is_broken` when it is none."""

    record: str = ""
    is_broken: bool = False


def _records(lines: Iterator[str], delimiter: str, now: _Now) -> Iterator[str]:
    """Physical lines joined to records where a quoted field spans them.

    A quote that is not closed within a few dozen lines is a stray one: its line alone is broken, the next ones count.
    """
    again: deque[str] = deque()
    source = _with_second_look(lines, again)
    for line in source:
        now.record = line
        if line.count('"') % 2 and _ends_open(line, delimiter):
            taken, is_closed = _take_until_closed(line, source, delimiter)
            if is_closed:
                now.record = "".join(taken)
            else:
                again.extendleft(reversed(taken[1:]))
                now.is_broken = True
                yield "\n"
                continue
        yield now.record


def _with_second_look(lines: Iterator[str], again: deque[str]) -> Iterator[str]:
    """The lines; those put into `again` come before the rest."""
    while True:
        while again:
            yield again.popleft()
        for line in lines:
            yield line
            if again:
                break
        else:
            if not again:
                return


def _take_until_closed(line: str, lines: Iterator[str], delimiter: str) -> tuple[list[str], bool]:
    """The lines up to where the quoted field closes, and whether it does within reach."""
    taken = [line]
    size = len(line)
    while len(taken) < RECORD_LINES_MAX and size < RECORD_CHARACTERS_MAX:
        further = next(lines, None)
        if further is None:
            break
        taken.append(further)
        size += len(further)
        if further.count('"') % 2 and not _ends_open("".join(taken), delimiter):
            return taken, True
    return taken, False


def _ends_open(text: str, delimiter: str) -> bool:
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
            at_start = character == delimiter or character in "\r\n"
        if is_open:
            at_start = False
        position += 1
    return is_open
