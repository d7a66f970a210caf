"""One human being by all the ids they are known by, and what would be lost with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.customers.queries.clear import Words, words_of
from zhike.kernel.access import Viewer
from zhike.kernel.forgetting import Subjects
from zhike.loyalty import queries as loyalty
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers
from zhike.rewards import queries as rewards
from zhike.rights import rules
from zhike.service import queries as service


@dataclass(frozen=True, slots=True)
class Loss:
    """What a member gives up by leaving, and what must be settled before."""

    points: int
    waiting: int
    coupons: int
    tier_name: str
    blocks: tuple[rules.Block, ...]


def persons_of(person_id: int) -> tuple[int, ...]:
    """Every id that means this human being, who stands for them first."""
    return customers.family(person_id)


def subjects_of(persons: Sequence[int], words: Words | None = None) -> Subjects:
    """What the tables of all contexts know them by: ids of persons and members, and indexes of their addresses."""
    known = words if words is not None else words_of(persons)
    addresses = [value for kind, value in known.identifiers if kind in ("phone", "email")]
    return {
        "person": list(persons),
        "member": loyalty.member_ids_of(persons),
        "address": [index for address in addresses for index in messaging.every_index(address)],
    }


def loss_of(person_id: int, now: dt.datetime) -> Loss:
    """For operations and jobs, which have checked already."""
    persons = persons_of(person_id)
    members = loyalty.member_ids_of(persons)
    left = loyalty.leaving(persons)
    usable, locked = offers.coupons_left(members, now)
    return Loss(
        points=left.balance if left else 0,
        waiting=left.waiting if left else 0,
        coupons=usable,
        tier_name=left.tier_name if left else "",
        blocks=tuple(
            rules.blocks(
                left.debt if left else 0,
                left.holds if left else 0,
                rewards.orders_left(members),
                service.tickets_left(persons),
                locked,
                left.household if left else "",
            )
        ),
    )


def would_lose(viewer: Viewer, person_id: int, now: dt.datetime) -> Loss:
    """What leaving would cost this person; told before they decide. Raises NotFound, NotAllowed."""
    customers.require_visible(person_id, viewer, "rights.ask", "rights.view")
    return loss_of(person_id, now)
