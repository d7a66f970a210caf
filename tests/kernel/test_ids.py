import uuid

from zhike.kernel.ids import request_id, uuid7


def test_ids_are_standard_version_7_in_order() -> None:
    ids = [uuid7() for _ in range(1000)]
    assert {type(one) for one in ids} == {uuid.UUID}
    assert {one.version for one in ids} == {7}
    assert ids == sorted(set(ids))


def test_request_id_is_plain_text() -> None:
    assert len(request_id()) == 32
