"""Whatever can stand on a member's timeline is told in words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import types
import typing
from typing import Any

import pytest

from tools.event_schemas import fact_classes
from zhike.kernel.events.base import Fact, fact_data
from zhike.ui.console.event_text import tell

pytestmark = pytest.mark.feature("C020")

NOW = dt.datetime(2026, 3, 8, 2, 0, tzinfo=dt.UTC)
SOME_ID = "019cc8a0-0000-7000-8000-000000000001"
KNOWN = {"name": "page_viewed", "status": "confirmed", "level": "breach"}
"""Words that have a meaning: a name that comes from outside, how a hold ended, how late it is."""
HAN = re.compile(r"[\u4e00-\u9fff]")


def some(hint: Any, name: str) -> Any:
    """Some value of this type."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return some(next(one for one in typing.get_args(hint) if one is not type(None)), name)
    if name in KNOWN:
        return KNOWN[name]
    if hint is str:
        return SOME_ID if name.endswith("_id") else "x"
    origin = typing.get_origin(hint) or hint
    return {int: 1, bool: True, dt.datetime: NOW, dt.date: NOW.date()}.get(origin) or origin()


def example(fact: Any) -> Fact:
    hints = typing.get_type_hints(fact)
    made: Fact = fact(**{one.name: some(hints[one.name], one.name) for one in dataclasses.fields(fact)})
    return made


FACTS = {name: example(fact) for name, fact in fact_classes().items()}
OF_PERSONS = {name: fact for name, fact in FACTS.items() if fact.subject.startswith("person/")}


def test_the_timeline_is_made_of_many_kinds() -> None:
    assert {"zhike.messaging.message_queued", "zhike.loyalty.points_earned"} < OF_PERSONS.keys()


@pytest.mark.parametrize("name", OF_PERSONS)
def test_every_event_of_a_person_is_told_in_a_sentence(name: str, db: None) -> None:
    """Give a new one its words in zhike/ui/console/event_text.py."""
    told = tell(name.removeprefix("zhike."), fact_data(OF_PERSONS[name]), {})
    assert HAN.search(told.title), f"{name} is shown as {told.title!r}"
    assert told.icon not in ("circle", "dot")
