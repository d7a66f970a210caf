"""Points as a liability, for the books."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from ninja import Path, Router

from zhike.kernel.errors import NotFound
from zhike.loyalty import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.schemas import JournalOut, LiabilityMonthOut, LiabilityOut, PayerOut, PostingOut

router = Router(tags=["finance"])
Month = Annotated[str, Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]


def _program_id() -> int:
    program_id = queries.default_program_id()
    if program_id is None:
        raise NotFound
    return program_id


@router.get("/finance/liability", auth=Needs("finance.view"), response=LiabilityOut)
def get_liability(request: ApiRequest) -> LiabilityOut:
    """Outstanding points by payer and month of lapse, and the months that led there."""
    found = queries.liability(request.viewer, _program_id(), request.now)
    return LiabilityOut(
        outstanding=found.outstanding,
        ties_out=found.ties_out,
        waiting=found.waiting,
        debt=found.debt,
        expected_to_lapse=found.breakage.expected_to_lapse,
        payers=[
            PayerOut(
                payer=one.payer.code,
                outstanding=one.remaining,
                by_month={f"{month:%Y-%m}": points for month, points in sorted(one.by_month.items())},
                months=[_month(month) for month in found.by_payer.get(one.payer.funding_id, ())],
            )
            for one in found.payers
        ],
        months=[_month(month) for month in found.months],
    )


def _month(one: queries.MonthFlows) -> LiabilityMonthOut:
    return LiabilityMonthOut(
        month=f"{one.month:%Y-%m}",
        opening=one.opening,
        imported=one.imported,
        earned=one.earned,
        spent=one.spent,
        expired=one.expired,
        adjusted=one.adjusted,
        closing=one.closing,
    )


@router.get("/finance/journals/{month}", auth=Needs("finance.view"), response=JournalOut)
def get_journal(request: ApiRequest, month: Month) -> JournalOut:
    """The postings of one month by the valuation in force."""
    found = queries.journal(request.viewer, _program_id(), dt.date.fromisoformat(f"{month}-01"), request.now)
    return JournalOut(
        month=month,
        is_open=found.is_open,
        valuation_version=found.policy.version,
        opening_fen=found.opening_fen,
        closing_fen=found.closing_fen,
        postings=[
            PostingOut(
                entry=line.entry,
                account=line.account,
                payer=line.payer,
                points=line.points,
                debit_fen=line.debit_fen,
                credit_fen=line.credit_fen,
            )
            for line in found.postings
        ],
    )
