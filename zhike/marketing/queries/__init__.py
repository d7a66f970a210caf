"""Every read of the marketing context."""

from zhike.marketing.queries.attribution import Attribution, AttributionRow, attribution
from zhike.marketing.queries.audiences import Audience, audiences
from zhike.marketing.queries.board import ATTRIBUTION_DAYS, Acquired, Board, BoardLine, PartLine, Ran, board
from zhike.marketing.queries.campaigns import (
    CalendarDay,
    CampaignFile,
    CampaignRow,
    PolicyView,
    WaveView,
    calendar,
    campaign,
    campaigns_page,
    marketing_policy,
    scenarios,
)
from zhike.marketing.queries.found import code_of
from zhike.marketing.queries.journeys.files import (
    JourneyFile,
    JourneyRow,
    NodeFigures,
    Tally,
    VersionView,
    journey,
    journeys_page,
    node_figures,
    ready_journeys,
)
from zhike.marketing.queries.journeys.found import journey_code
from zhike.marketing.queries.journeys.people import (
    EntryRow,
    OfMember,
    PathView,
    StepView,
    journey_path,
    journey_people,
    journeys_of_person,
)
from zhike.marketing.queries.journeys.results import JourneyResults, Side, WayFigures, journey_results
from zhike.marketing.queries.journeys.sentences import (
    NODE_NAMES,
    FaultView,
    node_name,
    outcome_name,
)
from zhike.marketing.queries.links import link_of
from zhike.marketing.queries.margins import MarginView, margin_rates
from zhike.marketing.queries.people import SHOWN, RecipientRow, campaign_people
from zhike.marketing.queries.reviews import (
    ArmFigures,
    Funnel,
    Money,
    Review,
    TrendPoint,
    given_people,
    review,
    trend,
)
from zhike.marketing.queries.sizes import SampleSize, sample_size
from zhike.marketing.queries.spending import points_fen
from zhike.marketing.queries.targets import TargetLine, Targets, marketing_targets
from zhike.marketing.queries.uplift import (
    UpliftAt,
    UpliftRunView,
    chosen_counts,
    uplift_run,
    uplift_runs,
)
from zhike.marketing.rules.attribution import WINDOW_DAYS
from zhike.marketing.rules.campaigns import FUNDERS, GOALS, RHYTHMS
from zhike.marketing.rules.journeys import drawing
from zhike.marketing.rules.journeys.drawing import Drawing, draw
from zhike.marketing.rules.journeys.graph import (
    KINDS,
    REENTRIES,
    TRIGGERS,
    UNITS,
    WHERE_OPS,
    WHO,
    Definition,
    Node,
    Watch,
)
from zhike.marketing.rules.measuring import Effect
from zhike.marketing.rules.pooling import Relative, Stretch
from zhike.marketing.rules.uplift import EXPLORE_BP
from zhike.marketing.rules.uplift import RULES as TARGET_RULES

__all__ = [
    "ATTRIBUTION_DAYS",
    "EXPLORE_BP",
    "FUNDERS",
    "GOALS",
    "KINDS",
    "NODE_NAMES",
    "REENTRIES",
    "RHYTHMS",
    "SHOWN",
    "TARGET_RULES",
    "TRIGGERS",
    "UNITS",
    "WHERE_OPS",
    "WHO",
    "WINDOW_DAYS",
    "Acquired",
    "ArmFigures",
    "Attribution",
    "AttributionRow",
    "Audience",
    "Board",
    "BoardLine",
    "CalendarDay",
    "CampaignFile",
    "CampaignRow",
    "Definition",
    "Drawing",
    "Effect",
    "EntryRow",
    "FaultView",
    "Funnel",
    "JourneyFile",
    "JourneyResults",
    "JourneyRow",
    "MarginView",
    "Money",
    "Node",
    "NodeFigures",
    "OfMember",
    "PartLine",
    "PathView",
    "PolicyView",
    "Ran",
    "RecipientRow",
    "Relative",
    "Review",
    "SampleSize",
    "Side",
    "StepView",
    "Stretch",
    "Tally",
    "TargetLine",
    "Targets",
    "TrendPoint",
    "UpliftAt",
    "UpliftRunView",
    "VersionView",
    "Watch",
    "WaveView",
    "WayFigures",
    "attribution",
    "audiences",
    "board",
    "calendar",
    "campaign",
    "campaign_people",
    "campaigns_page",
    "chosen_counts",
    "code_of",
    "draw",
    "drawing",
    "given_people",
    "journey",
    "journey_code",
    "journey_path",
    "journey_people",
    "journey_results",
    "journeys_of_person",
    "journeys_page",
    "link_of",
    "margin_rates",
    "marketing_policy",
    "marketing_targets",
    "node_figures",
    "node_name",
    "outcome_name",
    "points_fen",
    "ready_journeys",
    "review",
    "sample_size",
    "scenarios",
    "trend",
    "uplift_run",
    "uplift_runs",
]
