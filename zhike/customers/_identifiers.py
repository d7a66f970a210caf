"""Identifiers on their way into the database: normalised, indexed, sealed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from zhike.customers import queries, rules
from zhike.customers.models import Identifier
from zhike.kernel import crypto

KIND_LABELS = {
    "phone": _("phone number"),
    "card": _("card number"),
    "email": _("e-mail address"),
    "openid": _("WeChat openid"),
    "unionid": _("WeChat unionid"),
    "plate": _("plate number"),
    "account": _("online account"),
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """One identifier, normalised; ``indexes`` are those to look for, the first is the one to store."""

    kind: str
    value: str
    indexes: tuple[bytes, ...]
    verified_at: dt.datetime | None

    @property
    def index(self) -> bytes:
        return self.indexes[0]

    @property
    def masked(self) -> str:
        return rules.mask(self.kind, self.value)

    def sealed(self, pk: int) -> bytes:
        return crypto.encrypt(queries.named_value(self.kind, self.value), field=queries.VALUE_FIELD, row=pk)

    def row(self, pk: int, person_id: int, now: dt.datetime) -> Identifier:
        return Identifier(
            pk=pk,
            person_id=person_id,
            kind=self.kind,
            value=self.sealed(pk),
            index=self.index,
            masked=self.masked,
            verified_at=self.verified_at,
            created_at=now,
        )


def prepare(kind: str, value: str, verified_at: dt.datetime | None) -> Prepared:
    """Raises rules.NotAnIdentifier."""
    normal = rules.normalise(kind, value)
    return Prepared(kind, normal, tuple(queries.indexes_of(kind, normal)), verified_at)


def holders(wanted: Iterable[Prepared]) -> dict[tuple[str, bytes], int]:
    """Who holds which of these now, by kind and stored index, in one query per kind."""
    by_kind: dict[str, list[bytes]] = {}
    current: dict[tuple[str, bytes], bytes] = {}
    for item in wanted:
        by_kind.setdefault(item.kind, []).extend(item.indexes)
        current |= {(item.kind, index): item.index for index in item.indexes}
    found: dict[tuple[str, bytes], int] = {}
    for kind, indexes in by_kind.items():
        rows = Identifier.objects.filter(kind=kind, index__in=indexes, retired_at=None)
        for index, person_id in rows.values_list("index", "person_id"):
            found[kind, current[kind, bytes(index)]] = person_id
    return found


def reveal(row: Identifier) -> str:
    """The value of an identifier in clear; whoever calls this audits it."""
    text = crypto.decrypt(bytes(row.value), field=queries.VALUE_FIELD, row=row.pk)
    return text.removeprefix(queries.named_value(row.kind, ""))
