"""Keys for programs: shown once, kept as a digest, never stronger than their maker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import NOW, Crew, Malls
from zhike.kernel.access import may_touch, system_viewer
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.organization import queries
from zhike.organization.models import ApiKey
from zhike.organization.operations import api_keys

ACTOR = system_viewer("tests")


def create(actor: Any = ACTOR, **changes: Any) -> tuple[ApiKey, str]:
    wanted = {"name": "till", "scopes": ["receipts.record"], "now": NOW} | changes
    return api_keys.create_api_key(actor=actor, **wanted)


def test_key_opens_exactly_its_scopes_at_its_place(malls: Malls) -> None:
    key, raw = create(level="merchant", target_id=malls.cafe, rate_per_minute=600)
    assert raw.startswith(f"zk_{key.prefix}_")
    assert raw.encode() not in bytes(key.digest)
    caller = queries.viewer_of_api_key(raw, NOW)
    assert caller is not None
    assert (caller.key_id, caller.rate_per_minute, caller.viewer.kind) == (key.pk, 600, "api")
    assert may_touch(caller.viewer, "receipts.record", **queries.levels_of("merchant", malls.cafe))
    assert not may_touch(caller.viewer, "receipts.record", **queries.levels_of("merchant", malls.jeweller))
    assert not caller.viewer.may("members.lookup")


@pytest.mark.parametrize(
    "wrong", ["", "zk", "zk__", "zk_{p}_", "zk_{p}_x", "ak_{p}_{s}", "zk_{p}_{s}x", "zk_0_{s}"]
)
def test_anything_but_the_key_is_nobody(malls: Malls, wrong: str) -> None:
    _key, raw = create()
    _zk, prefix, secret = raw.split("_")
    assert queries.viewer_of_api_key(wrong.format(p=prefix, s=secret), NOW) is None


def test_key_costs_no_query_once_known(malls: Malls, django_assert_num_queries: Any) -> None:
    _key, raw = create()
    queries.viewer_of_api_key(raw, NOW)
    with django_assert_num_queries(0):
        assert queries.viewer_of_api_key(raw, NOW)


def test_revoked_key_is_nobody_at_once(crew: Crew) -> None:
    key, raw = create()
    assert queries.viewer_of_api_key(raw, NOW)
    for stranger in (crew.wang, crew.li, crew.wu):
        with pytest.raises(NotAllowed):
            api_keys.revoke_api_key(actor=stranger, key_id=key.pk, now=NOW)
    assert queries.viewer_of_api_key(raw, NOW)
    api_keys.revoke_api_key(actor=crew.lin, key_id=key.pk, reason="泄露", now=NOW)
    assert queries.viewer_of_api_key(raw, NOW) is None
    with pytest.raises(NotFound):
        api_keys.revoke_api_key(actor=crew.lin, key_id=10**9, now=NOW)


@pytest.mark.feature("C028")
def test_key_is_never_stronger_than_its_maker(crew: Crew) -> None:
    with pytest.raises(api_keys.ScopeBeyondOwn):
        create(crew.lin, scopes=["events.replay"])
    for stranger in (crew.wang, crew.chen, crew.nobody):
        with pytest.raises(NotAllowed):
            create(stranger, scopes=["programme.view"])
    assert not ApiKey.objects.exists()
    assert create(crew.lin)


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": ["everything"]},
        {"scopes": []},
        {"name": " "},
        {"level": "own", "target_id": 3},
        {"level": "mall"},
        {"rate_per_minute": 0},
    ],
)
def test_nonsense_keys_are_refused(malls: Malls, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        create(**changes)
    assert not ApiKey.objects.exists()


def test_keys_are_listed_without_their_secret(crew: Crew, malls: Malls) -> None:
    key, raw = create(level="mall", target_id=malls.star)
    [view] = queries.api_keys(crew.lin)
    assert view.id == key.pk
    assert raw.split("_")[2] not in repr(view)
    with pytest.raises(NotAllowed):
        queries.api_keys(crew.wang)


def test_use_is_noted_once_a_minute(malls: Malls, django_assert_num_queries: Any) -> None:
    key, raw = create()
    caller = queries.viewer_of_api_key(raw, NOW)
    assert caller is not None
    api_keys.note_api_key_use(actor=caller.viewer, key_id=key.pk, now=NOW)
    with django_assert_num_queries(0):
        api_keys.note_api_key_use(actor=caller.viewer, key_id=key.pk, now=NOW)
    assert ApiKey.objects.get(pk=key.pk).last_used_at == NOW
