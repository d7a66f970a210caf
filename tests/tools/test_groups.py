"""Tests that share what is dear to make are run by one worker."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
def test_whoever_deals_out_the_tests_is_told_their_group(request: pytest.FixtureRequest) -> None:
    """pytest-xdist tells it in the name of the test; a pytest it does not know lets it say nothing."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@together")
