"""`POST /receipts`: a sale comes in and becomes points. The hottest path of the program: no ORM, no template, no session."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from zhike.kernel import idempotency
from zhike.kernel.access import require_touch
from zhike.kernel.errors import Invalid, Problem
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.sales import operations as sales
from zhike.ui.api import body, gate, refs
from zhike.ui.api.answers import receipt_out
from zhike.ui.api.once import ENCODER, answer, once_of, run_once
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.sentences import field_of
from zhike.ui.api.shapes import BatchIn, BatchItemOut, BatchOut, ProblemOut, ReceiptIn, ReceiptOut

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

BATCH_BODY_MAX = 8 * 1024 * 1024
RECEIPT = msgspec.json.Decoder(ReceiptIn)
BATCH = msgspec.json.Decoder(BatchIn)


def take_receipt(request: ApiRequest) -> JsonResponse:
    """201 with the points, or 200 for a receipt that was known already."""
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, "receipts.record")
    payload = body.read(request)
    asked = body.decode(payload, RECEIPT)
    if asked.member is not None and asked.member.code is not None:
        return _take_with_code(request, asked, payload, now)
    once = once_of(request, payload)
    outcome = _take(request, asked, now, once)
    status = 200 if outcome.status == "duplicate" else 201
    return answer(ENCODER.encode(receipt_out(outcome)), status, replayed=outcome.replayed)


def _take(
    request: ApiRequest, asked: ReceiptIn, now: dt.datetime, once: loyalty.Once | None = None
) -> loyalty.ReceiptOutcome:
    buyer = refs.buyer_of(asked.member, request.viewer, now)
    try:
        return loyalty.take_receipt(
            actor=request.viewer,
            receipt=refs.new_receipt(asked, buyer),
            member_id=buyer.member_id,
            now=now,
            once=once,
        )
    except loyalty.MemberNotFound as missing:
        raise refs.MemberUnknown from missing


def _take_with_code(request: ApiRequest, asked: ReceiptIn, payload: bytes, now: dt.datetime) -> JsonResponse:
    """A scanned code is good once, so code, receipt and answer share one transaction: a refusal does not use it up."""

    def take() -> Outcome:
        outcome = _take(request, asked, now)
        status = 200 if outcome.status == "duplicate" else 201
        return Outcome(status, msgspec.to_builtins(receipt_out(outcome)))

    return run_once(request, payload, now, take)


def take_batch(request: ApiRequest) -> JsonResponse:
    """Always 200 when the batch itself is well-formed; each receipt has a status of its own."""
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, "receipts.record")
    payload = body.read(request, limit=BATCH_BODY_MAX)
    asked = body.decode(payload, BATCH)

    def take() -> Outcome:
        return Outcome(200, msgspec.to_builtins(_take_all(request, asked.receipts, now)))

    return run_once(request, payload, now, take)


def _take_all(request: ApiRequest, items: list[Any], now: dt.datetime) -> BatchOut:
    results: dict[int, BatchItemOut] = {}
    asked: dict[int, ReceiptIn] = {}
    receipts: dict[int, sales.NewReceipt] = {}
    for index, item in enumerate(items):
        try:
            asked[index] = _converted(item)
        except Problem as problem:
            results[index] = _refused(index, problem)
    buyers = refs.buyers_of([receipt.member for receipt in asked.values()], request.viewer)
    for (index, receipt), buyer in zip(asked.items(), buyers, strict=True):
        try:
            receipts[index] = _checked(request, receipt, buyer, now)
        except Problem as problem:
            results[index] = _refused(index, problem)
    for index, outcome in _outcomes(request, receipts, now).items():
        if isinstance(outcome, Problem):
            results[index] = _refused(index, outcome)
        else:
            status = 200 if outcome.status == "duplicate" else 201
            results[index] = BatchItemOut(index=index, status=status, receipt=outcome)
    ordered = [results[index] for index in range(len(items))]
    count = [result.status for result in ordered].count
    return BatchOut(
        accepted=count(201),
        duplicates=count(200),
        refused=len(ordered) - count(201) - count(200),
        results=ordered,
    )


def _checked(
    request: ApiRequest, asked: ReceiptIn, buyer: refs.Buyer | Problem, now: dt.datetime
) -> sales.NewReceipt:
    if isinstance(buyer, Problem):
        raise buyer
    receipt = refs.new_receipt(asked, buyer)
    require_touch(request.viewer, "receipts.record", mall=receipt.mall_id, merchant=receipt.merchant_id)
    sales.check_receipt(actor=request.viewer, receipt=receipt, now=now)
    return receipt


def _outcomes(
    request: ApiRequest, receipts: dict[int, sales.NewReceipt], now: dt.datetime
) -> dict[int, ReceiptOut | Problem]:
    """All at once; if one of them is refused, one by one, so that the others are not."""
    if not receipts:
        return {}
    actor = request.viewer

    def together() -> Outcome:
        outcomes = loyalty.take_receipts(actor=actor, receipts=list(receipts.values()), now=now)
        return Outcome(200, {"outcomes": [receipt_out(outcome) for outcome in outcomes]})

    try:
        done = idempotency.run_once(scope="", key=None, request_hash=b"", now=now, execute=together)
        return dict(zip(receipts, done.body["outcomes"], strict=True))
    except Problem:
        return {index: _taken_alone(request, receipt, now) for index, receipt in receipts.items()}


def _taken_alone(request: ApiRequest, receipt: sales.NewReceipt, now: dt.datetime) -> ReceiptOut | Problem:
    try:
        return receipt_out(loyalty.take_receipt(actor=request.viewer, receipt=receipt, now=now))
    except Problem as problem:
        return problem


def _converted(item: Any) -> ReceiptIn:
    """One receipt of a batch in its declared form. Raises Invalid."""
    try:
        return RECEIPT.decode(ENCODER.encode(item))
    except msgspec.ValidationError as error:
        name, sentence = field_of(str(error))
        raise Invalid(fields={name: [sentence]}) from error


def _refused(index: int, problem: Problem) -> BatchItemOut:
    return BatchItemOut(
        index=index, status=problem.status, problem=msgspec.convert(problem.as_problem_json(), ProblemOut)
    )
