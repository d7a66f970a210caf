"""Whose a visitor's behaviour becomes when somebody signs in. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Change = Literal["", "stitched", "extended", "shared"]


@dataclass(frozen=True, slots=True)
class Ownership:
    """``until`` None with a person: everything, also what is to come."""

    person_id: int | None = None
    until: dt.datetime | None = None
    is_shared: bool = False


def signed_in(now: Ownership, person_id: int, until: dt.datetime | None) -> tuple[Ownership, Change]:
    """What happened before the first sign-in becomes that person's. A second person makes the device shared:

    then what was given to the first is taken back, and nothing it does without a user id is ever anybody's again.
    """
    if now.is_shared:
        return now, ""
    if now.person_id is None:
        return Ownership(person_id, until), "stitched"
    if now.person_id != person_id:
        return Ownership(is_shared=True), "shared"
    if now.until is None or (until is not None and until <= now.until):
        return now, ""
    return Ownership(person_id, until), "extended"
