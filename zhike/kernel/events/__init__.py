"""The event log: facts appended in the transaction of the change they tell, read by durable cursors.

`publish` appends; a `Consumer` reads in commit order and meets each event exactly once; a runner keeps it going.
"""

from zhike.kernel.events.base import Fact, StoredEvent
from zhike.kernel.events.consumer import Consumer, drain
from zhike.kernel.events.log import ensure_partitions, is_silent, publish, publish_many, silence
from zhike.kernel.events.wakeup import wake

__all__ = [
    "Consumer",
    "Fact",
    "StoredEvent",
    "drain",
    "ensure_partitions",
    "is_silent",
    "publish",
    "publish_many",
    "silence",
    "wake",
]
