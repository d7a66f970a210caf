"""Places as choices and names: everywhere, a mall, a floor, a merchant."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from zhike.kernel.access import Viewer, may_touch
from zhike.organization import queries


def place_choices(viewer: Viewer, permission: str) -> list[tuple[str, str]]:
    """The places where the viewer holds the permission, as ("level:id", name), from wide to narrow."""
    choices = [("all:0", _("Everywhere"))] if may_touch(viewer, permission) else []
    malls = queries.malls(viewer, permission)
    for mall in malls:
        if may_touch(viewer, permission, mall=mall.id):
            choices.append((f"mall:{mall.id}", mall.name))
    for mall in malls:
        for floor in queries.floors(mall.id):
            if may_touch(viewer, permission, mall=mall.id, floor=floor.id):
                choices.append((f"floor:{floor.id}", f"{mall.name} · {floor.name}"))
    names = {mall.id: mall.name for mall in malls}
    for merchant in queries.merchants(viewer, permission=permission):
        choices.append((f"merchant:{merchant.id}", f"{names.get(merchant.mall_id, '')} · {merchant.name}"))
    return choices


def place_names(viewer: Viewer) -> Mapping[str, str]:
    """Names of all places the viewer may know, by "level:id"."""
    names = {"all:0": _("Everywhere")}
    for mall in queries.malls(viewer):
        names[f"mall:{mall.id}"] = mall.name
        names.update(
            {f"floor:{floor.id}": f"{mall.name} · {floor.name}" for floor in queries.floors(mall.id)}
        )
    names.update({f"merchant:{ref.id}": ref.name for ref in queries.merchants(viewer)})
    return names


def place_name(names: Mapping[str, str], level: str, target_id: int) -> str:
    if level == "own":
        return _("Own customers")
    return names.get(f"{level}:{target_id}", f"{level} {target_id}")
