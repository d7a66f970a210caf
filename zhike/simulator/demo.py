"""What the demo needs: a history once, and the log-ins to print."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zhike.kernel import clock
from zhike.kernel.progress import Progress
from zhike.simulator.founding import PASSWORD, STAFF

if TYPE_CHECKING:
    from zhike.messaging.ports import Device
    from zhike.simulator.operations import MallLoaded

LABELS = {
    "admin": "管理员 · admin",
    "manager": "商场经理 · mall manager",
    "marketer": "市场 · marketer",
    "service": "客服 · service agent",
    "cashier": "收银员 · cashier",
}
STAGES = {
    "imagining": "构想 imagining",
    "members": "会员 members",
    "history": "小票 receipts",
    "afterwards": "券与客服 coupons, service desk",
}


@dataclass(frozen=True, slots=True)
class LogIn:
    role: str
    username: str
    password: str


LOG_INS = tuple(LogIn(LABELS[username], username, PASSWORD) for username, *_ in STAFF if username in LABELS)


def ensure_history(size: str = "demo", seed: int | None = None) -> MallLoaded | None:
    """Load the demo mall unless it was loaded completely before; an interrupted load is taken up again.

    The moment of the first attempt is remembered, because the same seed and date make the same mall.
    """
    from django.conf import settings

    marker = settings.HOME / "demo.json"
    state: dict[str, Any] = json.loads(marker.read_text()) if marker.exists() else {}
    if state.get("done"):
        return None

    from zhike.simulator.operations import SEED, load_behaviour, load_insight, load_mall

    began: dict[str, Any] = {
        "began": clock.now().isoformat(),
        "size": size,
        "seed": SEED if seed is None else seed,
        "done": False,
    }
    state = began | state
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(state))
    with Progress(STAGES["history"]) as bar:
        loaded = load_mall(
            size=state["size"],
            seed=state["seed"],
            now=dt.datetime.fromisoformat(state["began"]),
            progress=_Shown(bar),
            processes=min(4, os.cpu_count() or 1),
        )
    load_behaviour(
        size=state["size"],
        seed=state["seed"],
        now=dt.datetime.fromisoformat(state["began"]),
    )
    load_insight(now=dt.datetime.fromisoformat(state["began"]))
    marker.write_text(json.dumps(state | {"done": True}))
    return loaded


def open_channels(
    emulator: str,
    push_emulator: str,
    browser: Callable[[str], Device],
    wechat: Mapping[str, str],
    wecom: Mapping[str, str],
    mini: Mapping[str, str],
) -> None:
    """Our accounts with the emulated vendors at these addresses, with the wordings that the one of text messages approved."""
    from zhike.simulator.channels import open_demo_channels
    from zhike.simulator.contacts import open_demo_contacts
    from zhike.simulator.mini import open_demo_mini
    from zhike.simulator.notices import open_demo_notices
    from zhike.simulator.wechat import open_demo_wechat

    open_demo_channels(emulator, clock.now())
    open_demo_notices(push_emulator, browser, clock.now())
    open_demo_wechat(wechat, clock.now())
    open_demo_contacts(wecom, clock.now())
    open_demo_mini(mini, clock.now())


class _Shown:
    """The stage of receipts as a bar; the others pass quickly."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage == "history":
            self._bar.total = total
            self._bar.advance(done - self._bar.done)
