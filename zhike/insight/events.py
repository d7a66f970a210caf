"""What insight tells the log."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _SegmentFact(Fact):
    segment_id: int

    @property
    def subject(self) -> str:
        return f"segment/{self.segment_id}"


@dataclass(frozen=True, slots=True)
class SegmentSaved(_SegmentFact):
    type: ClassVar[str] = "zhike.insight.segment_saved"
    version: int
    mall_id: int | None


@dataclass(frozen=True, slots=True)
class SegmentArchived(_SegmentFact):
    type: ClassVar[str] = "zhike.insight.segment_archived"


@dataclass(frozen=True, slots=True)
class SegmentFrozen(_SegmentFact):
    """Who belonged is kept in a snapshot."""

    type: ClassVar[str] = "zhike.insight.segment_frozen"
    snapshot_id: int
    count: int


@dataclass(frozen=True, slots=True)
class SegmentExported(_SegmentFact):
    """Members who agreed to the purpose left the house in a file."""

    type: ClassVar[str] = "zhike.insight.segment_exported"
    purpose: str
    channel: str
    count: int


@dataclass(frozen=True, slots=True)
class ReportExported(Fact):
    """A table of members by ``dimensions`` left the house in a file; small cells are not in it."""

    type: ClassVar[str] = "zhike.insight.report_exported"
    dimensions: list[str]
    segment_id: int | None
    cells: int

    @property
    def subject(self) -> str:
        return "report/" + "-".join(self.dimensions)


@dataclass(frozen=True, slots=True)
class _StandingFact(Fact):
    person_id: int
    member_id: int
    before: str
    after: str

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class LifecycleChanged(_StandingFact):
    """Stages are prospect, new, active, dormant, churned. ``since`` is the moment at which it came about."""

    type: ClassVar[str] = "zhike.insight.lifecycle_changed"
    since: dt.datetime

    @property
    def happened_at(self) -> dt.datetime | None:
        return self.since


@dataclass(frozen=True, slots=True)
class RfmChanged(_StandingFact):
    """Groups are recency, frequency and value as 0 or 1, "" without a purchase in the window."""

    type: ClassVar[str] = "zhike.insight.rfm_changed"


@dataclass(frozen=True, slots=True)
class ClassChanged(_StandingFact):
    """``kind`` is behaviour, preference or value; none: no purchase in the window."""

    type: ClassVar[str] = "zhike.insight.class_changed"
    kind: str


@dataclass(frozen=True, slots=True)
class StandingPolicyPublished(Fact):
    """Settings of stages, classes, leaving (of a mall, or for those without their own) or of RFM."""

    type: ClassVar[str] = "zhike.insight.standing_policy_published"
    group_id: int
    kind: str
    mall_id: int | None
    version: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class LifetimeFitted(Fact):
    """The model of lifetime value was fitted anew; ``fault`` says why there are no new forecasts."""

    type: ClassVar[str] = "zhike.insight.lifetime_fitted"
    run_id: int
    customers: int
    fault: str

    @property
    def subject(self) -> str:
        return f"lifetime_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class ChurnScored(Fact):
    """Members were asked who may be leaving; ``fault`` says why there are no new scores."""

    type: ClassVar[str] = "zhike.insight.churn_scored"
    run_id: int
    members: int
    fault: str

    @property
    def subject(self) -> str:
        return f"model_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class ClustersFitted(Fact):
    """Members were put into clusters, of a new run or anew; ``fault`` says why there are none."""

    type: ClassVar[str] = "zhike.insight.clusters_fitted"
    run_id: int
    members: int
    clusters: int
    fault: str

    @property
    def subject(self) -> str:
        return f"model_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class ClusterRenamed(Fact):
    """Staff call a cluster, and those that continue it, by another name; "": by the one from its figures."""

    type: ClassVar[str] = "zhike.insight.cluster_renamed"
    cluster_id: int
    run_id: int
    name: str

    @property
    def subject(self) -> str:
        return f"model_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class BasketsSearched(Fact):
    """What is bought together was searched for; ``fault`` says why there are no rules."""

    type: ClassVar[str] = "zhike.insight.baskets_searched"
    run_id: int
    version: int
    mall_id: int | None
    baskets: int
    rules: int
    fault: str

    @property
    def subject(self) -> str:
        return f"basket_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class BasketOfferMade(Fact):
    """A coupon template was made of a rule."""

    type: ClassVar[str] = "zhike.insight.basket_offer_made"
    offer_id: int
    template_id: int
    run_id: int

    @property
    def subject(self) -> str:
        return f"basket_offer/{self.offer_id}"


@dataclass(frozen=True, slots=True)
class _TagFact(Fact):
    tag_id: int

    @property
    def subject(self) -> str:
        return f"tag/{self.tag_id}"


@dataclass(frozen=True, slots=True)
class TagSaved(_TagFact):
    """A tag was made or described anew; its rule is told of by ``TagPublished``."""

    type: ClassVar[str] = "zhike.insight.tag_saved"
    code: str
    kind: str


@dataclass(frozen=True, slots=True)
class TagPublished(_TagFact):
    """From here on this version of the rule decides who has the tag."""

    type: ClassVar[str] = "zhike.insight.tag_published"
    version: int


@dataclass(frozen=True, slots=True)
class TagRetired(_TagFact):
    """Nobody has it any more."""

    type: ClassVar[str] = "zhike.insight.tag_retired"


@dataclass(frozen=True, slots=True)
class _OfTagged(Fact):
    person_id: int
    tag_id: int
    source: str
    at: dt.datetime

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"

    @property
    def happened_at(self) -> dt.datetime | None:
        return self.at


@dataclass(frozen=True, slots=True)
class MemberTagged(_OfTagged):
    """A member has a tag since ``at``; ``source`` is rule, staff or member."""

    type: ClassVar[str] = "zhike.insight.member_tagged"


@dataclass(frozen=True, slots=True)
class MemberUntagged(_OfTagged):
    """A member has it no longer: the rule stopped holding, or somebody said so."""

    type: ClassVar[str] = "zhike.insight.member_untagged"


@dataclass(frozen=True, slots=True)
class TagSuggested(Fact):
    """Staff wrote of a member what no tag says yet; the words stay in the context."""

    type: ClassVar[str] = "zhike.insight.tag_suggested"
    person_id: int
    suggestion_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class TagSuggestionsDecided(Fact):
    """Suggestions of the same wording became a tag, or were declined (``tag_id`` None)."""

    type: ClassVar[str] = "zhike.insight.tag_suggestions_decided"
    suggestion_ids: tuple[int, ...]
    tag_id: int | None

    @property
    def subject(self) -> str:
        return f"tag/{self.tag_id}" if self.tag_id else f"tag_suggestion/{self.suggestion_ids[0]}"


@dataclass(frozen=True, slots=True)
class RecommendFitted(Fact):
    """What goes with what was fitted anew."""

    type: ClassVar[str] = "zhike.insight.recommend_fitted"
    run_id: int
    kind: str
    people: int
    items: int

    @property
    def subject(self) -> str:
        return f"recommend_run/{self.run_id}"


@dataclass(frozen=True, slots=True)
class _RecommendationFact(Fact):
    person_id: int
    member_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class RecommendationsShown(_RecommendationFact):
    """Items of a kind (product, merchant, coupon) that a member saw at a place (member_home, member_page, counter, api)."""

    type: ClassVar[str] = "zhike.insight.recommendations_shown"
    place: str
    kind: str
    items: list[int]

    @property
    def subject(self) -> str:
        """Not the person's: their timeline tells what they did, not what they were shown."""
        return f"recommendations/{self.place}"


@dataclass(frozen=True, slots=True)
class RecommendationChosen(_RecommendationFact):
    """A member opened one. ``source`` is why it was shown: repeat, together, viewed, rule, popular."""

    type: ClassVar[str] = "zhike.insight.recommendation_chosen"
    place: str
    kind: str
    item: int
    source: str


@dataclass(frozen=True, slots=True)
class RecommendationRefused(_RecommendationFact):
    """A member does not want to be shown this any more."""

    type: ClassVar[str] = "zhike.insight.recommendation_refused"
    kind: str
    item: int
