"""Models of uplift as pages and programs see them: what they were learnt from and what they are worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.marketing.models import Campaign, CampaignRecipient, UpliftRun
from zhike.marketing.queries.found import COLUMNS, VIEW
from zhike.marketing.queries.reviews import READER, margin_of
from zhike.marketing.rules import uplift as rules
from zhike.organization import queries as organization

RUNS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class UpliftAt:
    """Of the best ``percent`` of unseen people: the rate of the treated less that of the others, with its 95 % interval."""

    percent: int
    uplift: float
    low: float
    high: float
    people: int


@dataclass(frozen=True, slots=True)
class UpliftRunView:
    """``fault`` says why nothing was learnt; then the figures are empty. Fen are of one person.

    ``qini`` and ``auuc`` are coefficients: 0 is chance, 1 the best order there is. ``curve``: share, Qini, uplift, in people.
    ``tried``: the mean Qini coefficient of each learner of the family in cross-validation. ``weights``: features by what they move.
    """

    id: int
    mall_id: int | None
    mall_name: str
    ran_at: dt.datetime
    ran_by: str
    fault: str
    learner: str
    beats_random: bool
    people: int
    treated: int
    buyers: int
    taught: int
    unseen: int
    qini: float
    qini_low: float
    qini_high: float
    auuc: float
    at: tuple[UpliftAt, ...]
    curve: Sequence[Sequence[float]]
    tried: Mapping[str, float]
    weights: Sequence[tuple[str, float]]
    purchase_fen: int
    cost_fen: int
    margin_bp: int
    campaigns: tuple[tuple[int, str], ...]

    @property
    def worth_fen(self) -> int:
        """What is left of the purchases of one more buyer."""
        return self.purchase_fen * self.margin_bp // 10_000


def uplift_runs(viewer: Viewer) -> list[UpliftRunView]:
    """In scope, newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(UpliftRun.objects.all(), viewer, VIEW, COLUMNS).defer("parts")
    return _views(list(rows.order_by("-ran_at", "-id")[:RUNS_SHOWN]))


def uplift_run(viewer: Viewer, run_id: int) -> UpliftRunView:
    """Raises NotFound."""
    return _views([load_visible(UpliftRun.objects.defer("parts"), run_id, viewer, VIEW, COLUMNS)])[0]


def usable_run(viewer: Viewer, run_id: int) -> UpliftRun | None:
    """A model that the viewer sees and that may choose; None for every other."""
    rows = visible(UpliftRun.objects.filter(beats_random=True, fault=""), viewer, VIEW, COLUMNS)
    return rows.filter(pk=run_id).first() if run_id < 2**63 else None


def chosen_counts(campaign_id: int) -> dict[str, int]:
    """How many are in by the model's score and how many to explore; the caller has authorised the campaign."""
    rows = CampaignRecipient.objects.filter(campaign_id=campaign_id).exclude(chosen="")
    return {mark: rows.filter(chosen=mark).count() for mark in ("score", "explore")}


def _views(rows: Sequence[UpliftRun]) -> list[UpliftRunView]:
    malls = {mall.id: mall.name for mall in organization.malls(READER)}
    wanted = {pk for row in rows for pk in row.campaigns}
    names = dict(Campaign.objects.filter(pk__in=wanted).values_list("id", "name"))
    return [_view(row, malls.get(row.mall_id or 0, ""), names) for row in rows]


def _view(row: UpliftRun, mall: str, names: Mapping[int, str]) -> UpliftRunView:
    told = row.figures
    return UpliftRunView(
        id=row.pk,
        mall_id=row.mall_id,
        mall_name=mall,
        ran_at=row.ran_at,
        ran_by=row.ran_by,
        fault=row.fault,
        learner=row.learner,
        beats_random=row.beats_random,
        people=row.people,
        treated=row.treated,
        buyers=row.buyers,
        taught=told.get("taught", 0),
        unseen=told.get("unseen", 0),
        qini=told.get("qini", 0.0),
        qini_low=told.get("qini_low", 0.0),
        qini_high=told.get("qini_high", 0.0),
        auuc=told.get("auuc", 0.0),
        at=tuple(
            UpliftAt(percent, one[0], one[1], one[2], int(one[3]))
            for percent in rules.DECILES
            if (one := told.get("at", {}).get(str(percent)))
        ),
        curve=told.get("curve", []),
        tried=told.get("tried", {}),
        weights=[(name, share) for name, share in told.get("weights", [])],
        purchase_fen=told.get("purchase_fen", 0),
        cost_fen=told.get("cost_fen", 0),
        margin_bp=margin_of(row.group_id),
        campaigns=tuple((pk, names[pk]) for pk in row.campaigns if pk in names),
    )
