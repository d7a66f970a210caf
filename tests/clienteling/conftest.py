"""The shop of 周导购: 云裳女装 in 星河城, with members of hers."""

from __future__ import annotations

import pytest

from tests.people import NOW, Crew, Malls
from tests.ui.counter.world import SYSTEM, World, build_world
from zhike.customers import operations as customers
from zhike.kernel.access import Viewer


@pytest.fixture
def world(malls: Malls) -> World:
    return build_world(malls, NOW)


@pytest.fixture
def zhou(world: World, crew: Crew) -> Viewer:
    """周导购, who looks after 张三丰; 李小龙 is nobody's."""
    customers.assign_associate(actor=SYSTEM, person_id=world.zhang.person_id, staff_id=crew.zhou.id, now=NOW)
    return crew.zhou
