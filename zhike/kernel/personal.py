"""How a context says which of its tables hold data about a human being. Pure: contexts' `personal.py` import only this.

    HOLDINGS = (
        Holding("notes_note", "person", "person_id", "service", "service", DELETE, export=("text", "written_at")),
    )

Whoever answers a request about personal data reads these declarations and nothing else, so a table that is not declared
is neither handed out nor erased; a test finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DELETE, BLANK, KEEP = "delete", "blank", "keep"
"""What erasure does with the rows: they go, they stay without the person, they stay as they are."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One table with data about a human being.

    ``of`` is whose id ``column`` holds: "person", "member", "address" (a blind index), or another table of the same
    declaration. ``category`` says what kind of data it is, ``purpose`` what for; both are codes that pages name.
    ``basis`` is the ground on which rows stay after an erasure; it must be given unless they go.
    ``export`` are the columns a person gets on request, ``encrypted`` maps some of them to the field they are encrypted
    as, bound to ``row``. ``blanks`` maps the columns an erasure empties to SQL; ``also`` restricts the rows by SQL.
    ``files`` is a column with paths below the uploads, whose files go with the rows.
    """

    table: str
    of: str
    column: str
    category: str
    purpose: str
    erasure: str
    basis: str = ""
    export: tuple[str, ...] = ()
    encrypted: Mapping[str, str] = field(default_factory=dict)
    row: str = "id"
    blanks: Mapping[str, str] = field(default_factory=dict)
    also: str = ""
    files: str = ""


@dataclass(frozen=True, slots=True)
class Loose:
    """A table with encrypted or free data that names nobody by id; ``why`` erasure does not look for rows in it.

    What it holds in clear is swept for the person's identifiers all the same.
    """

    table: str
    why: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """A class of data that is kept for a time: rows of ``table`` whose ``moment`` is older go, or lose ``blanks``.

    ``days`` is the default, ``days_min`` what a policy may not go below (a law, a window of complaints). ``parts`` are tables
    whose rows hang on a row that loses ``blanks`` and go then: table, column with the row's id, column with paths of files.
    """

    code: str
    table: str
    moment: str
    days: int
    days_min: int = 1
    row: str = "id"
    blanks: Mapping[str, str] = field(default_factory=dict)
    also: str = ""
    files: str = ""
    parts: Sequence[tuple[str, str, str]] = ()


def faults(holdings: Sequence[Holding]) -> list[str]:
    """What is wrong with a declaration, in words for whoever wrote it."""
    known = {"person", "member", "address", *(one.table for one in holdings)}
    found = []
    for one in holdings:
        if one.erasure not in (DELETE, BLANK, KEEP):
            found.append(f"{one.table}: erasure is {one.erasure!r}")
        if (one.erasure == BLANK) != bool(one.blanks):
            found.append(f"{one.table}: only what is blanked names blanks, and it names some")
        if (one.erasure == DELETE) == bool(one.basis):
            found.append(f"{one.table}: what stays needs a basis, what goes has none")
        if one.of not in known or one.of == one.table:
            found.append(f"{one.table}: {one.of!r} is nobody's id")
        found += [
            f"{one.table}: {name} is encrypted and not exported"
            for name in one.encrypted
            if name not in one.export
        ]
    return found
