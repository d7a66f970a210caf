"""Our own contract types break on what they are for. The contracts themselves run in `make check`."""

import grimp
import pytest
from importlinter import ContractCheck

from lint.contracts import FrontDoorContract, PureContract

CONTEXTS = ["shop.sales", "shop.loyalty", "shop.not_yet"]


def graph(*links: tuple[str, str]) -> grimp.ImportGraph:
    made = grimp.ImportGraph()
    for importer, imported in links:
        for module in (importer, imported):
            parts = module.split(".")
            for end in range(1, len(parts) + 1):
                made.add_module(".".join(parts[:end]))
        made.add_import(
            importer=importer, imported=imported, line_number=7, line_contents=f"import {imported}"
        )
    return made


def front_door(*links: tuple[str, str]) -> ContractCheck:
    options = {
        "contexts": CONTEXTS,
        "doors": ["operations", "queries", "events", "ports"],
        "narrow_importers": ["shop.ui"],
        "narrow_doors": ["operations", "queries", "events"],
        "exempt_importers": ["shop.config"],
    }
    contract = FrontDoorContract(name="front door", session_options={}, contract_options=options)
    return contract.check(graph(*links), verbose=False)


def pure(*links: tuple[str, str]) -> ContractCheck:
    options = {
        "contexts": CONTEXTS,
        "pure_names": ["rules", "events", "ports"],
        "pure_modules": ["shop.kernel.ids"],
        "trusted_modules": ["shop.kernel.money"],
        "allowed_libraries": ["dataclasses"],
    }
    return PureContract(name="pure", session_options={}, contract_options=options).check(
        graph(*links), verbose=False
    )


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("shop.loyalty.handlers", "shop.sales.events", True),
        ("shop.loyalty.handlers", "shop.sales.operations.recording", True),
        ("shop.loyalty.handlers", "shop.sales.operations._locks", False),
        ("shop.loyalty.handlers", "shop.sales.models", False),
        ("shop.loyalty.handlers", "shop.sales.rules", False),
        ("shop.sales.operations", "shop.sales.models", True),
        ("shop.ui.console", "shop.sales.queries", True),
        ("shop.ui.console", "shop.sales.ports", False),
        ("shop.loyalty.handlers", "shop.sales.ports", True),
        ("shop.config.registry", "shop.sales.models", True),
    ],
)
def test_front_door(importer: str, imported: str, kept: bool):
    assert front_door((importer, imported)).kept is kept


def test_a_door_that_lists_its_names_is_entered_by_the_list_only():
    listing = ("shop.sales.operations", "shop.sales.operations.recording")
    assert front_door(listing, ("shop.loyalty.handlers", "shop.sales.operations")).kept
    assert front_door(listing, ("shop.sales.handlers", "shop.sales.operations.recording")).kept
    assert not front_door(listing, ("shop.loyalty.handlers", "shop.sales.operations.recording")).kept


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("shop.loyalty.rules", "dataclasses", True),
        ("shop.loyalty.rules", "django", False),
        ("shop.loyalty.rules.rounding", "os", False),
        ("shop.loyalty.rules", "shop.sales.events", True),
        ("shop.loyalty.rules", "shop.loyalty.models", False),
        ("shop.loyalty.events", "shop.kernel.ids", True),
        ("shop.kernel.ids", "django", False),
        ("shop.loyalty.rules", "shop.kernel.money", True),
        ("shop.kernel.money", "django", True),
        ("shop.loyalty.queries", "django", True),
    ],
)
def test_purity(importer: str, imported: str, kept: bool):
    assert pure((importer, imported)).kept is kept
