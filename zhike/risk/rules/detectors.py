"""The detectors: each weighs the deeds of one subject and says what speaks against it, or nothing. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from zhike.risk.rules.deeds import (
    ADJUSTED,
    CASHIER,
    CLAIM,
    CLAWED,
    COUPON,
    DESK,
    FORGED,
    INVITED,
    JOINED,
    MEMBER,
    PHONE,
    REDEEMED,
    SALE,
    SHARED,
    Deed,
    Detector,
    Finding,
    Norms,
    Param,
    Params,
    gains,
    ratio,
)

ELSEWHERE = dt.timedelta(minutes=20)
"""Nobody pays in two shops within so short a time, one of the receipts was somebody else's."""


def velocity(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Too many purchases in an hour or on a day, too many points on a day, too many redemptions on a day; or a day far
    above the member's own and the mall's norm. The worst of them is told. When a receipt is claimed says nothing of when
    it was bought, so claims count for points only."""
    bought = [deed for deed in deeds if deed.kind == SALE]
    gained = [deed for deed in deeds if deed.kind in (SALE, CLAIM)]
    spent = [deed for deed in deeds if deed.kind == REDEEMED]
    found = [
        _most_within(bought, dt.timedelta(hours=1), params["receipts_hour"], "receipts_hour"),
        _most_on_day(bought, params["receipts_day"], "receipts_day"),
        _most_on_day(spent, params["redemptions_day"], "redemptions_day"),
        _points_on_day(gained, params["points_day"]),
        _above_norm(bought, params, norms),
    ]
    told = [one for one in found if one is not None]
    return max(told, key=lambda one: one.weight) if told else None


def _finding(name: str, count: int, limit: int, deeds: Sequence[Deed]) -> Finding:
    return Finding({name: count, "limit": limit}, tuple(deeds), ratio(count, limit), gains(deeds))


def _most_within(deeds: Sequence[Deed], span: dt.timedelta, limit: int, name: str) -> Finding | None:
    """The span in which most of them fall, if they reach the limit."""
    best: Sequence[Deed] = ()
    first = 0
    for last, deed in enumerate(deeds):
        while deed.at - deeds[first].at > span:
            first += 1
        if last - first + 1 > len(best):
            best = deeds[first : last + 1]
    return _finding(name, len(best), limit, best) if len(best) >= limit else None


def _by_day(deeds: Iterable[Deed]) -> dict[dt.date, list[Deed]]:
    days: dict[dt.date, list[Deed]] = defaultdict(list)
    for deed in deeds:
        days[deed.local.date()].append(deed)
    return days


def _most_on_day(deeds: Sequence[Deed], limit: int, name: str) -> Finding | None:
    worst = max(_by_day(deeds).values(), key=len, default=[])
    return _finding(name, len(worst), limit, worst) if len(worst) >= limit else None


def _points_on_day(deeds: Sequence[Deed], limit: int) -> Finding | None:
    worst = max(_by_day(deeds).values(), key=gains, default=[])
    points = gains(worst)
    return _finding("points_day", points, limit, worst) if points >= limit else None


def _above_norm(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """A day of ``times_norm`` times the member's other days, and of what 99 of 100 days in the mall have."""
    days = _by_day(deeds)
    worst = max(days.values(), key=len, default=[])
    others = [len(day) for day in days.values() if day is not worst]
    if len(others) < params["own_days"] or not norms.receipts_day:
        return None
    usual = max(sum(others) / len(others), norms.receipts_day)
    limit = max(2, int(usual * params["times_norm"]))
    if len(worst) < limit:
        return None
    figures = {"receipts_day": len(worst), "norm": round(usual), "times": params["times_norm"]}
    return Finding(figures, tuple(worst), ratio(len(worst), limit), gains(worst))


def cashier_self(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """One cashier rings up the same few members over and over: their own cards, or friends'. Corrections by hand of the
    same member by one of us count alike."""
    by_person: dict[int, list[Deed]] = defaultdict(list)
    members = 0
    for deed in deeds:
        if deed.kind in (SALE, CLAIM) or deed.points > 0:
            members += 1
            by_person[deed.person_id].append(deed)
    few = sorted(by_person.values(), key=len, reverse=True)[: params["few"]]
    dense = [own for own in few if len(own) >= params["receipts"]]
    caught = [deed for own in dense for deed in own]
    if not caught or len(caught) * 100 < members * params["share"]:
        return None
    weight = max(ratio(len(own), params["receipts"]) for own in dense)
    points = sum(max(0, deed.points) for deed in caught)
    figures = {"receipts": len(caught), "members": len(dense), "share": len(caught) * 100 // members}
    return Finding(figures, _in_order(caught), weight, points)


def _in_order(deeds: Iterable[Deed]) -> tuple[Deed, ...]:
    return tuple(sorted(deeds, key=lambda deed: (deed.at, deed.position)))


def lent_receipts(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Receipts of strangers: claimed long after the purchase, for much money, or of a moment at which the member paid
    elsewhere."""
    late = dt.timedelta(hours=params["late_hours"])
    own = [deed for deed in deeds if deed.kind == SALE]
    strange = []
    for deed in deeds:
        if deed.kind != CLAIM or deed.began_at is None:
            continue
        began = deed.began_at
        is_late = deed.at - began >= late
        is_elsewhere = any(
            abs(one.at - began) <= ELSEWHERE and one.merchant_id != deed.merchant_id for one in own
        )
        if is_elsewhere or (is_late and deed.fen >= params["least_fen"]):
            strange.append(deed)
    if len(strange) < params["claims"]:
        return None
    figures = {
        "claims": len(strange),
        "fen": sum(deed.fen for deed in strange),
        "hours": sum(int((deed.at - (deed.began_at or deed.at)).total_seconds() // 3600) for deed in strange)
        // len(strange),
    }
    return Finding(figures, tuple(strange), ratio(len(strange), params["claims"]), gains(strange))


def return_farming(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Bought, points spent, goods brought back: again and again the points are gone when they are to be taken back."""
    owed = [deed for deed in deeds if deed.kind == CLAWED and deed.owed > 0]
    spent = [deed for deed in deeds if deed.kind == REDEEMED]
    total = sum(deed.owed for deed in owed)
    if not spent or len(owed) < params["returns"] or total < params["points"]:
        return None
    concerned = {deed.receipt for deed in owed if deed.receipt}
    bought = [deed for deed in deeds if deed.kind in (SALE, CLAIM) and deed.receipt in concerned]
    figures = {"returns": len(owed), "points": total, "redemptions": len(spent)}
    weight = max(ratio(len(owed), params["returns"]), ratio(total, params["points"]))
    return Finding(figures, _in_order([*bought, *spent, *owed]), weight, total)


def referral_ring(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Many invited, and nearly all of them bought once, for little, or never: they joined for the reward."""
    invited = {deed.person_id: deed for deed in deeds if deed.kind == INVITED}
    if len(invited) < params["invited"]:
        return None
    bought: dict[int, list[Deed]] = defaultdict(list)
    for deed in deeds:
        if deed.kind in (SALE, CLAIM) and deed.person_id in invited:
            bought[deed.person_id].append(deed)
    hollow = [
        person_id
        for person_id in invited
        if len(bought[person_id]) <= 1 and sum(deed.fen for deed in bought[person_id]) <= params["most_fen"]
    ]
    if len(hollow) < params["invited"] or len(hollow) * 100 < len(invited) * params["share"]:
        return None
    figures = {"invited": len(invited), "hollow": len(hollow)}
    evidence = [invited[person_id] for person_id in hollow]
    evidence += [deed for person_id in hollow for deed in bought[person_id]]
    points = sum(deed.points for deed in invited.values())
    return Finding(figures, _in_order(evidence), ratio(len(hollow), params["invited"]), points)


def duplicate_persons(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """One phone, many members: the same device or identifier led to several persons."""
    others: dict[int, Deed] = {}
    for deed in deeds:
        if deed.kind == SHARED and deed.other is not None:
            others.setdefault(deed.other, deed)
    if len(others) < params["persons"]:
        return None
    weight = ratio(len(others), params["persons"])
    return Finding({"persons": len(others)}, _in_order(others.values()), weight)


def coupon_farming(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """A desk enrols many on one day, each takes the welcome gift, and hardly any of them is ever seen to buy."""
    joined = [deed for deed in deeds if deed.kind == JOINED]
    worst = max(_by_day(joined).values(), key=len, default=[])
    persons = {deed.person_id for deed in worst}
    if len(persons) < params["joined"]:
        return None
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    for deed in deeds:
        kinds[deed.person_id][deed.kind] += 1
    vanished = [
        one for one in persons if kinds[one][COUPON] and not kinds[one][SALE] and not kinds[one][CLAIM]
    ]
    if len(vanished) < params["joined"] or len(vanished) * 100 < len(persons) * params["share"]:
        return None
    evidence = [deed for deed in deeds if deed.person_id in vanished and deed.kind in (JOINED, COUPON)]
    figures = {"joined": len(persons), "vanished": len(vanished)}
    return Finding(figures, _in_order(evidence), ratio(len(vanished), params["joined"]))


def takeover(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Points are spent soon after the phone number changed: perhaps somebody else is in the account now."""
    span = dt.timedelta(hours=params["hours"])
    changed = [deed for deed in deeds if deed.kind == PHONE]
    for change in reversed(changed):
        spent = [
            deed for deed in deeds if deed.kind == REDEEMED and dt.timedelta(0) <= deed.at - change.at <= span
        ]
        points = sum(deed.points for deed in spent)
        if spent and points >= params["points"]:
            hours = int((spent[0].at - change.at).total_seconds() // 3600)
            figures = {"points": points, "hours": hours}
            weight = ratio(points, params["points"])
            return Finding(figures, _in_order([change, *spent]), weight, points)
    return None


def false_photos(deeds: Sequence[Deed], params: Params, norms: Norms) -> Finding | None:
    """Photographs of receipts that were refused again and again, as altered or as counted before."""
    refused = [deed for deed in deeds if deed.kind == FORGED]
    if len(refused) < params["photos"]:
        return None
    fen = sum(deed.fen for deed in refused)
    figures = {"photos": len(refused), "fen": fen}
    return Finding(figures, _in_order(refused), ratio(len(refused), params["photos"]))


DETECTORS: dict[str, Detector] = {
    one.code: one
    for one in (
        Detector(
            "velocity", MEMBER, (SALE, CLAIM, REDEEMED),
            (
                Param("receipts_hour", 5, 2, 1_000),
                Param("receipts_day", 10, 2, 1_000),
                Param("points_day", 30_000, 1, 100_000_000, "points"),
                Param("redemptions_day", 5, 2, 1_000),
                Param("times_norm", 4, 2, 100),
                Param("own_days", 3, 1, 30),
            ),
            velocity, counted=3,
        ),
        Detector(
            "cashier_self", CASHIER, (SALE, CLAIM, ADJUSTED),
            (
                Param("receipts", 8, 2, 10_000),
                Param("few", 3, 1, 50),
                Param("share", 30, 1, 100, "percent"),
            ),
            cashier_self, least=lambda params: params["receipts"], counted=3,
        ),
        Detector(
            "lent_receipts", MEMBER, (CLAIM, SALE),
            (
                Param("claims", 4, 1, 1_000),
                Param("late_hours", 24, 0, 8_760, "hours"),
                Param("least_fen", 20_000, 0, 100_000_000_00, "fen"),
            ),
            lent_receipts, least=lambda params: params["claims"],
        ),
        Detector(
            "return_farming", MEMBER, (CLAWED, SALE, CLAIM, REDEEMED),
            (Param("returns", 2, 1, 1_000), Param("points", 300, 1, 100_000_000, "points")),
            return_farming, days=60, least=lambda params: params["returns"],
        ),
        Detector(
            "referral_ring", MEMBER, (INVITED,),
            (
                Param("invited", 5, 2, 10_000),
                Param("share", 80, 1, 100, "percent"),
                Param("most_fen", 10_000, 0, 100_000_000_00, "fen"),
            ),
            referral_ring, days=60, around=(SALE, CLAIM), least=lambda params: params["invited"],
        ),
        Detector(
            "duplicate_persons", MEMBER, (SHARED,),
            (Param("persons", 3, 1, 1_000),),
            duplicate_persons, days=60, least=lambda params: params["persons"],
        ),
        Detector(
            "coupon_farming", DESK, (JOINED,),
            (Param("joined", 8, 2, 100_000), Param("share", 80, 1, 100, "percent")),
            coupon_farming, around=(COUPON, SALE, CLAIM), least=lambda params: params["joined"],
        ),
        Detector(
            "takeover", MEMBER, (PHONE, REDEEMED),
            (Param("hours", 24, 1, 720, "hours"), Param("points", 500, 1, 100_000_000, "points")),
            takeover,
        ),
        Detector(
            "false_photos", MEMBER, (FORGED,),
            (Param("photos", 2, 1, 1_000),),
            false_photos, days=90, least=lambda params: params["photos"],
        ),
    )
}  # fmt: skip
"""By code, in the order in which pages list them."""
DAYS_MAX = max(one.days for one in DETECTORS.values())
