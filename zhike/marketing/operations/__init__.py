"""Every write of the marketing context."""

from zhike.marketing.operations.filling import fill_wave
from zhike.marketing.operations.giving import Given, give_next
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
from zhike.marketing.rules.campaigns import ArmPlan, Plan

__all__ = [
    "Advanced",
    "ArmPlan",
    "ChangedMeanwhile",
    "Given",
    "OwnApproval",
    "Plan",
    "PlanUnusable",
    "ReasonMissing",
    "StepNotPossible",
    "TestNotOver",
    "UnknownArm",
    "UnknownScenario",
    "advance_campaigns",
    "approve_campaign",
    "ask_forecast",
    "cancel_campaign",
    "edit_campaign",
    "fill_wave",
    "forecast_campaign",
    "give_next",
    "launch_campaign",
    "measure_campaign",
    "measure_campaigns",
    "note_lessons",
    "pause_campaign",
    "plan_campaign",
    "plan_scenario",
    "record_click",
    "resume_campaign",
    "roll_out_winner",
    "save_marketing_policy",
    "send_back_campaign",
    "submit_campaign",
]
