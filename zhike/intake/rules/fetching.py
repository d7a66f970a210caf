"""When a connector fetches, what of a folder it takes, and how far it has read of a table. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlsplit

EVERY_MIN, EVERY_MAX = 1, 7 * 24 * 60
WAIT_MAX = dt.timedelta(hours=6)
SETTLED_AFTER = dt.timedelta(seconds=30)
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xml", ".gz")
DIALECTS = ("postgresql+psycopg", "postgresql", "mysql+pymysql", "mssql+pymssql", "oracle+oracledb")
TRIES_MAX = 5

_FOLDER = re.compile(r"[\w\-. ]{1,60}(/[\w\-. ]{1,60}){0,4}")
_COLUMN = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff]{0,62}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.\-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_OPTIONS = frozenset({"sslmode", "charset", "service_name"})
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def next_run(now: dt.datetime, every_minutes: int, failures: int) -> dt.datetime:
    """After every failure in a row twice as late, but never more than six hours."""
    every = dt.timedelta(minutes=every_minutes)
    wait = min(every * (1 << min(failures, 10)), max(every, WAIT_MAX))
    return now + wait


def is_folder(text: str) -> bool:
    """A folder below the inbox, written without a way out of it."""
    parts = text.split("/")
    return bool(_FOLDER.fullmatch(text)) and not any(part.strip(". ") == "" for part in parts)


def is_wanted(name: str) -> bool:
    """A file of a kind we read, and none that somebody is still writing or that is hidden."""
    lower = name.lower()
    return not name.startswith((".", "~")) and lower.endswith(SUFFIXES)


def is_settled(changed_at: dt.datetime, now: dt.datetime) -> bool:
    """Nobody has written to it for a while."""
    return changed_at + SETTLED_AFTER <= now


def is_elsewhere(url: str) -> bool:
    """Whether an address names a machine, and nothing that could lead past its name: a socket of this machine lets
    everybody in who knocks, and the database behind it is our own.
    """
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return False
    address = parts.netloc.rpartition("@")[2]
    host = address if address.endswith("]") else re.sub(r":\d{1,5}$", "", address)
    return bool(_HOST.fullmatch(host)) and {name for name, _ in options} <= _OPTIONS


def is_column(text: str) -> bool:
    return bool(_COLUMN.fullmatch(text))


def is_one_select(text: str) -> bool:
    """One statement that reads. The connection is read-only as well; this finds mistakes early."""
    body = text.strip().removesuffix(";")
    return bool(_SELECT.match(body)) and ";" not in body


def watermark_text(value: Any) -> str:
    """A value of the source as we keep it: with its kind, so that it goes back as the same. Raises ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError("no watermark")
    if isinstance(value, dt.datetime):
        return f"datetime:{value.isoformat()}"
    for kind, name in ((dt.date, "date"), (int, "int"), (Decimal, "decimal"), (str, "text")):
        if isinstance(value, kind):
            text = value.isoformat() if isinstance(value, dt.date) else str(value)
            if len(text) > 150:
                break
            return f"{name}:{text}"
    raise ValueError(type(value).__name__)


def watermark_value(text: str) -> Any:
    """What `watermark_text` kept; None for nothing yet."""
    kind, _, value = text.partition(":")
    if not text:
        return None
    try:
        readers = {
            "datetime": dt.datetime.fromisoformat,
            "date": dt.date.fromisoformat,
            "int": int,
            "decimal": Decimal,
            "text": str,
        }
        return readers[kind](value)  # type: ignore[operator]
    except (KeyError, ValueError, InvalidOperation):
        return None


def whole_groups(marks: Sequence[Any], limit: int) -> int:
    """How many of the rows to take, so that rows with one watermark never come apart: all, or those before the last group.

    `marks` are the watermarks of at most limit + 1 rows, in order. 0 when one group alone is longer than the limit.
    """
    if len(marks) <= limit:
        return len(marks)
    last = marks[limit]
    taken = limit
    while taken and marks[taken - 1] == last:
        taken -= 1
    return taken
