"""What the demo needs: a history once, and the log-ins to print."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from zhike.kernel import clock
from zhike.simulator.operations import PASSWORD, STAFF, Loaded, load_mall

SEED = 1
LABELS = {
    "admin": "管理员 · admin",
    "manager": "商场经理 · mall manager",
    "marketer": "市场 · marketer",
    "service": "客服 · service agent",
    "cashier": "收银员 · cashier",
}


@dataclass(frozen=True, slots=True)
class LogIn:
    role: str
    username: str
    password: str


LOG_INS = tuple(LogIn(LABELS[username], username, PASSWORD) for username, *_ in STAFF if username in LABELS)


def ensure_history() -> Loaded | None:
    """Load the demo mall unless it was loaded completely before; an interrupted load is taken up again.

    The day of the first attempt is remembered, because the same seed and date make the same mall.
    """
    from django.conf import settings

    marker = settings.HOME / "demo.json"
    state = json.loads(marker.read_text()) if marker.exists() else {"began": clock.now().isoformat(), "done": False}
    if state["done"]:
        return None
    marker.write_text(json.dumps(state))
    loaded = load_mall(size="demo", seed=SEED, now=dt.datetime.fromisoformat(state["began"]))
    state["done"] = True
    marker.write_text(json.dumps(state))
    return loaded
