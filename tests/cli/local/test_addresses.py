"""Addresses: read, and known to be busy before anything starts."""

from __future__ import annotations

import socket

import pytest

from pumpjack_cli.local.addresses import Address, claim, free_ports, is_free, parse
from pumpjack_core.errors import SetupError

READS = {
    "127.0.0.1:4000": Address("127.0.0.1", 4000),
    ":4000": Address("127.0.0.1", 4000),
    "4000": Address("127.0.0.1", 4000),
    "[::1]:0": Address("::1", 0),
    "0.0.0.0:80": Address("0.0.0.0", 80),
}


@pytest.mark.parametrize(("text", "address"), READS.items(), ids=READS)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert parse(text, option="--rest-address") == address


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:", "127.0.0.1:99999", "a:b"])
def test_what_is_no_address_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(SetupError, match="--rest-address"):
        parse(text, option="--rest-address")


def test_a_busy_port_is_named_with_the_option_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(SetupError, match=rf"127.0.0.1:{port}.*in use.*--ws-address"):
            claim(Address("127.0.0.1", port), option="--ws-address")
    assert is_free(port)


def test_port_zero_takes_a_free_one() -> None:
    assert claim(Address("127.0.0.1", 0), option="").port > 0
    assert len(set(free_ports(20))) == 20


def test_a_wildcard_is_reached_on_loopback() -> None:
    assert Address("0.0.0.0", 4000).reached_at == "127.0.0.1:4000"
    assert Address("::", 4000).reached_at == "[::1]:4000"
