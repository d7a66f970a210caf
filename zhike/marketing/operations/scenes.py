"""One click makes a whole plan: the scenario's wording is written, the campaign planned; all of it can be edited."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.marketing.operations.planning import plan_campaign
from zhike.marketing.queries.audiences import audiences
from zhike.marketing.queries.found import EDIT
from zhike.marketing.rules import scenarios
from zhike.marketing.rules.campaigns import ArmPlan, Plan
from zhike.marketing.rules.scenarios import Scenario
from zhike.messaging import operations as messaging
from zhike.messaging import queries as wordings
from zhike.organization import queries as organization

LANGUAGE = "zh-hans"


class UnknownScenario(Invalid):
    code = "campaign-unknown-scenario"
    title = _("There is no such scenario.")


@transaction.atomic
def plan_scenario(
    *, actor: Viewer, group_id: int, code: str, mall_id: int | None = None, now: dt.datetime
) -> int:
    """A draft with the scenario's audience, content, channels, schedule and holdout; its id.

    Where the house has a segment of the scenario's kind it is taken, otherwise everybody in scope. The wording is written once
    and approved by whoever takes the scenario first; vendors approve it for themselves. Raises UnknownScenario, NotAllowed.
    """
    require_touch(actor, EDIT, mall=mall_id)
    scene = scenarios.BY_CODE.get(code)
    if scene is None:
        raise UnknownScenario
    _ensure_wording(actor, group_id, scene, now)
    zone = ZoneInfo(_zone(mall_id))
    starts_at = scenarios.start_of(scene, now.astimezone(zone).date(), zone)
    known = {one.code: one.id for one in audiences(actor) if one.code}
    plan = Plan(
        name=f"{scene.name} {starts_at:%Y-%m-%d}",
        goal=scene.goal,
        arms=(ArmPlan("A", scene.template),),
        mall_id=mall_id,
        scenario=scene.code,
        theme=scene.theme,
        segment=known.get(scene.segment),
        holdout_bp=scene.holdout_bp,
        window_days=scene.window_days,
        rhythm=scene.rhythm,
        starts_at=starts_at,
        ends_on=starts_at.date() + dt.timedelta(days=scene.days) if scene.rhythm == "daily" else None,
    )
    return plan_campaign(actor=actor, group_id=group_id, plan=plan, now=now)


def _zone(mall_id: int | None) -> str:
    first = mall_id or organization.first_mall_id()
    return organization.mall(first).time_zone if first else "Asia/Shanghai"


def _ensure_wording(actor: Viewer, group_id: int, scene: Scenario, now: dt.datetime) -> None:
    if wordings.values_said(scene.template) is not None:
        return
    try:
        with transaction.atomic():
            template_id = messaging.create_template(
                actor=actor,
                group_id=group_id,
                code=scene.template,
                name=scene.name,
                kind=scene.kind,
                fallback=scene.fallback,
                now=now,
            )
    except messaging.TemplateCodeTaken:
        return
    texts = {"inbox": scene.inbox, "sms": ("", scene.sms)}
    for channel in scene.fallback:
        title, body = texts[channel]
        version_id = messaging.write_version(
            actor=actor,
            template_id=template_id,
            channel=channel,
            language=LANGUAGE,
            title=title,
            body=body,
            now=now,
        )
        messaging.approve_version(actor=actor, version_id=version_id, now=now)
