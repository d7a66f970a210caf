"""Coupons come into the world: claimed, handed out, pushed to a list, made or imported as codes; and are voided."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, Problem
from zhike.kernel.events import wake
from zhike.kernel.events.base import fact_data
from zhike.loyalty.operations import MemberFrozen, Once
from zhike.loyalty.queries import person_id_of
from zhike.offers.events import CodesAdded, CouponIssued, CouponVoided
from zhike.offers.models import Coupon, CouponBatch
from zhike.offers.operations._words import CouponNotFound, SoldOut, call, to_json
from zhike.offers.queries.known import BatchNotFound, KnownBatch, from_json, known_batch
from zhike.offers.rules.codes import code_of, is_importable, read_code
from zhike.offers.rules.terms import validity_of

MEMBERS_MAX = 50_000
CODES_MAX = 100_000
CLAIMED, GIVEN, PUSHED, MADE, IMPORTED = "claim", "desk", "push", "codes", "import"
_RANDOM_BYTES = 40


class NotOpen(Conflict):
    code = "coupon-not-open"
    title = _("This coupon is not handed out at the moment.")


class NotYetOpen(Conflict):
    code = "coupon-not-yet-open"
    title = _("Coupons of this batch cannot be claimed yet.")


class EarlyQuotaGone(Conflict):
    code = "coupon-early-quota"
    title = _("What was kept for your tier is gone. The others can be claimed from the opening on.")


class ClaimOver(Conflict):
    code = "coupon-claim-over"
    title = _("The time to claim this coupon is over.")


class WrongTier(Conflict):
    code = "coupon-tier"
    title = _("This coupon is for members of other tiers.")


class LimitReached(Conflict):
    code = "coupon-limit-reached"
    title = _("No more coupons of this batch are allowed for one member.")


class MemberUnknown(Invalid):
    code = "member-unknown"
    title = _("There is no such member.")


class CodesUnusable(Invalid):
    code = "codes-unusable"
    title = _("These codes cannot be used: %(codes)s.")


class NotForMembers(Conflict):
    code = "coupon-batch-bearer"
    title = _("This batch holds codes for bearers, not coupons of members.")


class NotForBearers(Conflict):
    code = "coupon-batch-named"
    title = _("This batch holds coupons of members, not codes for bearers.")


class NotVoidable(Conflict):
    code = "coupon-not-voidable"
    title = _("Only a coupon that is not used, locked or ended can be voided.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Give a reason.")


_REFUSALS: dict[str, type[Problem]] = {
    "unknown": BatchNotFound,
    "member": MemberUnknown,
    "frozen": MemberFrozen,
    "closed": NotOpen,
    "early": NotYetOpen,
    "early_quota": EarlyQuotaGone,
    "late": ClaimOver,
    "tier": WrongTier,
    "stock": SoldOut,
    "limit": LimitReached,
}


@dataclass(frozen=True, slots=True)
class Issued:
    """A coupon that a member has now; good from ``valid_from`` until ``valid_until`` (exclusive)."""

    coupon_id: int
    code: str
    batch_id: int
    member_id: int
    valid_from: dt.datetime
    valid_until: dt.datetime
    replayed: bool = False


def new_code() -> str:
    """An unguessable code; see rules.codes."""
    while True:
        code = code_of(secrets.token_bytes(_RANDOM_BYTES))
        if code is not None:
            return code


def claim_coupon(
    *, actor: Viewer, batch_id: int, member_id: int, now: dt.datetime, once: Once | None = None
) -> Issued:
    """A member takes a coupon of a public batch, within its window, for their tier; one round trip to the database.

    A member may claim for themselves, a desk or a mall's own app for its members. Never more than the stock, nor more
    for one member than the batch allows, however many claim at once. Raises BatchNotFound, SoldOut, LimitReached,
    NotOpen, NotYetOpen, EarlyQuotaGone, ClaimOver, WrongTier, MemberFrozen, MemberUnknown, NotAllowed, InFlight, KeyReused.
    """
    batch = known_batch(batch_id)
    person_id = None
    if actor.kind == "member":
        person_id = actor.id or 0
        require_touch(actor, "coupons.claim", person=person_id)
    else:
        require_touch(actor, "coupons.claim", mall=batch.mall_id)
    return _issue(actor, batch, member_id, now, once, CLAIMED, "", person_id=person_id, is_public=True)


def give_coupon(
    *,
    actor: Viewer,
    batch_id: int,
    member_id: int,
    now: dt.datetime,
    source: str = GIVEN,
    reference: str = "",
    once: Once | None = None,
) -> Issued:
    """Hand a member a coupon of any open batch, public or not. Raises as ``claim_coupon`` does."""
    batch = known_batch(batch_id)
    require_touch(actor, "coupons.issue", mall=batch.mall_id)
    return _issue(actor, batch, member_id, now, once, source, reference, person_id=None, is_public=False)


def _issue(
    actor: Viewer,
    batch: KnownBatch,
    member_id: int,
    now: dt.datetime,
    once: Once | None,
    source: str,
    reference: str,
    *,
    person_id: int | None,
    is_public: bool,
) -> Issued:
    valid_from, valid_until = validity_of(batch.terms, now, batch.zone)
    code = new_code()
    key = (once.scope, once.key, once.digest) if once else (None, None, None)
    answer = from_json(
        call(
            "SELECT offers_claim(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *key,
                batch.id,
                member_id,
                person_id,
                is_public,
                code,
                valid_from,
                valid_until,
                source,
                reference[:80],
                to_json(_event(batch, source, valid_until)),
                now,
                actor.audit_id,
            ],
        )
    )
    if "refused" in answer:
        raise _REFUSALS[answer["refused"]]
    if "replayed" in answer:
        return _replayed(answer["replayed"])
    wake()
    return Issued(answer["coupon"]["coupon_id"], code, batch.id, member_id, valid_from, valid_until)


def _event(batch: KnownBatch, source: str, valid_until: dt.datetime) -> dict[str, Any]:
    """The fact's data; the database fills in the coupon and the person."""
    return fact_data(CouponIssued(0, batch.id, 0, source, valid_until))


def _replayed(body: dict[str, Any]) -> Issued:
    moments = {name: dt.datetime.fromisoformat(body[name]) for name in ("valid_from", "valid_until")}
    return Issued(**{**body, **moments}, replayed=True)


@dataclass(frozen=True, slots=True)
class Pushed:
    """``skipped`` were at their limit or may not receive (frozen, closed, unknown)."""

    issued: int
    skipped: int


@transaction.atomic
def issue_to_members(
    *,
    actor: Viewer,
    batch_id: int,
    member_ids: Sequence[int],
    now: dt.datetime,
    reason: str = "",
    source: str = PUSHED,
    reference: str = "",
) -> Pushed:
    """One coupon for each of up to 50,000 members, in one statement; none at all when the stock does not reach.

    ``reference`` names what they were given for, for ``queries.uses_by_reference``.

    Raises BatchNotFound, NotForMembers, SoldOut, ClaimOver, Invalid, NotAllowed.
    """
    batch = known_batch(batch_id)
    require_touch(actor, "coupons.issue", mall=batch.mall_id)
    ids = sorted(set(member_ids))
    if not 0 < len(ids) <= MEMBERS_MAX:
        raise Invalid
    row = CouponBatch.objects.get(id=batch_id)
    if row.is_bearer:
        raise NotForMembers
    valid_from, valid_until = validity_of(batch.terms, now, batch.zone)
    if now >= row.claim_until or valid_until <= now:
        raise ClaimOver
    codes = [new_code() for _id in ids]
    event = to_json(_event(batch, source, valid_until))
    issued = call(
        "SELECT offers_issue(%s, %s::bigint[], %s::text[], %s, %s, %s, %s, %s, %s, %s)",
        [batch_id, ids, codes, valid_from, valid_until, source, reference[:80], event, now, actor.audit_id],
    )
    audit.record(
        actor=actor,
        action="coupon_batch.push",
        subject=("coupon_batch", batch_id),
        after={"asked": len(ids), "issued": issued},
        reason=reason,
        now=now,
    )
    return Pushed(issued, len(ids) - issued)


@transaction.atomic
def make_codes(*, actor: Viewer, batch_id: int, count: int, now: dt.datetime) -> list[str]:
    """So many bearer codes. Raises BatchNotFound, NotForBearers, NotOpen, SoldOut, ClaimOver, Invalid, NotAllowed."""
    if not 0 < count <= CODES_MAX:
        raise Invalid
    return _add_codes(actor, batch_id, [new_code() for _ in range(count)], MADE, now)


@transaction.atomic
def import_codes(*, actor: Viewer, batch_id: int, codes: Sequence[str], now: dt.datetime) -> int:
    """Foreign codes (a brand's own vouchers) become bearer coupons of the batch; how many. All of them or none.

    Raises CodesUnusable (naming the first ones: malformed, twice in the list, or taken) and as ``make_codes`` does.
    """
    require_touch(actor, "coupons.issue", mall=known_batch(batch_id).mall_id)
    cleaned = [read_code(code) for code in codes if code.strip()]
    if not 0 < len(cleaned) <= CODES_MAX:
        raise Invalid
    bad = [code for code in cleaned if not is_importable(code)]
    seen: set[str] = set()
    bad += [code for code in cleaned if code in seen or seen.add(code)]  # type: ignore[func-returns-value]
    bad += list(Coupon.objects.filter(code__in=cleaned).values_list("code", flat=True)[:20])
    if bad:
        raise CodesUnusable(codes=", ".join(code[:40] for code in dict.fromkeys(bad[:5])))
    return len(_add_codes(actor, batch_id, cleaned, IMPORTED, now))


def _add_codes(actor: Viewer, batch_id: int, codes: list[str], source: str, now: dt.datetime) -> list[str]:
    batch = known_batch(batch_id)
    require_touch(actor, "coupons.issue", mall=batch.mall_id)
    row = CouponBatch.objects.select_for_update(of=("self",)).get(id=batch_id)
    if not row.is_bearer:
        raise NotForBearers
    if row.status != CouponBatch.Status.OPEN:
        raise NotOpen
    if row.issued + len(codes) > row.stock:
        raise SoldOut
    valid_from, valid_until = validity_of(batch.terms, now, batch.zone)
    if valid_until <= now:
        raise ClaimOver
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO offers_coupon (batch_id, code, status, valid_from, valid_until, source, reference, issued_at,
                issued_by, end_reason)
            SELECT %s, code, 'issued', %s, %s, %s, '', %s, %s, '' FROM unnest(%s::text[]) AS code""",
            [batch_id, valid_from, valid_until, source, now, actor.audit_id, codes],
        )
    row.issued += len(codes)
    row.save(update_fields=["issued"])
    audit.record(
        actor=actor,
        action="coupon_batch.codes",
        subject=("coupon_batch", batch_id),
        after={"codes": len(codes), "source": source},
        now=now,
    )
    events.publish(CodesAdded(batch_id, len(codes), source), actor=actor, now=now)
    return codes


@transaction.atomic
def void_coupon(*, actor: Viewer, coupon_id: int, reason: str, now: dt.datetime) -> None:
    """Take a coupon out for good, with a reason. It stays counted as issued.

    Raises CouponNotFound, NotVoidable (locked, used, ended), ReasonMissing, NotAllowed. Voided before: nothing to do.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    coupon = Coupon.objects.select_for_update(of=("self",)).filter(id=coupon_id).first()
    if coupon is None:
        raise CouponNotFound
    if not may_touch(actor, "coupons.issue", mall=known_batch(coupon.batch_id).mall_id):
        raise NotAllowed
    if coupon.status == Coupon.Status.VOID:
        return
    if coupon.status != Coupon.Status.ISSUED:
        raise NotVoidable
    coupon.status, coupon.ended_at, coupon.end_reason = Coupon.Status.VOID, now, reason[:200]
    coupon.save(update_fields=["status", "ended_at", "end_reason"])
    audit.record(
        actor=actor,
        action="coupon.void",
        subject=("coupon", coupon_id),
        after={"status": "void"},
        reason=reason,
        now=now,
    )
    person_id = person_id_of(coupon.member_id) if coupon.member_id is not None else None
    events.publish(CouponVoided(coupon.pk, coupon.batch_id, person_id, reason[:200]), actor=actor, now=now)


@transaction.atomic
def hand_out_codes(*, actor: Viewer, batch_id: int, now: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """(code, end) of every bearer code that can still be used, for printing. Whoever holds a code has the coupon, so it
    is audited first. Raises BatchNotFound, NotForBearers, NotAllowed.
    """
    batch = known_batch(batch_id)
    require_touch(actor, "coupons.issue", mall=batch.mall_id)
    if not CouponBatch.objects.filter(id=batch_id, is_bearer=True).exists():
        raise NotForBearers
    rows = Coupon.objects.filter(
        batch_id=batch_id, status=Coupon.Status.ISSUED, valid_until__gt=now
    ).order_by("id")
    found = list(rows.values_list("code", "valid_until"))
    audit.record(
        actor=actor,
        action="coupon_batch.export",
        subject=("coupon_batch", batch_id),
        after={"codes": len(found)},
        now=now,
    )
    return found
