"""Keyset paging: a page costs the same however deep it is, and no row is met twice or missed while rows are added."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid

M = TypeVar("M", bound=Model)

Direction = Literal["asc", "desc"]

CURSOR_LENGTH_MAX = 1000


class BadCursor(Invalid):
    code = "bad-cursor"
    title = _("This page marker is not valid. Start again from the first page.")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    items: list[M]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order that ends in a unique column. No column is ever null; a parent's column is written "parent__column"."""

    order: tuple[tuple[str, Direction], ...]

    def page(self, queryset: QuerySet[M], cursor: str | None, limit: int) -> Page[M]:
        """The rows after (or, for a cursor that leads back, before) the cursor. Raises BadCursor."""
        backwards, values = self._read(cursor, queryset.model) if cursor else (False, None)
        rows = queryset.order_by(*self._order_by(backwards))
        if values is not None:
            rows = rows.filter(self._beyond(values, backwards))
        found = list(rows[: limit + 1])
        more = len(found) > limit
        items = found[:limit]
        if backwards:
            items.reverse()
        has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
        return Page(
            items,
            self._write("n", items[-1]) if items and has_next else None,
            self._write("p", items[0]) if items and has_previous else None,
        )

    @property
    def _columns(self) -> list[str]:
        return [column for column, _direction in self.order]

    def _order_by(self, backwards: bool) -> list[str]:
        return [
            f"-{column}" if (direction == "desc") != backwards else column for column, direction in self.order
        ]

    def _beyond(self, values: Sequence[Any], backwards: bool) -> Any:
        """Rows past these values. One direction throughout becomes one row comparison, which an index serves."""
        if len(self.order) > 1 and len({direction for _column, direction in self.order}) == 1:
            descending = (self.order[0][1] == "desc") != backwards
            compare = TupleLessThan if descending else TupleGreaterThan
            return compare(Tuple(*map(F, self._columns)), tuple(values))
        condition = Q()
        equal = Q()
        for (column, direction), value in zip(self.order, values, strict=True):
            past = "lt" if (direction == "desc") != backwards else "gt"
            condition |= equal & Q(**{f"{column}__{past}": value})
            equal &= Q(**{column: value})
        first, direction = self.order[0]
        past = "lte" if (direction == "desc") != backwards else "gte"
        return Q(**{f"{first}__{past}": values[0]}) & condition  # the bound an index can use

    def _write(self, way: str, row: Model) -> str:
        values = [_encode(_value(row, column)) for column in self._columns]
        raw = json.dumps([way, *values], ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def _read(self, cursor: str, model: type[Model]) -> tuple[bool, list[Any]]:
        try:
            if len(cursor) > CURSOR_LENGTH_MAX:
                raise ValueError("too long")
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            way, *raw = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if way not in ("n", "p"):
                raise ValueError("no such way")
            columns = zip(self._columns, raw, strict=True)
            return way == "p", [_decode(_field(model, column), value) for column, value in columns]
        except (ValueError, TypeError, OverflowError, RecursionError, ValidationError) as error:
            raise BadCursor from error


def _value(row: Model, path: str) -> Any:
    value: Any = row
    for name in path.split("__"):
        value = getattr(value, name)
    return value


def _field(model: type[Model], path: str) -> Field[Any, Any]:
    *parents, last = path.split("__")
    for name in parents:
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    return model._meta.pk if last == "pk" else model._meta.get_field(last)  # type: ignore[return-value]


def _encode(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, int | str):
        return value
    if isinstance(value, uuid.UUID | float):
        return str(value)  # that of a float is exact
    raise TypeError(f"{type(value).__name__} cannot be a page marker")


def _decode(field: Field[Any, Any], value: Any) -> Any:
    if value is None or isinstance(value, bool | float | list | dict):
        raise ValueError("no such value")
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("no such text")
    decoded = field.to_python(value)
    if isinstance(decoded, int) and not -(2**63) <= decoded < 2**63:
        raise ValueError("out of range")
    if isinstance(decoded, float) and not math.isfinite(decoded):
        raise ValueError("no number")
    if isinstance(decoded, dt.datetime) and decoded.tzinfo is None:
        raise ValueError("a moment without a zone")
    return decoded


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A page of views instead of rows."""

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None
