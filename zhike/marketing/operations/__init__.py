"""Every write of the marketing context."""

from zhike.marketing.operations.exporting import export_board
from zhike.marketing.operations.filling import fill_wave
from zhike.marketing.operations.giving import Given, give_next
from zhike.marketing.operations.guarding import guard_campaign, guard_campaigns
from zhike.marketing.operations.journeys.drafting import (
    EditNotPossible,
    JourneyChangedMeanwhile,
    JourneyReasonMissing,
    JourneyStepNotPossible,
    JourneyUnusable,
    OwnJourneyApproval,
    UnknownJourneyTemplate,
    approve_journey,
    edit_journey,
    launch_journey,
    plan_journey,
    rename_journey,
    send_back_journey,
    submit_journey,
    take_journey_template,
)
from zhike.marketing.operations.journeys.entering import (
    Entered,
    EntryKeyMissing,
    JourneyNotRunning,
    Wish,
    enter_journey,
    enter_member,
)
from zhike.marketing.operations.journeys.listening import hear_event
from zhike.marketing.operations.journeys.living import (
    close_journey,
    end_journey,
    pause_journey,
    resume_journey,
)
from zhike.marketing.operations.journeys.measuring import measure_journey, measure_journeys
from zhike.marketing.operations.journeys.rehearsing import Trial, TrialStep, rehearse_journey
from zhike.marketing.operations.journeys.stepping import Stepped, step_batch, step_journeys
from zhike.marketing.operations.journeys.triggering import look_for_people
from zhike.marketing.operations.margins import MarginUnusable, set_margin_rate
from zhike.marketing.operations.measuring import measure_campaign, measure_campaigns
from zhike.marketing.operations.planning import (
    ChangedMeanwhile,
    OwnApproval,
    PlanUnusable,
    ReasonMissing,
    StepNotPossible,
    approve_campaign,
    edit_campaign,
    note_lessons,
    plan_campaign,
    save_marketing_policy,
    send_back_campaign,
    submit_campaign,
)
from zhike.marketing.operations.reaching import ask_forecast, forecast_campaign
from zhike.marketing.operations.running import (
    Advanced,
    TestNotOver,
    UnknownArm,
    advance_campaigns,
    cancel_campaign,
    launch_campaign,
    pause_campaign,
    record_click,
    resume_campaign,
    roll_out_winner,
)
from zhike.marketing.operations.scenes import UnknownScenario, plan_scenario
from zhike.marketing.operations.uplifting import learn_uplift, order_uplift
from zhike.marketing.rules.campaigns import ArmPlan, Plan
from zhike.marketing.rules.journeys.editing import (
    AddNode,
    ChangeNode,
    Connect,
    MoveNode,
    RemoveNode,
    Settle,
)
from zhike.marketing.rules.uplift import Target

__all__ = [
    "AddNode",
    "Advanced",
    "ArmPlan",
    "ChangeNode",
    "ChangedMeanwhile",
    "Connect",
    "EditNotPossible",
    "Entered",
    "EntryKeyMissing",
    "Given",
    "JourneyChangedMeanwhile",
    "JourneyNotRunning",
    "JourneyReasonMissing",
    "JourneyStepNotPossible",
    "JourneyUnusable",
    "MarginUnusable",
    "MoveNode",
    "OwnApproval",
    "OwnJourneyApproval",
    "Plan",
    "PlanUnusable",
    "ReasonMissing",
    "RemoveNode",
    "Settle",
    "StepNotPossible",
    "Stepped",
    "Target",
    "TestNotOver",
    "Trial",
    "TrialStep",
    "UnknownArm",
    "UnknownJourneyTemplate",
    "UnknownScenario",
    "Wish",
    "advance_campaigns",
    "approve_campaign",
    "approve_journey",
    "ask_forecast",
    "cancel_campaign",
    "close_journey",
    "edit_campaign",
    "edit_journey",
    "end_journey",
    "enter_journey",
    "enter_member",
    "export_board",
    "fill_wave",
    "forecast_campaign",
    "give_next",
    "guard_campaign",
    "guard_campaigns",
    "hear_event",
    "launch_campaign",
    "launch_journey",
    "learn_uplift",
    "look_for_people",
    "measure_campaign",
    "measure_campaigns",
    "measure_journey",
    "measure_journeys",
    "note_lessons",
    "order_uplift",
    "pause_campaign",
    "pause_journey",
    "plan_campaign",
    "plan_journey",
    "plan_scenario",
    "record_click",
    "rehearse_journey",
    "rename_journey",
    "resume_campaign",
    "resume_journey",
    "roll_out_winner",
    "save_marketing_policy",
    "send_back_campaign",
    "send_back_journey",
    "set_margin_rate",
    "step_batch",
    "step_journeys",
    "submit_campaign",
    "submit_journey",
    "take_journey_template",
]
