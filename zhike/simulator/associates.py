"""Who looks after members of the made mall: regulars of one shop, shared out among its sales associates. Repeatable."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from zhike.customers import operations
from zhike.customers import queries as customers
from zhike.customers.queries import associates
from zhike.kernel.access import Viewer
from zhike.organization import queries as organization
from zhike.simulator.founding import STAFF_SHOP, World
from zhike.simulator.history import History

MEMBERS = 36
SHARES = (3, 2, 1)


def seed_associates(actor: Viewer, world: World, history: History, now: dt.datetime) -> None:
    """Nothing when somebody is looked after already."""
    if any(one.members for one in associates.associates(actor)):
        return
    people = organization.staff_with_role("sales_associate", world.mall_id)
    shop = next(at for at, one in enumerate(history.catalogue.shops) if one.code == STAFF_SHOP)
    bought = Counter(
        sale.person for sale in history.receipts if sale.shop == shop and sale.person is not None
    )
    phones = [history.people[index].phone for index, _n in sorted(bought.most_common(MEMBERS))]
    known = customers.person_ids_by("phone", phones)
    turns = [staff_id for (staff_id, _name), share in zip(people, SHARES, strict=False) for _ in range(share)]
    for at, phone in enumerate(phones):
        person_id = known.get(phone)
        if person_id is not None and turns:
            operations.assign_associate(
                actor=actor, person_id=person_id, staff_id=turns[at % len(turns)], reason="门店分配", now=now
            )
