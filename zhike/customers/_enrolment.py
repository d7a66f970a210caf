"""Who may enrol where, and who looks after whom they enrolled."""

from __future__ import annotations

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization


def require_enroll(actor: Viewer, mall_id: int | None, merchant_id: int | None) -> None:
    """Raises NotAllowed, and NotFound for a merchant that is not in the mall."""
    place: dict[str, int | None] = {"mall": mall_id}
    if merchant_id is not None:
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None or merchant.mall_id != mall_id:
            raise NotFound
        place |= {"merchant": merchant_id, "floor": merchant.floor_id}
    require_touch(actor, "members.enroll", **place)


def own_associate(actor: Viewer) -> int | None:
    """Whoever sees only members of their own looks after those they enrol."""
    levels = {grant.level for grant in actor.grants if "members.view" in grant.permissions}
    return actor.id if actor.kind == "staff" and levels == {"own"} else None
