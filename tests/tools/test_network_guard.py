"""Tests cannot reach other machines."""

import socket

import pytest

from tests.plugins.network import NetworkIsOff, is_local


@pytest.mark.parametrize("address", ["/tmp/socket", ("127.0.0.1", 80), ("localhost", 80), ("::1", 80, 0, 0)])
def test_this_machine_is_local(address):
    assert is_local(address)


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 80), ("2001:db8::1", 80, 0, 0)])
def test_other_machines_are_not(address):
    assert not is_local(address)
    with socket.socket() as client, pytest.raises(NetworkIsOff):
        client.connect(address)
