"""Where a new member came from: the QR code at a till or a link names the mall, the merchant and the channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from zhike.clienteling import queries as clienteling
from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization

_CHANNEL = re.compile(r"[a-z0-9-]{1,24}")


@dataclass(frozen=True, slots=True)
class Origin:
    """`source` is what the member's record will say."""

    mall_id: int | None = None
    merchant_id: int | None = None
    source: str = "h5"
    associate_id: int | None = None

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Origin | None:
        """Of `?merchant=ID&via=till` or `?mall=ID&via=poster`, maybe with `&by=CODE` of a sales associate.

        What does not exist is passed over.
        """
        origin = cls._place(query)
        associate_id = clienteling.associate_by_code(query.get("by", ""))
        return origin if associate_id is None else replace(origin or cls(), associate_id=associate_id)

    @classmethod
    def _place(cls, query: Mapping[str, str]) -> Origin | None:
        via = query.get("via", "")
        source = f"h5-{via}" if _CHANNEL.fullmatch(via) else "h5"
        merchant = (
            organization.merchant_ref(int(query["merchant"])) if _is_id(query.get("merchant")) else None
        )
        if merchant is not None:
            return cls(merchant.mall_id, merchant.id, source)
        if _is_id(query.get("mall")):
            try:
                return cls(organization.mall(int(query["mall"])).id, None, source)
            except NotFound:
                return None
        return cls(source=source) if via else None

    @classmethod
    def of_json(cls, data: dict[str, Any] | None) -> Origin:
        return cls(**data) if data else cls()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _is_id(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit() and len(text) <= 12
