"""Three classifications by settings in versions, their changes, who would move first, and the four segments made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience, buy
from tests.people import NOW, Crew
from zhike.insight import operations, queries
from zhike.insight.models import ClassRun, MemberClass, StandingPolicy
from zhike.insight.rules.classes import ClassPolicy
from zhike.insight.rules.standing import BadPolicy
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import Event
from zhike.privacy import operations as privacy

pytestmark = pytest.mark.feature("C048")
NAMES = {"valuable": "高价值", "potential": "潜力", "usual": "一般", "lost": "流失"}


def classes() -> dict[int, tuple[str, str, str]]:
    rows = MemberClass.objects.values_list("member_id", "behaviour", "preference", "value")
    return {row[0]: row[1:] for row in rows}


def changes() -> list[tuple[int, str, str, str]]:
    rows = Event.objects.filter(type="zhike.insight.class_changed").order_by("position")
    return [(row.data["member_id"], row.data["kind"], row.data["before"], row.data["after"]) for row in rows]


def test_everybody_has_all_three(audience: Audience, who: Callable[..., set[int]]) -> None:
    """安 buys coffee on four days and a dress, 白 one jewel, 俄 noodles and a coffee on one day; 陈 refused, 冬 is a child."""
    assert operations.refresh_classes(actor=SYSTEM, now=NOW) == 0
    assert classes() == {
        audience.an: ("regular", "dining", "low"),
        audience.bai: ("occasional", "fashion", "high"),
        audience.e: ("occasional", "dining", "low"),
    }
    assert changes() == []
    assert who({"field": "value_class", "op": "is", "value": ["high"]}) == {audience.bai}
    assert who({"field": "behaviour_class", "op": "is", "value": ["regular"]}) == {audience.an}
    assert who({"field": "preference_class", "op": "is", "value": ["dining"]}) == {audience.an, audience.e}
    assert queries.class_rows(SYSTEM)["value"] == {"high": 1, "middle": 0, "low": 2, "none": 0}
    assert queries.classes_of(audience.chen) is None and queries.classes_of(audience.dong) is None


def test_a_change_is_told_once(audience: Audience) -> None:
    operations.refresh_classes(actor=SYSTEM, now=NOW)
    later = NOW + DAY
    buy(audience.malls, audience.persons[audience.an], audience.malls.fashion, 6_000_00, NOW + DAY / 2, later)
    assert operations.refresh_classes(actor=SYSTEM, now=later) == 1
    assert operations.refresh_classes(actor=SYSTEM, now=later) == 0
    assert changes() == [(audience.an, "value", "low", "high")]
    view = queries.classes_of(audience.an)
    assert view is not None and (view.value_since, view.behaviour_since) == (later, NOW)
    assert operations.refresh_classes(actor=SYSTEM, now=NOW + 400 * DAY) == 3
    assert set(classes().values()) == {("none", "none", "none")}
    assert ClassRun.objects.count() == 3
    assert queries.class_runs(SYSTEM)[-1][1]["value"] == {"none": 3}


@pytest.mark.feature("C059")
def test_who_would_move_before_it_is_in_force(audience: Audience, crew: Crew) -> None:
    operations.refresh_classes(actor=SYSTEM, now=NOW)
    draft = ClassPolicy(regular_from=2, frequent_from=4, middle_fen=5_000, high_fen=60_000, main_percent=90)
    moves = queries.class_moves(crew.wang, audience.malls.star, draft, NOW)
    assert moves["behaviour"].rows == (("regular", "frequent", 1),)
    assert moves["preference"].rows == (("dining", "mixed", 1),)
    assert moves["value"].rows == (("low", "high", 1),)
    assert (moves["value"].members, moves["value"].moving) == (2, 1)
    assert not StandingPolicy.objects.exists()
    given: dict[str, Any] = {"group_id": audience.malls.group, "mall_id": audience.malls.star, "now": NOW}
    with pytest.raises(NotAllowed):
        operations.publish_classes(actor=crew.qian, policy=draft, **given)
    for fault in ({"main_percent": 0}, {"regular_from": 9}, {"middle_fen": 10**10}, {"window_days": 0}):
        with pytest.raises(operations.PolicyUnusable):
            operations.publish_classes(actor=crew.wang, policy=replace(draft, **fault), **given)
    assert operations.publish_classes(actor=crew.wang, policy=draft, **given) == 1
    assert operations.publish_classes(actor=crew.wang, policy=draft, **given) == 1
    assert classes()[audience.an] == ("frequent", "mixed", "high")
    assert classes()[audience.e] == ("occasional", "dining", "low")
    assert len(changes()) == 3
    assert queries.class_policies()[None] == ClassPolicy()
    assert operations.publish_classes(actor=crew.wang, policy=ClassPolicy(), **given) == 2
    assert StandingPolicy.objects.count() == 2


def test_who_refuses_is_forgotten(audience: Audience) -> None:
    operations.refresh_standings(actor=SYSTEM, now=NOW)
    operations.refresh_classes(actor=SYSTEM, now=NOW)
    privacy.record_consents(
        actor=SYSTEM, person_id=audience.persons[audience.an], policy_version="2026-01", method="app", evidence={},
        decisions=[privacy.Decision("personalisation", "any", "refused")], now=NOW,
    )  # fmt: skip
    assert queries.classes_of(audience.an) is None
    assert queries.class_rows(SYSTEM)["behaviour"]["regular"] == 0
    operations.refresh_standings(actor=SYSTEM, now=NOW, person_ids=[audience.persons[audience.an]])
    assert audience.an not in classes()


@pytest.mark.feature("C050")
def test_four_segments_in_which_every_buyer_is_once(audience: Audience, crew: Crew) -> None:
    operations.refresh_standings(actor=SYSTEM, now=NOW)
    operations.refresh_classes(actor=SYSTEM, now=NOW)
    with pytest.raises(NotAllowed):
        operations.make_class_presets(actor=crew.wang, group_id=audience.malls.group, names=NAMES, now=NOW)
    ids = operations.make_class_presets(actor=SYSTEM, group_id=audience.malls.group, names=NAMES, now=NOW)
    assert ids == operations.make_class_presets(
        actor=SYSTEM, group_id=audience.malls.group, names=NAMES, now=NOW
    )
    members = {one.code: one.count for one in queries.segments(SYSTEM)}
    assert members == {"class-valuable": 1, "class-potential": 1, "class-usual": 1, "class-lost": 0}
    later = NOW + 100 * DAY
    operations.refresh_standings(actor=SYSTEM, now=later)
    operations.refresh_classes(actor=SYSTEM, now=later)
    operations.count_segments(actor=SYSTEM, now=later)
    after = {one.code: one.count for one in queries.segments(SYSTEM)}
    assert after == {"class-valuable": 0, "class-potential": 0, "class-usual": 2, "class-lost": 1}


def test_settings_that_make_no_sense() -> None:
    for fault in (
        {"discount_percent": 101},
        {"frequent_from": 4},
        {"high_fen": 100_000},
        {"window_days": 4_000},
    ):
        with pytest.raises(BadPolicy):
            replace(ClassPolicy(), **fault).checked()
