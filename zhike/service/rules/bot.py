"""What the assistant says, and the few words it listens for itself. Chinese, like its intents. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence

from zhike.service.rules.intents import normalise

HUMAN = "转人工"
SOLVED = "解决了"
CONFIRM = "确认提交"
GIVE_UP = "算了"
OTHER = "其他"
EXAMPLES = ("积分余额", "我的优惠券", "营业时间", "退换货申请")
REASONS = ("尺码不合适", "质量问题", "不喜欢", "买错了", OTHER)

WHICH = "我不太确定您的意思，您想问的是下面哪一项？"
UNSURE = "这个问题我没有把握，为您转接人工客服。"
UNRELATED = "这个我帮不上忙。您可以问我积分、优惠券、等级、门店位置、营业时间、退换货和投诉，也可以转人工。"
NO_PICTURES = "图片我还看不懂，请用文字说一下，或者转人工。"
GIVEN_UP = "好的，已取消。还有什么可以帮您？"
SORRY = "非常抱歉给您带来不好的体验，马上为您转接人工客服。"
AT_ONCE = {
    "lost_child": "请先别着急，请就近找保安或工作人员，我马上为您转接人工客服安排广播和查找。",
    "complaint_food": "非常抱歉！食品安全问题我们高度重视，请保留食物和小票，马上为您转接人工客服处理；如身体不适请先就医。",
    "upset": SORRY,
    "human": "好的，马上为您转接人工客服。",
}
UNABLE = {
    "parking_fee": "停车缴费目前不能在这里办理，为您转接人工客服。",
    "invoice": "开发票目前不能在这里办理，为您转接人工客服。",
}
TALK = {
    "greet": "您好！我是智能助手，可以帮您查积分、优惠券、等级、消费记录、门店位置和营业时间，也能申请退换货和登记投诉。",
    "thanks": "不客气，很高兴能帮到您！",
    "bye": "再见，祝您购物愉快！",
    "who_are_you": "我是商场的智能助手，不是真人。我能查积分、优惠券、等级、消费记录、门店位置和营业时间，"
    "能申请退换货、登记投诉，也能随时为您转人工。",
    "praise": "谢谢您的肯定，我们会转达给同事！",
}
WITH_EXAMPLES = ("greet", "who_are_you")
_HUMAN = re.compile(r"人工|真人客服|找客服")
_GIVES_UP = re.compile(r"^(算了|取消|不用了|不要了|没事了|不弄了|不办了|不退了|不投诉了|返回)")
_CONFIRMS = re.compile(r"^(确认|确认提交|提交|对|是的?|好的?|可以|嗯+|行|没错|ok)$")
CLEAR_SCORE = 9.0
CLEAR_LEAD = 1.35
CLEAR_LENGTH = 4


def wants_human(text: str) -> bool:
    return bool(_HUMAN.search(text))


def gives_up(text: str) -> bool:
    return bool(_GIVES_UP.match(text.strip()))


def confirms(text: str) -> bool:
    return bool(_CONFIRMS.match(text.strip().lower()))


def is_clear_find(scores: Sequence[float], text: str) -> bool:
    """Whether the best article is good, and better than the next by far."""
    if not scores or len(normalise(text)) < CLEAR_LENGTH or scores[0] < CLEAR_SCORE:
        return False
    return len(scores) == 1 or scores[0] >= CLEAR_LEAD * scores[1]


def lines(head: str, items: Iterable[str], none: str) -> str:
    """A heading with one line for each item, or what to say when there is none."""
    found = list(items)
    return "\n".join([head, *found]) if found else none


def day(moment: dt.date) -> str:
    return f"{moment.month} 月 {moment.day} 日"


WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
