"""Writes of collection: sources and their keys, messages taken in, messages set aside and tried again."""

from zhike.collection.operations.cloud_events import NotACloudEvent, take_cloud_events
from zhike.collection.operations.quarantine import (
    AlreadySettled,
    StillUnusable,
    discard_set_aside,
    open_set_aside,
    replay_set_aside,
)
from zhike.collection.operations.receiving import Taken, take_messages
from zhike.collection.operations.sources import (
    SourceNameTaken,
    create_source,
    make_write_key,
    revoke_write_key,
    update_source,
)
from zhike.collection.operations.upkeep import prune_collection

__all__ = [
    "AlreadySettled",
    "NotACloudEvent",
    "SourceNameTaken",
    "StillUnusable",
    "Taken",
    "create_source",
    "discard_set_aside",
    "make_write_key",
    "open_set_aside",
    "prune_collection",
    "replay_set_aside",
    "revoke_write_key",
    "take_cloud_events",
    "take_messages",
    "update_source",
]
