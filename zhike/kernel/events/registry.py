"""Which consumers there are. They live above, so the settings name the function that lists them: EVENT_CONSUMERS."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import NotFound
from zhike.kernel.events.consumer import Consumer


class UnknownConsumer(NotFound):
    code = "unknown-consumer"
    title = _("There is no reader of the event log named “%(name)s”.")


def consumers() -> list[Consumer]:
    """Every consumer, in the order of the floors."""
    listing: str | Callable[[], list[Consumer]] = getattr(settings, "EVENT_CONSUMERS", list)
    return list(import_string(listing)() if isinstance(listing, str) else listing())


def consumer_named(name: str) -> Consumer:
    """Raises UnknownConsumer."""
    for consumer in consumers():
        if consumer.name == name:
            return consumer
    raise UnknownConsumer(name=name)
