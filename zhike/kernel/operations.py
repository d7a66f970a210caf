"""The kernel's writes that a person asks for: repairing the log's consumers, and changing keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, keyring
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.events.parking import REPAIR_PERMISSION, discard_parked, replay_parked
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.events.registry import consumer_named
from zhike.kernel.reencryption import encrypted_columns, reencrypt_batch, rows_by_key

__all__ = [
    "discard_parked",
    "rebuild_consumer",
    "reencrypt_everything",
    "replay_parked",
    "retire_key",
    "rotate_keys",
]

KEYS_PERMISSION = "keys.manage"


class KeyInUse(Conflict):
    code = "key-in-use"
    title = _("%(count)s values still need this key. Re-encrypt them first.")


def rebuild_consumer(
    *, actor: Viewer, name: str, now: dt.datetime, report: Callable[[int], None] | None = None
) -> int:
    """Derive a consumer's tables again from the whole log; the same rows as live. Returns the number of events.

    Raises NotAllowed, UnknownConsumer, NotRebuildable.
    """
    require_touch(actor, REPAIR_PERMISSION)
    consumer = consumer_named(name)
    count = rebuild(consumer, report=report, now=now)
    with transaction.atomic():
        audit.record(
            actor=actor, action="events.rebuild", subject=("consumer", name), after={"events": count}, now=now
        )
    return count


def rotate_keys(*, actor: Viewer, now: dt.datetime, index: bool = False) -> str:
    """Add a new key, or a new version of the index key; from now on it writes. Returns its id.

    Other running processes read what it wrote, but write with the old key until they are restarted. Raises NotAllowed,
    KeysNotInFile.
    """
    require_touch(actor, KEYS_PERMISSION)
    ring = keyring.reload()
    ring = ring.with_new_index_key() if index else ring.with_new_key()
    name = f"index {ring.newest_index_version}" if index else ring.newest_kid
    with transaction.atomic():
        audit.record(actor=actor, action="keys.rotate", subject=("key", name), now=now)
        keyring.store(ring)
    return name


def reencrypt_everything(
    *, actor: Viewer, now: dt.datetime, report: Callable[[int], None] | None = None
) -> int:
    """Bring every encrypted column under the newest keys, batch by batch; can be stopped and run again.

    `report` is told how many values each batch changed. Returns how many values no key opens.
    """
    require_touch(actor, KEYS_PERMISSION)
    changed = unreadable = 0
    for column in encrypted_columns():
        after = None
        while True:
            batch = reencrypt_batch(column, after=after)
            changed += batch.changed
            unreadable += len(batch.unreadable)
            if report:
                report(batch.changed)
            if batch.after is None:
                break
            after = batch.after
    with transaction.atomic():
        counts = {"changed": changed, "unreadable": unreadable}
        audit.record(actor=actor, action="keys.reencrypt", subject=("key", "all"), after=counts, now=now)
    return unreadable


def retire_key(*, actor: Viewer, name: str, now: dt.datetime) -> None:
    """Remove an old key ("k1") or index version ("index 1") that nothing lies under any more.

    Raises NotAllowed, NotFound for an unknown or the newest key, KeyInUse, KeysNotInFile.
    """
    require_touch(actor, KEYS_PERMISSION)
    ring = keyring.reload()
    if name == ring.newest_kid or name == f"index {ring.newest_index_version}":
        raise NotFound
    version = name.removeprefix("index ")
    smaller = ring.without_key(name)
    if name.startswith("index ") and version.isdecimal():
        smaller = ring.without_index_key(int(version))
    if smaller == ring:
        raise NotFound
    if count := sum(rows_by_key(column).get(name, 0) for column in encrypted_columns()):
        raise KeyInUse(count=count)
    with transaction.atomic():
        audit.record(actor=actor, action="keys.retire", subject=("key", name), now=now)
        keyring.store(smaller)
