"""What is planted once the history stands: in lanes, which processes share because they do not wait for each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from zhike.kernel.access import Viewer
from zhike.simulator.adjustments import seed_adjustments
from zhike.simulator.after_sales import seed_after_sales
from zhike.simulator.associates import seed_associates
from zhike.simulator.campaigns import seed_campaigns
from zhike.simulator.chats import seed_chats
from zhike.simulator.coupons import seed_coupons
from zhike.simulator.engagement import seed_engagement
from zhike.simulator.forms import seed_forms
from zhike.simulator.founding import World
from zhike.simulator.fraud import seed_fraud
from zhike.simulator.gifts import seed_gifts
from zhike.simulator.households import seed_households
from zhike.simulator.journeys import seed_journeys
from zhike.simulator.listening import seed_listening
from zhike.simulator.loading import Loader
from zhike.simulator.mail import seed_mail
from zhike.simulator.missions import seed_missions
from zhike.simulator.photos import seed_photos
from zhike.simulator.rates import seed_rates
from zhike.simulator.rewards import seed_rewards
from zhike.simulator.rights import seed_rights
from zhike.simulator.service_desk import ServiceDesk
from zhike.simulator.tiers import seed_tiers
from zhike.simulator.tills import seed_tills
from zhike.simulator.twins import seed_twins


@dataclass(frozen=True, slots=True)
class Ground:
    """The mall with its history; the loader knows the holdings of the members whom this process loaded."""

    actor: Viewer
    loader: Loader
    seed: int
    now: dt.datetime

    @property
    def world(self) -> World:
        return self.loader.world


def _coupons(ground: Ground) -> None:
    seed_coupons(ground.actor, ground.loader, ground.now, ground.seed)


def _engagement(ground: Ground) -> None:
    seed_engagement(ground.actor, ground.loader, ground.now, ground.seed)


def _households(ground: Ground) -> None:
    seed_households(ground.actor, ground.loader, ground.now, ground.seed)


def _missions(ground: Ground) -> None:
    seed_missions(ground.actor, ground.loader, ground.now, ground.seed)


def _rewards(ground: Ground) -> None:
    seed_rewards(ground.actor, ground.loader, ground.now, ground.seed)


def _gifts(ground: Ground) -> None:
    seed_gifts(ground.actor, ground.loader, ground.now)


def _fraud(ground: Ground) -> None:
    seed_fraud(ground.actor, ground.world, ground.now, ground.seed)


def _service_desk(ground: Ground) -> None:
    ServiceDesk(ground.actor, ground.world, ground.loader.history, ground.seed, ground.now).live()


def _after_sales(ground: Ground) -> None:
    seed_after_sales(ground.actor, ground.world, ground.now)


def _chats(ground: Ground) -> None:
    seed_chats(ground.actor, ground.world, ground.loader.history, ground.seed, ground.now)
    seed_mail(ground.actor, ground.world.mall_id, ground.now)


def _twins(ground: Ground) -> None:
    seed_twins(ground.actor, ground.world, ground.loader.history, ground.now)


def _listening(ground: Ground) -> None:
    seed_listening(ground.actor, ground.world, ground.now, ground.seed)


def _associates(ground: Ground) -> None:
    seed_associates(ground.actor, ground.world, ground.loader.history, ground.now)


def _campaigns(ground: Ground) -> None:
    seed_campaigns(ground.actor, ground.world, ground.now, ground.seed)


def _tiers(ground: Ground) -> None:
    seed_tiers(ground.actor, ground.loader, ground.now)


def _rights(ground: Ground) -> None:
    seed_rights(ground.actor, ground.world, ground.loader.history, ground.now)


def _journeys(ground: Ground) -> None:
    seed_journeys(ground.actor, ground.world, ground.now, ground.seed)


def _rates(ground: Ground) -> None:
    seed_rates(ground.actor, ground.loader, ground.now, ground.seed)


def _adjustments(ground: Ground) -> None:
    seed_adjustments(ground.actor, ground.loader, ground.now, ground.seed)


def _photos(ground: Ground) -> None:
    seed_photos(ground.actor, ground.loader, ground.now, ground.seed)


def _tills(ground: Ground) -> None:
    seed_tills(ground.actor, ground.world, ground.now, ground.seed)


def _forms(ground: Ground) -> None:
    seed_forms(ground.actor, ground.world, ground.now, ground.seed)


LANES: tuple[tuple[Callable[[Ground], None], ...], ...] = (
    (
        _coupons,
        _engagement,
        _missions,
        _rewards,
        _gifts,
        _fraud,
        _journeys,
        _associates,
        _households,
        _tiers,
        _rates,
        _adjustments,
    ),
    (_service_desk, _after_sales, _listening, _campaigns, _tills, _forms, _chats, _rights, _photos),
)
"""Inside a lane one follows the other; each seed finds out for itself whether it was planted before."""


def plant(ground: Ground, share: int, of: int) -> None:
    """The lanes that fall to this process: every `of`-th."""
    for lane in LANES[share::of]:
        for seed in lane:
            seed(ground)


def plant_last(ground: Ground) -> None:
    """What changes who is who, when no other process is at work any more."""
    _twins(ground)
