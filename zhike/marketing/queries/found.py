"""Loading campaigns with permission, and what holds where they run."""

from __future__ import annotations

from zhike.kernel.access import Viewer, load_visible, may_touch, visible
from zhike.kernel.errors import NotFound
from zhike.marketing.models import Campaign, CampaignArm
from zhike.marketing.rules.campaigns import ArmPlan, Plan
from zhike.marketing.rules.uplift import Target
from zhike.organization import queries as organization

VIEW, EDIT, APPROVE = "campaigns.view", "campaigns.edit", "campaigns.approve"
COLUMNS = {"mall": "mall_id"}


def campaign_row(viewer: Viewer, campaign_id: int, permission: str = VIEW) -> Campaign:
    """A campaign that the viewer may see; of a group's campaign only whoever sees the whole group. Raises NotFound."""
    return load_visible(Campaign.objects.all(), campaign_id, viewer, permission, COLUMNS)


def locked(actor: Viewer, campaign_id: int, permission: str) -> Campaign:
    """The same, held. Whoever sees it but may not do this is told so by the caller. Raises NotFound."""
    rows = Campaign.objects.select_for_update(of=("self",))
    row = visible(rows, actor, permission, COLUMNS).filter(pk=campaign_id).first()
    if row is None:
        raise NotFound
    return row


def may(viewer: Viewer, permission: str, mall_id: int | None) -> bool:
    return may_touch(viewer, permission, mall=mall_id)


def arms_of(campaign_id: int) -> list[CampaignArm]:
    return list(CampaignArm.objects.filter(campaign_id=campaign_id).order_by("key"))


def zone_of(row: Campaign) -> str:
    """The time zone in which a campaign's days are counted."""
    mall_id = row.mall_id or organization.first_mall_id()
    return organization.mall(mall_id).time_zone if mall_id else "Asia/Shanghai"


def code_of(campaign_id: int) -> str:
    """Under which messages, coupons and points of a campaign are known elsewhere."""
    return f"HD{campaign_id:06d}"


def plan_of(row: Campaign) -> Plan:
    """The plan as it stands."""
    return Plan(
        name=row.name,
        goal=row.goal,
        arms=tuple(
            ArmPlan(arm.key, arm.template, arm.batch_id, arm.points, arm.weight) for arm in arms_of(row.pk)
        ),
        mall_id=row.mall_id,
        scenario=row.scenario,
        theme=row.theme,
        segment=row.segment,
        holdout_bp=row.holdout_bp,
        test_bp=row.test_bp,
        window_days=row.window_days,
        budget=row.budget,
        rhythm=row.rhythm,
        starts_at=row.starts_at,
        ends_on=row.ends_on,
        target=target_of(row),
    )


def target_of(row: Campaign) -> Target | None:
    """How a model chooses from the audience; None where everybody is meant."""
    return Target(**row.target) if row.target else None
