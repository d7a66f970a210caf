"""Asking for goods to be taken back, exchanged or mended: decided at once by the terms, each piece once."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import codes, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Conflict, Invalid, Problem
from zhike.kernel.filetypes import content_type_of
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards import operations as rewards
from zhike.rewards import queries as benefits
from zhike.sales import queries as sales
from zhike.service.events import AfterSaleApplied
from zhike.service.models import AfterSale, AfterSaleLine, Ticket
from zhike.service.operations import after_sales, tickets
from zhike.service.operations._tickets import NewFile
from zhike.service.queries import after_sales as queries
from zhike.service.rules import after_sales as rules

HOUSE = queries.HOUSE
_RANDOM_BYTES = 24


class AfterSaleInvalid(Invalid):
    code = "after-sale-invalid"
    title = _("There is no such kind, reason or condition.")


class NothingChosen(Invalid):
    code = "after-sale-nothing-chosen"
    title = _("Choose at least one article, and no more of it than is left.")


class NoTerms(Conflict):
    code = "after-sale-no-terms"
    title = _("The mall has not published its after-sales terms yet.")


class NotEligible(Conflict):
    code = "after-sale-not-eligible"
    title = _("%(name)s: %(why)s")


class PhotoMissing(Invalid):
    code = "after-sale-photo-missing"
    title = _("Add a photo that shows the fault.")


WHY_NOT = {
    "none_left": _("nothing of it is left to come back"),
    "excluded": _("goods of this kind are excluded"),
    "used": _("used goods come back only with a fault"),
    "opened": _("opened goods come back only with a fault"),
    "late": _("the time for it is over"),
}


@transaction.atomic
def apply_after_sale(
    *,
    actor: Viewer,
    receipt_id: UUID,
    kind: str,
    reason: str,
    condition: str,
    quantities: Mapping[int, Decimal],
    text: str = "",
    files: Sequence[NewFile] = (),
    channel: str = "app",
    now: dt.datetime,
) -> str:
    """Ask for goods of a sale to be taken back, exchanged or mended; the number of its ticket.

    ``quantities`` says how many of which line. The terms in force decide at once; a benefit that is needed is used, and
    given back if nothing comes of it. While a sheet is open nobody asks for the same pieces again. Raises
    AfterSaleInvalid, NoTerms, NothingChosen, NotEligible, PhotoMissing, FileUnusable, TextMissing, NotFound, NotAllowed.
    """
    if kind not in rules.KINDS or reason not in rules.REASONS or condition not in rules.CONDITIONS:
        raise AfterSaleInvalid
    sales.lock_receipt(receipt_id)
    found = queries.eligibility(actor, receipt_id, kind=kind, reason=reason, condition=condition, now=now)
    if found is None:
        raise NoTerms
    chosen = _chosen(found, quantities)
    if found.policy.photo_for_faults and found.wanted.is_fault and actor.kind == "member":
        if not any((content_type_of(file.content[:64]) or "").startswith("image/") for file in files):
            raise PhotoMissing
    what = rules.goods([(line.name, quantity) for line, quantity in chosen])
    number = tickets.open_ticket(
        actor=actor,
        type="repair" if kind == rules.REPAIR else "return",
        text=text.strip() or what,
        title=f"{KIND_WORDS[kind]}：{what}",
        channel=channel,
        person_id=found.receipt.row.person_id,
        merchant_id=found.receipt.row.merchant_id,
        receipt_id=receipt_id,
        receipt_lines=[line.line_no for line, _quantity in chosen],
        files=files,
        now=now,
    )
    sheet = _write(found, chosen, number, now)
    ticket = sheet.ticket
    fact = AfterSaleApplied(*after_sales.names(ticket), kind, reason, ticket.merchant_id, str(receipt_id))
    events.publish(fact, actor=actor, now=now)
    after_sales.record(actor, sheet, "apply", now, kind=kind, reason=reason, condition=condition, goods=what)
    if (
        kind != rules.REPAIR
        and 0 < sum(line.net_fen for line in after_sales.lines_of(sheet)) <= found.policy.at_once_fen
    ):
        after_sales.let_come(HOUSE, ticket, sheet, "", now)
    return number


KIND_WORDS = {rules.RETURN: "退货", rules.EXCHANGE: "换货", rules.REPAIR: "维修"}
"""How titles of tickets begin; they are the house's words, like all that is written on a ticket."""


def _chosen(
    found: queries.Eligibility, quantities: Mapping[int, Decimal]
) -> list[tuple[queries.LineChoice, Decimal]]:
    by_no = {line.line_no: line for line in found.lines}
    wanted = {no: quantity for no, quantity in quantities.items() if quantity}
    if not wanted or any(no not in by_no or not Decimal(0) < quantity for no, quantity in wanted.items()):
        raise NothingChosen
    chosen = []
    for no, quantity in sorted(wanted.items()):
        line = by_no[no]
        if not line.verdict.allowed:
            raise NotEligible(name=line.name, why=WHY_NOT[line.verdict.code])
        if quantity > line.left or quantity != quantity.quantize(Decimal("0.001")):
            raise NothingChosen
        chosen.append((line, quantity))
    return chosen


def _write(
    found: queries.Eligibility,
    chosen: Sequence[tuple[queries.LineChoice, Decimal]],
    number: str,
    now: dt.datetime,
) -> AfterSale:
    ticket = Ticket.objects.select_for_update(of=("self",)).get(number=number)
    needed = {line.verdict.by: line.by_name for line, _quantity in chosen if line.verdict.by}
    estimate: dict[str, Any] = _estimate(found, chosen, now)
    if needed:
        estimate["by_name"] = "、".join(needed.values())
    sheet = AfterSale.objects.create(
        ticket=ticket,
        receipt_id=found.receipt.row.id,
        policy_id=found.terms_id,
        kind=found.wanted.kind,
        reason=found.wanted.reason,
        condition=found.wanted.condition,
        code=_new_code(),
        extended_by=next(iter(needed), ""),
        is_free=all(line.verdict.is_free for line, _quantity in chosen)
        if found.wanted.kind == rules.REPAIR
        else True,
        estimate=estimate,
        applied_at=now,
        changed_at=now,
    )
    uses = {key: _use_benefit(ticket, key, now) for key in needed}
    for line, quantity in chosen:
        until = line.verdict.until
        AfterSaleLine.objects.create(
            sale=sheet,
            line_no=line.line_no,
            sku=line.sku,
            name=line.name,
            category=line.category_code,
            quantity=quantity,
            net_fen=int(line.net_fen * quantity / line.quantity),
            verdict={
                "until": until.isoformat() if until else None,
                "days": line.verdict.days,
                "by": line.verdict.by,
                "is_free": line.verdict.is_free,
            },
            use_id=uses.pop(line.verdict.by, None),
        )
    return sheet


def _estimate(
    found: queries.Eligibility,
    chosen: Sequence[tuple[queries.LineChoice, Decimal]],
    now: dt.datetime,
) -> dict[str, Any]:
    """What the return would bring today; nothing where it cannot be said."""
    if found.wanted.kind != rules.RETURN:
        return {}
    lines = [loyalty.ReturnLine(line.line_no, quantity) for line, quantity in chosen]
    try:
        seen = loyalty.preview_return(actor=HOUSE, receipt_id=found.receipt.row.id, lines=lines, now=now)
    except Problem:
        return {}
    return {
        "money_fen": seen.money_fen,
        "clawed_points": seen.clawed_points,
        "restored_points": seen.restored_points,
    }


def _use_benefit(ticket: Ticket, key: str, now: dt.datetime) -> int | None:
    """Count the use of a benefit that is counted. Raises QuotaUsedUp when somebody was faster."""
    kind, _colon, code = key.partition(":")
    member_id = members.member_id_of_person(ticket.person_id) if ticket.person_id else None
    if kind != "benefit" or member_id is None:
        return None
    held = benefits.member_benefits(HOUSE, member_id, now).items
    own = next((one for one in held if one.benefit.code == code), None)
    if own is None or own.quota == 0:
        return None
    return rewards.use_benefit(
        actor=HOUSE,
        member_id=member_id,
        benefit_id=own.benefit.id,
        mall_id=ticket.mall_id,
        note=ticket.number,
        now=now,
    ).use_id


def _new_code() -> str:
    """An unguessable code that a desk can scan or type."""
    while True:
        code = codes.code_of(secrets.token_bytes(_RANDOM_BYTES), rules.CODE_FREE)
        if code is not None:
            return code
