"""The form of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Text(NamedTuple):
    """One line, and what else there is to know."""

    summary: StrOrPromise
    description: StrOrPromise = ""
