"""Ready-made campaigns: audience, content, channels, schedule and holdout of the usual occasions. Pure data.

The wordings are Chinese because members of Chinese malls read them; whoever takes a scenario edits them. ``segment`` names a
kind of audience for which the house's own segment of that code is proposed when there is one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Kind = Literal["marketing", "service"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``hour`` of the day at which it goes, ``lead_days`` from the day of planning, ``days`` that a daily one runs.

    ``inbox`` is a title and a text, ``sms`` a text without signature and without a link, for vendors refuse links made of values.
    """

    code: str
    name: str
    theme: str
    segment: str
    fallback: tuple[str, ...]
    inbox: tuple[str, str]
    sms: str
    goal: str = "visit"
    rhythm: str = "once"
    hour: int = 10
    lead_days: int = 3
    days: int = 0
    holdout_bp: int = 1_000
    window_days: int = 7
    kind: Kind = "marketing"

    @property
    def template(self) -> str:
        """The code of its message template."""
        return f"scene_{self.code}"


_STOP = "拒收请回复R"
SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "festival", "节日促销", "节日期间到店有礼，带动客流与连带消费。", "active",
        ("inbox", "sms"),
        ("节日好礼等您来", "${name}您好，节日期间到店消费满额有礼，详情见会员中心：${link}"),
        f"${{name}}您好，节日到店消费满额有礼，详情请看会员小程序。{_STOP}", "revenue", lead_days=7,
    ),
    Scenario(
        "new_product", "新品首发", "新品上市，先请喜欢尝鲜的会员。", "loyal",
        ("inbox",),
        ("新品首发，会员先享", "${name}您好，本季新品已到店，会员先享试用与礼遇：${link}"),
        f"${{name}}您好，新品已到店，会员先享，详情请看会员小程序。{_STOP}", "revenue", holdout_bp=1_500, window_days=14,
    ),
    Scenario(
        "member_day", "会员日", "固定的会员日，养成到店习惯。", "",
        ("inbox", "sms"),
        ("会员日到啦", "${name}您好，今天是会员日，餐饮消费积分加倍，欢迎光临：${link}"),
        f"${{name}}您好，今天会员日，餐饮积分加倍，详情请看会员小程序。{_STOP}", lead_days=1, window_days=3,
    ),
    Scenario(
        "birthday", "生日关怀", "生日当天送上祝福与礼遇，一年一次。", "birthday_today",
        ("inbox", "sms"),
        ("生日快乐", "${name}，生日快乐！为您准备了一份生日礼，到店即可领取：${link}"),
        f"${{name}}，祝您生日快乐！到店可领生日礼，详情请看会员小程序。{_STOP}",
        rhythm="daily", hour=9, lead_days=1, days=90, window_days=30,
    ),
    Scenario(
        "wake_up", "沉睡唤醒", "一段时间未到店的会员，用一张券请回来。", "dormant",
        ("sms", "inbox"),
        ("好久不见，送您一张券", "${name}您好，好久不见，为您准备了回店礼券：${link}"),
        f"${{name}}您好，好久不见，回店礼券已备好，详情请看会员小程序。{_STOP}", holdout_bp=2_000, window_days=30,
    ),
    Scenario(
        "win_back", "流失召回", "即将流失或已流失的会员，给一次够分量的理由。", "lost",
        ("sms", "inbox"),
        ("我们想念您", "${name}您好，特为您保留了一份专享礼遇，期待您再来：${link}"),
        f"${{name}}您好，专享礼遇为您保留，详情请看会员小程序。{_STOP}", "revenue", holdout_bp=2_000, window_days=30,
    ),
    Scenario(
        "points_expiring", "积分到期", "积分到期前提醒，减少过期投诉并带来到店。", "points_expiring",
        ("inbox",),
        ("积分快到期了", "${name}您好，您有积分即将到期，可兑换礼品或停车：${link}"),
        f"${{name}}您好，您有积分即将到期，可兑换礼品，详情请看会员小程序。{_STOP}", rhythm="daily", hour=11, lead_days=1, days=30,
        window_days=14,
    ),
    Scenario(
        "first_order", "首单礼", "新会员七天内的第一笔消费。", "new",
        ("inbox", "sms"),
        ("新会员首单礼", "${name}您好，欢迎加入！首次消费可享新会员礼：${link}"),
        f"${{name}}您好，欢迎加入，首次消费享新会员礼，详情请看会员小程序。{_STOP}", rhythm="daily", hour=15, lead_days=1, days=60,
    ),
    Scenario(
        "repeat", "复购提醒", "到了通常该再来的时候，提醒一声。", "due",
        ("inbox",),
        ("又到补货的时候", "${name}您好，您常买的品牌有新优惠，欢迎再来：${link}"),
        f"${{name}}您好，您常买的品牌有新优惠，详情请看会员小程序。{_STOP}", rhythm="daily", hour=17, lead_days=1, days=30,
        window_days=14,
    ),
    Scenario(
        "flash", "社群秒杀", "限时限量的社群秒杀，一小时见分晓。", "active",
        ("inbox",),
        ("秒杀马上开始", "${name}您好，今晚社群秒杀限时开抢，先到先得：${link}"),
        f"${{name}}您好，今晚秒杀限时开抢，详情请看会员小程序。{_STOP}", hour=19, lead_days=2, window_days=2,
    ),
)  # fmt: skip

BY_CODE = {scene.code: scene for scene in SCENARIOS}


def start_of(scene: Scenario, today: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """When a campaign planned today would begin."""
    day = today + dt.timedelta(days=scene.lead_days)
    return dt.datetime.combine(day, dt.time(scene.hour), zone)
