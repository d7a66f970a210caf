"""Who may be leaving: planted, found, explained; a run that broke off goes on, and who refused is in nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.insight.leavers import DAY, SYSTEM, Crowd, crowd
from tests.people import NOW, Crew, Malls, publish_policy
from zhike.insight import _churn as models
from zhike.insight import operations, queries
from zhike.insight.models import ChurnScore, ModelRun
from zhike.insight.operations import churn
from zhike.insight.queries.churn import feature_rows
from zhike.insight.rules import churn as rules
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.privacy import operations as privacy
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("C053")
HORIZONS: dict[int | None, int] = {None: 45}


def refuse(there: Crowd, member_id: int, malls: Malls, now: dt.datetime) -> None:
    publish_policy(malls, now=NOW - 400 * DAY)
    privacy.record_consents(
        actor=SYSTEM, person_id=there.person_of[member_id], decisions=[privacy.Decision("personalisation", "any", "refused")],
        method="counter", policy_version="2026-01", evidence={"screen": "test"}, now=now,
    )  # fmt: skip


def test_the_model_finds_what_the_baseline_cannot(
    malls: Malls, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: who buys at a discount leaves. Trees see it; the baseline sees only how often and how lately."""
    there = crowd(malls, 500)
    silent = there.members[3]
    refuse(there, silent, malls, NOW - DAY)
    run_id = operations.fit_churn(actor=SYSTEM, now=NOW)
    card = queries.model_run(SYSTEM, run_id)
    assert (card.state, card.fault) == ("done", "")
    whole = card.whole
    assert whole["winner"] == "trees" and whole["gain"][1] > 0
    assert whole["trees"]["auc"] > max(whole["baseline"]["auc"], whole["alive"]["auc"])
    assert whole["trees"]["brier"] < whole["baseline"]["brier"]
    assert whole["trees"]["tops"][1]["lift"] > 1.5
    assert all(abs(one["said"] - one["came"]) < 0.2 for one in whole["reliability"])
    assert card.parameters["weights"][0][0] in ("discount_share", "recency_days")
    scored = dict(ChurnScore.objects.values_list("member_id", "risk_bp"))
    assert silent not in scored
    assert card.members == len(scored)
    _reasons(there)
    monkeypatch.setattr(churn, "CHUNK", max(there.members) - 100)
    _next_night(malls, there)
    with pytest.raises(NotAllowed):
        queries.model_run(crew.wang, run_id)
    assert queries.churn_list(crew.wang)
    assert queries.churn_list(crew.qian) == []
    with pytest.raises(NotAllowed):
        operations.fit_churn(actor=crew.wang, now=NOW)


def _reasons(there: Crowd) -> None:
    found = queries.churn_list(SYSTEM, band="high")
    assert found and all(one.risk_bp >= rules.HIGH and len(one.reasons) == 3 for one in found)
    hunters = [one for one in found if one.member_id in there.hunters]
    assert len(hunters) > 0.9 * len(found)
    assert any(reason.code == "discount_share" and reason.adds > 0 for reason in hunters[0].reasons)
    assert hunters[0].action == "coupon"
    assert sum(row.members for row in queries.churn_bands(SYSTEM)) == ChurnScore.objects.count()
    high, fits = queries.churn_bands(SYSTEM)[0], {"field": "churn_risk", "op": "at_least", "value": 70}
    tree = queries.parse({"match": "all", "of": [fits]})
    assert queries.preview_count(SYSTEM, tree, None, NOW) == high.members


def _next_night(malls: Malls, there: Crowd) -> None:
    """Who refused meanwhile is gone at once; the run breaks off, goes on, and says how far things moved."""
    leaver = queries.churn_list(SYSTEM)[0].member_id
    refuse(there, leaver, malls, NOW + DAY / 2)
    assert queries.churn_of(leaver) is None
    assert leaver not in [one.member_id for one in queries.churn_list(SYSTEM)]
    broken = churn._fitted(SYSTEM, NOW + DAY)
    assert churn._score_more(SYSTEM, broken.pk, NOW + DAY)
    assert 0 < ChurnScore.objects.filter(run=broken).count() < len(there.members) - 2
    again = queries.model_run(SYSTEM, operations.fit_churn(actor=SYSTEM, now=NOW + DAY * 1.2))
    assert again.id == broken.pk
    assert again.score_drift == "stable"
    assert len(again.drift_rows) == len(rules.CODES)
    assert not ChurnScore.objects.filter(member_id=leaver).exists()
    assert set(ChurnScore.objects.values_list("run_id", flat=True)) == {again.id}
    assert ModelRun.objects.exclude(model=None).count() == 1
    assert AuditEntry.objects.filter(action="churn.fit").count() == 2
    assert Event.objects.filter(type="zhike.insight.churn_scored").count() == 2


def test_no_figure_knows_the_future(malls: Malls) -> None:
    """Receipts after the moment change the label only; a run broken off goes on where it was."""
    there = crowd(malls, 60, seed=2)
    before = feature_rows(NOW, 1, HORIZONS)
    kept = Receipt.objects.filter(occurred_at__lt=NOW - 45 * DAY)
    Receipt.objects.exclude(pk__in=kept.values("pk")).delete()
    after = feature_rows(NOW, 1, HORIZONS)
    assert [(*row[:2], *row[3:]) for row in before] == [(*row[:2], *row[3:]) for row in after]
    assert all(row[2] for row in after) and not all(row[2] for row in before)
    assert {row[0] for row in after} <= set(there.members)
    run_id = operations.fit_churn(actor=SYSTEM, now=NOW)
    assert queries.model_run(SYSTEM, run_id).fault == "too-few"
    assert not ChurnScore.objects.exists()


def test_the_baseline_stays_where_nothing_is_gained() -> None:
    """What the trees say is what the baseline says: no resample can prefer them."""
    import numpy as np

    rng = np.random.default_rng(1)
    gone = (rng.random(400) < 0.5).astype(int)
    score = gone + rng.normal(0, 1, 400)
    assert models.gain(score, score, gone) == (0.0, 0.0, 0.0)
    better = models.gain(score + gone, score, gone)
    assert better[0] > 0 and better[1] > 0
    assert models.auc(np.array([1.0, 1, 1, 1]), np.array([0, 1, 0, 1])) == 0.5
    assert models.auc(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1])) == 1.0
    assert models.psi([0.5, 0.5], [0.5, 0.5]) == 0 and models.psi([0.9, 0.1], [0.1, 0.9]) > rules.SHIFTED


@pytest.mark.parametrize(
    ("risk", "figures", "value", "action"),
    [
        (8_000, {}, 90_000, "call"),
        (8_000, {"coupons_used": 1}, 0, "coupon"),
        (8_000, {"points_balance": 2_000}, 0, "points"),
        (8_000, {"messages_read_90": 1}, 0, "message"),
        (8_000, {}, 0, "offer"),
        (5_000, {"online_30": 3}, 0, "online"),
        (5_000, {}, 0, "invite"),
        (1_000, {}, 90_000, "thank"),
        (1_000, {}, 0, "none"),
    ],
)
def test_what_to_do(risk: int, figures: dict[str, float], value: int, action: str) -> None:
    assert rules.action_of(risk, figures, value, 50_000) == action


def test_horizons_by_mall(malls: Malls, crew: Crew) -> None:
    policy = operations.ChurnPolicy(30)
    operations.publish_churn_policy(
        actor=crew.wang, group_id=malls.group, mall_id=malls.star, policy=policy, now=NOW
    )
    assert queries.churn_policies() == {None: operations.ChurnPolicy(), malls.star: policy}
    with pytest.raises(NotAllowed):
        operations.publish_churn_policy(
            actor=crew.qian, group_id=malls.group, mall_id=malls.star, policy=policy, now=NOW
        )
    with pytest.raises(operations.PolicyUnusable):
        operations.publish_churn_policy(
            actor=crew.wang,
            group_id=malls.group,
            mall_id=malls.star,
            policy=operations.ChurnPolicy(2),
            now=NOW,
        )
    assert rules.horizon_within(policy, 80) == 20
