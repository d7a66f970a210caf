"""What may be known of sources, what came of their messages, and which visitors are whose."""

from zhike.collection.queries.quarantine import (
    SetAsideView,
    body_of,
    encrypted_columns,
    reason_sentence,
    reasons,
    set_aside,
    set_aside_page,
)
from zhike.collection.queries.sources import (
    Counts,
    DeliveryView,
    SourceRef,
    SourceView,
    WriteKeyView,
    counts_by_hour,
    forget_sources,
    latest_deliveries,
    source,
    source_of_key,
    sources,
)
from zhike.collection.queries.visitors import (
    StitchedVisitor,
    person_of_visitor,
    shared_a_device,
    shared_devices,
    visitors_of,
)
from zhike.collection.rules.cloud_events import EVENT_BYTES_MAX
from zhike.collection.rules.reading import (
    BATCH_BYTES_MAX,
    BATCH_MESSAGES_MAX,
    MESSAGE_BYTES_MAX,
    call_named,
)

__all__ = [
    "BATCH_BYTES_MAX",
    "BATCH_MESSAGES_MAX",
    "EVENT_BYTES_MAX",
    "MESSAGE_BYTES_MAX",
    "Counts",
    "DeliveryView",
    "SetAsideView",
    "SourceRef",
    "SourceView",
    "StitchedVisitor",
    "WriteKeyView",
    "body_of",
    "call_named",
    "counts_by_hour",
    "encrypted_columns",
    "forget_sources",
    "latest_deliveries",
    "person_of_visitor",
    "reason_sentence",
    "reasons",
    "set_aside",
    "set_aside_page",
    "shared_a_device",
    "shared_devices",
    "source",
    "source_of_key",
    "sources",
    "visitors_of",
]
