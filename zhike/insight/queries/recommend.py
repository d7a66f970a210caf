"""Recommendations for one member, with the reason of each; and how good they were.

The list is made when it is asked for, from the receipts and the log as they are: whatever a member does counts at once. What goes
with what is from the newest fit.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection
from django.db.models import F, Q

from zhike.customers import queries as customers
from zhike.insight.events import RecommendationChosen, RecommendationsShown
from zhike.insight.models import BasketRule, BasketRun, RecommendItem, RecommendRefusal, RecommendRun
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries._standing_sql import profiled
from zhike.insight.rules import recommend as rules
from zhike.insight.rules.recommend import Candidate, Choice, Known, Source, Why
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.sales import queries as sales

WINDOW = dt.timedelta(days=365)
VISITS = 40
LOOKED = dt.timedelta(days=14)
LOOKS = ("product_viewed", "product_added", "product_added_to_wishlist")
POPULAR_MOST = 80
CANDIDATES_MOST = 400
LIMIT = 12
RECENT_ITEMS = 12
PAIR = 16
"""Bytes of a neighbour."""

Basis = Literal["personal", "refused", "unknown", "not-fitted"]


@dataclass(frozen=True, slots=True)
class Recommended:
    """One recommendation. ``place`` is the merchant of a product; ``because`` the name of what speaks for it.

    ``times``: so often bought; ``share``: a basket rule's confidence; ``price_fen`` None where unknown.
    """

    kind: str
    id: int
    name: str
    merchant_id: int | None
    place: str
    price_fen: int | None
    source: Source
    because: str
    times: int
    share: float
    score: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Recommendations:
    """``basis``: personal; or popular only, because the member refused personalisation (refused), bought and looked at nothing
    yet (unknown), or nothing was fitted yet (not-fitted).
    """

    basis: Basis
    run_id: int | None
    products: tuple[Recommended, ...] = ()
    merchants: tuple[Recommended, ...] = ()
    coupons: tuple[Recommended, ...] = ()


@dataclass(frozen=True, slots=True)
class RecommendRunView:
    """A model card. ``holdout``: people, k, and by method recall, ndcg, hit."""

    id: int
    kind: str
    ran_at: dt.datetime
    people: int
    items: int
    parameters: dict[str, float]
    holdout: dict[str, Any]
    took_ms: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """One member's situation. ``person_ids`` empty: nothing about them may be used."""

    person_ids: tuple[int, ...]
    person_id: int
    mall_id: int | None
    merchant_id: int | None
    now: dt.datetime
    limit: int


def recommendations(
    viewer: Viewer,
    member_id: int,
    now: dt.datetime,
    *,
    kinds: Collection[str] = rules.KINDS,
    limit: int = LIMIT,
    mall_id: int | None = None,
    merchant_id: int | None = None,
    presented: bool = False,
) -> Recommendations:
    """What to show a member next, best first, each with its reason; nothing of a merchant that is closed.

    ``mall_id`` is where they are, otherwise their own mall; ``merchant_id`` narrows products to one merchant. ``presented``: the
    member stands at the counter. Who refused personalisation, or may not be profiled, gets what is popular. Raises MemberNotFound.
    """
    person_id, home_id = loyalty.member_place(viewer, member_id, presented=presented)
    limit = min(max(limit, 1), rules.LIST_MAX)
    may_use = may_be_profiled(person_id, now)
    family = customers.family(person_id) if may_use else ()
    needed = {"merchant" if kind == "coupon" else kind for kind in kinds}
    asked = _Asked(family, person_id, mall_id or home_id, merchant_id, now, limit)
    runs = {kind: _newest_run(kind) if kind in needed else None for kind in ("product", "merchant")}
    found: dict[str, tuple[Recommended, ...]] = {}
    is_known = False
    liked: dict[int, float] = {}
    if "merchant" in kinds or "coupon" in kinds:
        known, choices, scores = _list(asked, runs["merchant"], "merchant")
        is_known |= bool(known.bought)
        liked = {item: value for item, (value, _why) in scores.items()}
        if "merchant" in kinds:
            found["merchants"] = _merchants(choices)
    if "product" in kinds:
        known, choices, _scores = _list(asked, runs["product"], "product")
        is_known |= bool(known.bought or known.viewed)
        found["products"] = _products(choices, merchant_id)
    if "coupon" in kinds:
        found["coupons"] = _coupons(viewer, member_id, asked, liked) if not presented else ()
    basis: Basis = "personal" if is_known else "unknown"
    if not may_use:
        basis = "refused"
    elif not any(runs.values()):
        basis = "not-fitted"
    return Recommendations(basis, runs["product"] or runs["merchant"], **found)


def may_be_profiled(person_id: int, now: dt.datetime) -> bool:
    """Not who refused personalisation, is a child, or is restricted or gone."""
    if privacy.decisions_on([person_id], "personalisation").get(person_id) in ("refused", "withdrawn"):
        return False
    return not customers.not_to_be_profiled([person_id], now.date())


def _newest_run(kind: str) -> int | None:
    return RecommendRun.objects.filter(kind=kind).order_by("-id").values_list("id", flat=True).first()


def _list(
    asked: _Asked, run_id: int | None, kind: Literal["product", "merchant"]
) -> tuple[Known, list[Choice], dict[int, tuple[float, Why]]]:
    known = _known(asked, kind)
    if run_id is None:
        return known, [], {}
    wanted = {*known.bought, *known.viewed}
    rows = RecommendItem.objects.filter(run=run_id, item__in=wanted).values_list("item", "neighbours")
    neighbours = {item: _pairs(near) for item, near in rows} if wanted else {}
    popular = _popular(asked, run_id)
    most = max((one[1] for one in popular.values()), default=0) or 1
    scores = rules.scored(
        known,
        neighbours,
        {item: recent / most for item, (_one, recent) in popular.items()},
        _rules(asked, known, kind),
    )
    candidates = {item: one for item, (one, _recent) in popular.items()}
    best = sorted(scores, key=lambda item: -scores[item][0])[:CANDIDATES_MOST]
    missing = [item for item in best if item not in candidates]
    candidates |= _candidates(run_id, missing)
    if asked.mall_id is not None or asked.merchant_id is not None:
        candidates = {item: one for item, one in candidates.items() if _is_here(one, asked)}
    refused = RecommendRefusal.objects.filter(person_id__in=[asked.person_id, *asked.person_ids], kind=kind)
    choices = rules.chosen(
        scores,
        candidates,
        known,
        refused=set(refused.values_list("item", flat=True)),
        open_merchants=_open({one.merchant_id for one in candidates.values()}),
        today=asked.now.date(),
        limit=asked.limit,
        per_merchant=asked.limit if asked.merchant_id is not None else rules.PER_MERCHANT,
    )
    return known, choices, scores


def _known(asked: _Asked, kind: Literal["product", "merchant"]) -> Known:
    """What they bought in their last visits, and what they looked at online in the last days."""
    if not asked.person_ids:
        return Known()
    visits = sales.bought_by(asked.person_ids, kind, asked.now - WINDOW, asked.now, VISITS)
    looks: list[int] = []
    if kind == "product":
        seen = loyalty.behaviour_lately(asked.person_id, LOOKS, asked.now - LOOKED)
        skus = [str(one["sku"]) for _time, one in seen if one.get("sku")]
        ids = sales.products_with_sku(skus) if skus else {}
        looks = [ids[sku] for sku in skus if sku in ids]
    return rules.weights_of([(one.item, one.age, one.on) for one in visits], looks)


def _pairs(packed: bytes | memoryview) -> list[tuple[int, float]]:
    data = bytes(packed)
    items, weights = array("q"), array("d")
    half = len(data) // 2
    items.frombytes(data[:half])
    weights.frombytes(data[half:])
    return list(zip(items, weights, strict=True))


def packed(items: Sequence[int], weights: Sequence[float]) -> bytes:
    """As ``neighbours`` of an item are kept: all items, then all weights."""
    return array("q", items).tobytes() + array("d", weights).tobytes()


_COLUMNS = ("item", "merchant_id", "again_bp", "last_on")


def _popular(asked: _Asked, run_id: int) -> dict[int, tuple[Candidate, int]]:
    """What most people bought in the last 30 days here, with how many."""
    rows = RecommendItem.objects.filter(run=run_id)
    if asked.merchant_id is not None:
        rows = rows.filter(merchant_id=asked.merchant_id)
    elif asked.mall_id is not None:
        rows = rows.filter(mall_id=asked.mall_id)
    best = rows.order_by("-recent", "item").values_list(*_COLUMNS, "recent")[:POPULAR_MOST]
    return {row[0]: (Candidate(*row[:4]), row[4]) for row in best}


def _candidates(run_id: int, items: Sequence[int]) -> dict[int, Candidate]:
    if not items:
        return {}
    rows = RecommendItem.objects.filter(run=run_id, item__in=items).values_list(*_COLUMNS)
    return {row[0]: Candidate(*row) for row in rows}


def _is_here(candidate: Candidate, asked: _Asked) -> bool:
    if asked.merchant_id is not None:
        return candidate.merchant_id == asked.merchant_id
    merchant = organization.merchant_ref(candidate.merchant_id)
    return merchant is not None and merchant.mall_id == asked.mall_id


def _open(merchant_ids: Collection[int]) -> set[int]:
    refs = {pk: organization.merchant_ref(pk) for pk in merchant_ids}
    return {pk for pk, ref in refs.items() if ref is not None and ref.is_open}


def _rules(asked: _Asked, known: Known, kind: str) -> list[tuple[int, int, float]]:
    """Basket rules from one item that was bought lately, from the newest search of this mall, or of the whole group."""
    lately = sorted(known.bought, key=lambda item: -known.bought[item])[:RECENT_ITEMS]
    if not lately:
        return []
    done = BasketRun.objects.filter(level=kind, status=BasketRun.Status.DONE)
    known_here = done.filter(Q(mall=None) | Q(mall=asked.mall_id or 0)).order_by(
        F("mall").desc(nulls_last=True), "-id"
    )
    run_id = known_here.values_list("id", flat=True).first()
    if run_id is None:
        return []
    rows = BasketRule.objects.filter(
        run=run_id, lift__gt=1, q__lte=0.05, antecedent__in=[[item] for item in lately]
    )
    return [(one[0][0], one[1], one[2]) for one in rows.values_list("antecedent", "consequent", "confidence")]


def _names(kind: str, item_ids: Collection[int]) -> dict[int, str]:
    if kind == "product":
        return {pk: face.name for pk, face in sales.product_faces(list(item_ids)).items()}
    refs = {pk: organization.merchant_ref(pk) for pk in item_ids}
    return {pk: ref.name for pk, ref in refs.items() if ref is not None}


def _products(choices: Sequence[Choice], merchant_id: int | None) -> tuple[Recommended, ...]:
    """At a merchant's till nothing is said of what was bought elsewhere."""
    wanted = {one.item for one in choices} | {one.why.because for one in choices if one.why.because}
    faces = sales.product_faces(list(wanted))
    found = []
    for one in choices:
        face = faces.get(one.item)
        if face is None:
            continue
        merchant = organization.merchant_ref(face.merchant_id)
        because = faces.get(one.why.because or 0)
        if because is not None and merchant_id not in (None, because.merchant_id):
            because = None
        found.append(
            Recommended(
                "product",
                one.item,
                face.name,
                face.merchant_id,
                merchant.name if merchant else "",
                face.price_fen,
                one.why.source,
                because.name if because else "",
                one.why.times,
                one.why.share,
                one.score,
            )
        )
    return tuple(found)


def _merchants(choices: Sequence[Choice]) -> tuple[Recommended, ...]:
    names = _names(
        "merchant", {one.item for one in choices} | {one.why.because for one in choices if one.why.because}
    )
    return tuple(
        Recommended(
            "merchant",
            one.item,
            names.get(one.item, ""),
            one.item,
            "",
            None,
            one.why.source,
            names.get(one.why.because or 0, ""),
            one.why.times,
            one.why.share,
            one.score,
        )
        for one in choices
    )


def _coupons(
    viewer: Viewer, member_id: int, asked: _Asked, liked: dict[int, float]
) -> tuple[Recommended, ...]:
    """Coupons that the member can claim now: those first that are good where they like to be; then what others claim most."""
    refused = set(
        RecommendRefusal.objects.filter(person_id=asked.person_id, kind="coupon").values_list(
            "item", flat=True
        )
    )
    found = []
    for one in offers.claimable(viewer, member_id, asked.now):
        batch = one.batch
        if one.refusal is not None or batch.id in refused:
            continue
        best = _best_of(batch.terms.scope, liked)
        value = liked[best] if best is not None else 0.0
        asked_for = batch.issued / batch.stock
        is_personal = bool(asked.person_ids) and value > rules.POPULAR
        merchant = organization.merchant_ref(best) if best is not None else None
        found.append(
            Recommended(
                "coupon",
                batch.id,
                batch.name,
                best,
                merchant.name if merchant else "",
                None,
                "together" if is_personal else "popular",
                merchant.name if merchant and is_personal else "",
                0,
                0.0,
                value + rules.POPULAR * asked_for,
                f"{batch.value_text} {batch.condition_text}".strip(),
            )
        )
    found.sort(key=lambda one: (-one.score, one.id))
    return tuple(found[: asked.limit])


def _best_of(scope: Any, liked: dict[int, float]) -> int | None:
    """Where of all places a coupon is good they like to be most; None for one that is good everywhere, or nowhere of theirs."""
    if scope.merchants.is_open and scope.trade_categories.is_open:
        return None
    refs = {pk: organization.merchant_ref(pk) for pk in liked}
    good = [
        pk
        for pk, ref in refs.items()
        if ref is not None
        and scope.merchants.covers(pk)
        and scope.trade_categories.covers(ref.trade_category_id)
    ]
    return max(good, key=lambda pk: liked[pk], default=None)


# --- how good they are -----------------------------------------------------------------------------------------------


def recommend_runs(viewer: Viewer, limit: int = 10) -> list[RecommendRunView]:
    """Newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    names = RecommendRunView.__dataclass_fields__
    return [
        RecommendRunView(**{name: getattr(row, name) for name in names})
        for row in RecommendRun.objects.order_by("-id")[:limit]
    ]


def histories_of(kind: Literal["product", "merchant"], now: dt.datetime) -> list[tuple[Any, ...]]:
    """(person, item, mall, merchant, visits ago, day) of everybody who may be profiled, in the window before ``now``."""
    who = profiled(now).inside("SELECT DISTINCT m.person_id FROM ", "")
    statement = sales.visited_sql(kind, now - WINDOW, now).inside("SELECT b.* FROM (", ") b JOIN (")
    statement += who + Sql(") w USING (person_id)")
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


USAGE = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RecommendUsage:
    """Items shown at a place in the last 30 days, and how many were opened."""

    place: str
    kind: str
    shown: int
    opened: int

    @property
    def share(self) -> float | None:
        return self.opened / self.shown if self.shown else None


_USAGE = """SELECT data->>'place', data->>'kind',
    coalesce(sum(jsonb_array_length(data->'items')) FILTER (WHERE type = %s), 0), count(*) FILTER (WHERE type = %s)
    FROM kernel_event WHERE type IN (%s, %s) AND time >= %s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""


def recommend_usage(viewer: Viewer, now: dt.datetime) -> list[RecommendUsage]:
    """What members saw and opened, by place and kind, for who holds segments.view everywhere. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    shown, opened = RecommendationsShown.type, RecommendationChosen.type
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, [shown, opened, shown, opened, now - USAGE])
        return [RecommendUsage(row[0], row[1], int(row[2]), int(row[3])) for row in cursor.fetchall()]
