"""The ROI board as rows of a file: every line, then the parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.marketing.queries import Board, BoardLine, PartLine, Stretch
from zhike.ui.console.marketing_labels import BOARD_KINDS, STANDINGS, VERDICTS_SHORT
from zhike.ui.console.message_labels import CHANNELS

HEADER = (
    _("Table"), _("Code"), _("Name"), _("Begins"), _("Reached"), _("Bought"), _("New customers"), _("Messages cost"),
    _("Points cost"), _("Coupons used"), _("Cost"), _("Attributed sales"), _("Extra sales"), _("Lower end"), _("Upper end"),
    _("Extra margin"), _("Lower end"), _("Upper end"), _("ROI"), _("Lower end"), _("Upper end"), _("A new customer costs"),
    _("Margin known"), _("Verdict"),
)  # fmt: skip


def file_rows(found: Board) -> Iterator[list[Any]]:
    """Amounts in yuan; what cannot be told is empty."""
    yield from map(_line, found.lines)
    for one in found.channels:
        yield _part(_("By channel"), one, CHANNELS.get(one.key, one.key))
    for one in found.audiences:
        yield _part(_("By audience"), one, one.name)
    for one in found.standings:
        yield _part(_("By customer’s standing"), one, STANDINGS[one.key])
    for one in found.categories:
        yield _part(_("By line of business"), one, one.name or _("No line of business"))


def _line(one: BoardLine) -> list[Any]:
    of, cost, unit = one.of, one.of.cost, one.acquired.unit
    return [
        str(BOARD_KINDS[of.kind]), of.code, of.name, f"{of.began_at:%Y-%m-%d}", of.reached, one.bought, one.acquired.people,
        *(_yuan(fen) for fen in (cost.messages, cost.points, cost.coupons, cost.total)), _yuan(one.attributed_fen),
        *_ends(one.extra), *_ends(one.margin), *_times(one.roi), _yuan(unit.middle if unit else None),
        f"{of.covered:.0%}", str(VERDICTS_SHORT.get(of.verdict, of.verdict)),
    ]  # fmt: skip


def _part(table: object, one: PartLine, name: object) -> list[Any]:
    unit = one.acquired.unit
    return [
        str(table), "", str(name), "", one.people, "", one.acquired.people, "", "", "", _yuan(one.cost_fen),
        _yuan(one.attributed_fen), *_ends(one.extra), *_ends(one.margin), *_times(one.roi), _yuan(unit.middle if unit else None),
        "", "",
    ]  # fmt: skip


def _ends(one: Stretch | None) -> list[Any]:
    return [_yuan(fen) for fen in (one.middle, one.low, one.high)] if one else ["", "", ""]


def _times(one: Stretch | None) -> list[Any]:
    return [round(Decimal(part), 2) for part in (one.middle, one.low, one.high)] if one else ["", "", ""]


def _yuan(fen: float | None) -> Any:
    return "" if fen is None else Decimal(round(fen)).scaleb(-2)
