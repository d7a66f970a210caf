"""What the operations of offers share: problems, and the way into the database's functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.idempotency import problem_of
from zhike.kernel.statements import fetch_row


class SoldOut(Conflict):
    code = "coupons-sold-out"
    title = _("No coupons of this batch are left.")


class CouponNotFound(NotFound):
    code = "coupon-not-found"
    title = _("There is no coupon with this code.")


class TermsUnusable(Invalid):
    code = "coupon-terms-unusable"
    title = _("The terms of the coupon cannot be used: %(path)s.")


class Moved(Exception):
    """A coupon is no longer as it was read: read again, decide again."""


_REFUSALS: dict[str, type[Exception]] = {"ZK101": SoldOut, "ZK102": Moved}


def call(sql: str, args: Sequence[Any]) -> Any:
    """The one value of a function of sql/0002_coupons.sql. Raises SoldOut, Moved, InFlight, KeyReused."""
    return _row(sql, args)[0]


def call_each(function: str, calls: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """As `call`, one function with each of the lists of arguments, in that order, in one statement; all or nothing."""
    args = [arg for call_args in calls for arg in call_args]
    return _row(f"SELECT {', '.join([function] * len(calls))}", args) if calls else ()


def _row(sql: str, args: Sequence[Any]) -> tuple[Any, ...]:
    try:
        row = fetch_row(sql, args)
    except (psycopg.Error, DatabaseError) as error:
        source = error.__cause__ if isinstance(error, DatabaseError) else error
        known = _REFUSALS.get(getattr(source, "sqlstate", None) or "")
        if known is not None:
            raise known from error
        raise problem_of(error) or error from error
    assert row is not None
    return row


def to_json(value: Any) -> str:
    """JSON text of plain values, UUIDs and moments, for a jsonb parameter."""
    return msgspec.json.encode(value).decode()
