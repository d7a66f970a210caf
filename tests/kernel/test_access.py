from uuid import uuid4

import pytest

from zhike.kernel.access import (
    Grant,
    Viewer,
    load_visible,
    may_touch,
    require,
    require_touch,
    system_viewer,
    visible,
)
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import ParkedEvent

READ = "lamps.read"
COLUMNS = {"floor": "tries", "room": "position"}


def viewer(*grants: Grant) -> Viewer:
    return Viewer(kind="staff", id=12, label="Anna", grants=grants)


def grant(level: str, *ids: int, permission: str = READ) -> Grant:
    return Grant(frozenset({permission}), level, frozenset(ids))


@pytest.fixture
def lamps(db: None) -> list[ParkedEvent]:
    """Three rows; `tries` plays the floor and `position` the room."""
    places = [(1, 10), (1, 11), (2, 20)]
    return [
        ParkedEvent.objects.create(
            consumer="lamps",
            event_id=uuid4(),
            event_type="",
            subject="",
            error="",
            traceback="",
            tries=floor,
            position=room,
        )
        for floor, room in places
    ]


def rooms(asker: Viewer) -> list[int]:
    rows = visible(ParkedEvent.objects.all(), asker, READ, COLUMNS)
    return sorted(rows.values_list("position", flat=True))


def test_stranger_sees_nothing(lamps: list[ParkedEvent]) -> None:
    assert rooms(viewer()) == []
    assert rooms(viewer(grant("floor", 1, permission="lamps.light"))) == []


def test_colleague_sees_the_own_scope_only(lamps: list[ParkedEvent]) -> None:
    assert rooms(viewer(grant("floor", 2))) == [20]
    assert rooms(viewer(grant("floor"))) == []


def test_grants_add_up(lamps: list[ParkedEvent]) -> None:
    assert rooms(viewer(grant("floor", 2), grant("room", 10))) == [10, 20]


def test_level_that_the_rows_do_not_know_opens_nothing(lamps: list[ParkedEvent]) -> None:
    assert rooms(viewer(grant("planet", 1))) == []
    assert rooms(viewer(grant("planet", 1), grant("room", 11))) == [11]


def test_all_and_the_system_see_everything(lamps: list[ParkedEvent]) -> None:
    assert rooms(viewer(grant("all"))) == [10, 11, 20]
    assert rooms(system_viewer("job")) == [10, 11, 20]


def test_load_visible_hides_what_exists(lamps: list[ParkedEvent]) -> None:
    rows = ParkedEvent.objects.all()
    owner = viewer(grant("room", 10))
    assert load_visible(rows, lamps[0].pk, owner, READ, COLUMNS) == lamps[0]
    for hidden in (lamps[2].pk, 10**9, "nonsense", None, 10**30):
        with pytest.raises(NotFound):
            load_visible(rows, hidden, owner, READ, COLUMNS)


def test_require_asks_for_the_permission_anywhere() -> None:
    require(viewer(grant("room", 1)), READ)
    require(system_viewer("job"), READ)
    with pytest.raises(NotAllowed):
        require(viewer(grant("room", 1)), "lamps.break")


def test_may_touch_needs_the_level_and_the_id() -> None:
    asker = viewer(grant("floor", 3), grant("room", 7, permission="lamps.light"))
    assert may_touch(asker, READ, floor=3, room=99)
    assert not may_touch(asker, READ, floor=4, room=7)
    assert not may_touch(asker, READ)
    assert not may_touch(asker, READ, floor=None)
    assert may_touch(viewer(grant("all")), READ)
    assert may_touch(system_viewer("job"), READ)
    with pytest.raises(NotAllowed):
        require_touch(asker, READ, floor=4)


def test_audit_id_names_the_kind() -> None:
    assert viewer().audit_id == "staff:12"
    assert system_viewer("expiry").audit_id == "system:expiry"
