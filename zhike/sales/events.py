"""What sales tells the log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class ReceiptRecorded(Fact):
    """A sale or return was recorded; ``person_id`` is None while nobody has claimed it.

    ``cashier`` is whom the till names, ``original_id`` the sale that a return is of.
    """

    type: ClassVar[str] = "zhike.sales.receipt_recorded"

    receipt_id: str
    person_id: int | None
    merchant_id: int
    mall_id: int
    kind: str
    net_fen: int
    occurred_at: dt.datetime
    discount_fen: int = 0
    cashier: str = ""
    original_id: str | None = None

    @property
    def subject(self) -> str:
        return f"receipt/{self.receipt_id}" if self.person_id is None else f"person/{self.person_id}"

    @property
    def happened_at(self) -> dt.datetime:
        return self.occurred_at


@dataclass(frozen=True, slots=True)
class ReceiptClaimed(Fact):
    """A receipt that nobody owned found its person; the rest says again what it was."""

    type: ClassVar[str] = "zhike.sales.receipt_claimed"

    receipt_id: str
    person_id: int
    merchant_id: int | None = None
    mall_id: int | None = None
    kind: str = ""
    net_fen: int = 0
    discount_fen: int = 0
    occurred_at: dt.datetime | None = None
    cashier: str = ""

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class ImportUndone(Fact):
    """All receipts of one import were taken out again."""

    type: ClassVar[str] = "zhike.sales.import_undone"

    import_id: str
    receipts: int

    @property
    def subject(self) -> str:
        return f"import/{self.import_id}"


@dataclass(frozen=True, slots=True)
class ReceiptsTakenOut(Fact):
    """An undone import took these many receipts of a person out again."""

    type: ClassVar[str] = "zhike.sales.receipts_taken_out"

    import_id: str
    person_id: int
    receipts: int
    receipt_ids: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"
