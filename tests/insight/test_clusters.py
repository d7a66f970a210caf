"""Members who are alike: planted kinds are found again, the same each time, and nobody who refused is in anything."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from tests.insight.alike import KINDS, Planted, planted
from tests.insight.leavers import DAY, SYSTEM
from tests.people import NOW, Crew, Malls, publish_policy
from zhike.insight import operations, queries
from zhike.insight.models import Cluster, ClusterMember, ModelRun
from zhike.insight.rules import clusters as rules
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.privacy import operations as privacy

pytestmark = pytest.mark.feature("C044")
RAND_LEAST = 0.9


def refuse(there: Planted, member_id: int, malls: Malls, now: dt.datetime) -> None:
    publish_policy(malls, now=NOW - 400 * DAY)
    privacy.record_consents(
        actor=SYSTEM, person_id=there.person_of[member_id], decisions=[privacy.Decision("personalisation", "any", "refused")],
        method="counter", policy_version="2026-01", evidence={"screen": "test"}, now=now,
    )  # fmt: skip


def belonging(run_id: int) -> dict[int, int]:
    return dict(ClusterMember.objects.filter(run_id=run_id).values_list("member_id", "cluster__number"))


def count(field: str, value: int) -> int:
    tree = queries.parse({"match": "all", "of": [{"field": field, "op": "is", "value": [value]}]})
    return queries.preview_count(SYSTEM, tree, None, NOW + DAY)


def test_planted_kinds_are_found_again(malls: Malls, crew: Crew) -> None:
    from sklearn.metrics import adjusted_rand_score

    there = planted(malls, 300)
    silent = next(iter(there.kind_of))
    refuse(there, silent, malls, NOW - DAY)
    run_id = operations.fit_clusters(actor=SYSTEM, now=NOW)
    card = queries.model_run(SYSTEM, run_id)
    assert (card.state, card.fault, card.members) == ("done", "", len(there.kind_of) - 1)
    assert (card.whole["k"], card.whole["reason"]) == (3, "best")
    assert card.whole["stability"] >= rules.STABLE_FROM
    assert {(one["method"], one["k"]) for one in card.whole["tried"]} == {
        (method, k) for method in rules.METHODS for k in range(rules.K_MIN, rules.K_MAX + 1)
    }
    found = belonging(run_id)
    assert silent not in found
    score = adjusted_rand_score([there.kind_of[one] for one in found], list(found.values()))
    assert score >= RAND_LEAST
    _profiles(there, found)
    _scope(malls, crew, there)
    _again(there, found)
    _refused_since(malls, there, found)


def _profiles(there: Planted, found: dict[int, int]) -> None:
    """Named by what sets them apart, with the trade category and the hours that their members prefer."""
    views = {one.number: one for one in queries.clusters(SYSTEM)}
    for kind, code in enumerate(KINDS):
        number = Counter(found[one] for one in found if there.kind_of[one] == kind).most_common(1)[0][0]
        view = views[number]
        assert code in view.proposed
        assert view.categories[0][0] == ("儿童", "服饰", "咖啡")[kind]
        assert view.categories[0][1] > view.categories[0][2] > 0
        assert len(view.hours) == 1
        assert view.apart and abs(view.effects[view.apart[0]]) >= rules.SHOWN_FROM
    assert sum(one.members for one in views.values()) == len(found)
    assert sum(one.share for one in views.values()) == pytest.approx(1)


def _scope(malls: Malls, crew: Crew, there: Planted) -> None:
    assert sum(one.members for one in queries.clusters(crew.wang)) == len(there.kind_of) - 1
    assert sum(one.members for one in queries.clusters(crew.qian)) == 0
    with pytest.raises(NotAllowed):
        queries.clusters(crew.li)
    first = queries.clusters(SYSTEM)[0]
    for actor in (crew.wang, crew.li):
        with pytest.raises(NotAllowed):
            operations.rename_cluster(actor=actor, cluster_id=first.id, name="别人的", now=NOW)
        with pytest.raises(NotAllowed):
            operations.fit_clusters(actor=actor, now=NOW)


def _again(there: Planted, found: dict[int, int]) -> None:
    """The same data give the same clusters, and what staff called one goes on with it, in conditions too."""
    first = queries.clusters(SYSTEM)[0]
    operations.rename_cluster(actor=SYSTEM, cluster_id=first.id, name=" 周末 亲子 ", now=NOW)
    with pytest.raises(operations.ClusterNameUnusable):
        operations.rename_cluster(
            actor=SYSTEM, cluster_id=queries.clusters(SYSTEM)[1].id, name="周末 亲子", now=NOW
        )
    with pytest.raises(queries.ClusterNotFound):
        operations.rename_cluster(actor=SYSTEM, cluster_id=0, name="无", now=NOW)
    again = operations.fit_clusters(actor=SYSTEM, now=NOW)
    assert belonging(again) == found
    follower = queries.clusters(SYSTEM)[0]
    assert (follower.kin, follower.name) == (first.id, "周末 亲子")
    assert follower.id != first.id
    assert count("cluster", first.kin) == follower.members == count("cluster_of_run", first.id)
    assert count("cluster_of_run", follower.id) == follower.members
    assert queries.cluster_of(next(iter(found))) is not None
    assert Event.objects.filter(type="zhike.insight.cluster_renamed").count() == 1
    assert AuditEntry.objects.filter(action="clusters.fit").count() == 2


def _refused_since(malls: Malls, there: Planted, found: dict[int, int]) -> None:
    """Who refuses is in no answer at once, and the next night in no row; the night says how far things moved."""
    leaver = max(found)
    line = queries.cluster_of(leaver)
    assert line is not None
    before = count("cluster", line.kin)
    refuse(there, leaver, malls, NOW + DAY / 4)
    assert queries.cluster_of(leaver) is None
    assert count("cluster", line.kin) == before - 1
    assert sum(one.members for one in queries.clusters(SYSTEM)) == len(found) - 1
    assert operations.renew_clusters(actor=SYSTEM, now=NOW + DAY / 2) == line.run_id
    assert not ClusterMember.objects.filter(run_id=line.run_id, member_id=leaver).exists()
    card = queries.model_run(SYSTEM, line.run_id)
    assert (card.members, card.score_drift) == (len(found) - 1, "stable")
    assert operations.renew_clusters(actor=SYSTEM, now=NOW + 8 * DAY) > line.run_id
    assert ModelRun.objects.exclude(model=None).count() == 1


def test_too_few_members_make_no_clusters(malls: Malls) -> None:
    planted(malls, 20)
    run_id = operations.renew_clusters(actor=SYSTEM, now=NOW)
    assert queries.model_run(SYSTEM, run_id).fault == "too-few"
    assert queries.clusters(SYSTEM) == [] and not Cluster.objects.exists()
    for method, k in (("other", 0), ("kmeans", 2), ("ward", 10)):
        with pytest.raises(operations.ClusterRunUnusable):
            operations.fit_clusters(actor=SYSTEM, method=method, k=k, now=NOW)


def test_old_runs_forget_who_belonged(malls: Malls, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for those that a segment names; and who orders Ward with four clusters gets that."""
    from zhike.insight.queries import clustering

    monkeypatch.setattr(clustering, "RUNS_KEPT", 1)
    planted(malls, 120)
    first = operations.fit_clusters(actor=SYSTEM, method="ward", k=4, now=NOW)
    card = queries.model_run(SYSTEM, first)
    assert (card.whole["method"], card.whole["k"], card.whole["reason"]) == ("ward", 4, "asked")
    named = queries.clusters(SYSTEM)[0]
    operations.save_segment(
        actor=SYSTEM, group_id=malls.group, code="then", name="当时", now=NOW,
        definition={"match": "all", "of": [{"field": "cluster_of_run", "op": "is", "value": [named.id]}]},
    )  # fmt: skip
    second, third = (operations.fit_clusters(actor=SYSTEM, method="kmeans", k=3, now=NOW) for _ in range(2))
    assert set(ClusterMember.objects.values_list("run_id", flat=True)) == {first, third}
    assert [one.counted for one in queries.clusters(SYSTEM, second)] == [
        one.counted for one in queries.clusters(SYSTEM, third)
    ]


def test_how_many_is_a_stated_rule() -> None:
    def one(
        method: str, k: int, silhouette: float, stability: float = 0.9, smallest: float = 0.1
    ) -> rules.Candidate:
        return rules.Candidate(method, k, silhouette, stability, smallest)

    tried = [one("kmeans", 3, 0.2), one("kmeans", 5, 0.3), one("ward", 4, 0.295), one("kmeans", 6, 0.5, 0.3)]
    assert rules.chosen(tried, 1_000) == (tried[2], "best")
    assert rules.chosen(tried, 1_000, "kmeans") == (tried[1], "best")
    assert rules.chosen(tried, 1_000, k=6) == (tried[3], "asked")
    assert rules.chosen([one("ward", 3, 0.2, 0.1), one("ward", 4, 0.4, 0.2)], 1_000)[1] == "unstable"
    assert rules.chosen([one("ward", 3, 0.2), one("ward", 4, 0.4, smallest=0.01)], 1_000)[0].k == 3


def test_names_from_figures() -> None:
    effects = [
        {"family_share": 1.2, "weekend_share": 0.9},
        {"family_share": 0.8, "discount_share": 0.7},
        {"recency_days": 1.0, "days_year": -0.8},
        {"spend_year": 0.1},
    ]
    assert rules.proposed(effects) == [
        ("family", "weekend"),
        ("family", "discount"),
        ("rare",),
        ("usual",),
    ]
    assert rules.apart(effects[0]) == ["family_share", "weekend_share"]
    assert rules.interest_of(["女装", "women"]) == "fashion"
    assert rules.interest_of(["未知", "x", "儿童"]) == "family"
    assert rules.interest_of(["其他"]) == ""
