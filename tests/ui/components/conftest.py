"""The gallery is open to these tests."""

import pytest


@pytest.fixture(autouse=True)
def gallery(settings):
    settings.GALLERY = True
