"""Every event type has its shape on file, in the past tense and of the context that publishes it."""

import typing

import pytest

from tools.event_schemas import fact_classes, stale
from zhike.kernel.events.base import Fact

FACTS = fact_classes()


def test_snapshots_are_what_the_code_says():
    assert stale(write=False) == [], "run `python -m tools.event_schemas` and review the difference"


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_fact_is_frozen_and_named_by_its_context(fact: type[Fact]):
    context = fact.__module__.split(".")[1]
    assert fact.type.startswith(f"zhike.{context}."), fact.type
    assert vars(fact)["__dataclass_params__"].frozen


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_fact_carries_no_models(fact: type[Fact]):
    hints = typing.get_type_hints(fact)
    modules = {getattr(hint, "__module__", "") for hint in hints.values()}
    assert not {module for module in modules if module.endswith(".models") or module.startswith("django")}
