"""Writes of webhooks: endpoints and their secrets, events sent, dead letters tried again."""

from zhike.webhooks.operations.delivering import deliver, deliver_due
from zhike.webhooks.operations.endpoints import (
    AddressUnusable,
    EndpointNameTaken,
    create_endpoint,
    discard_dead_letters,
    prune_attempts,
    replay_dead_letters,
    rotate_secret,
    try_now,
    update_endpoint,
)

__all__ = [
    "AddressUnusable",
    "EndpointNameTaken",
    "create_endpoint",
    "deliver",
    "deliver_due",
    "discard_dead_letters",
    "prune_attempts",
    "replay_dead_letters",
    "rotate_secret",
    "try_now",
    "update_endpoint",
]
