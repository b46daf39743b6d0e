"""Which addresses a tenant may reach."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from pumpjack_core.errors import HostNotAllowed, NotConnected
from pumpjack_core.networks import (
    endpoint,
    is_allowed,
    parse_networks,
    resolve_allowed,
    without_reserved,
)

FIELD = parse_networks(["10.1.0.0/16", "fd00:7::/32"])

CASES = {
    "an address of the network is allowed": ("10.1.7.20", True),
    "a neighbour of the network is not": ("10.2.0.1", False),
    "loopback is not, unless listed": ("127.0.0.1", False),
    "link-local, where clouds keep secrets, is not": ("169.254.169.254", False),
    "an IPv6 address of the network is": ("fd00:7::1", True),
    "another IPv6 address is not": ("fd00:8::1", False),
    "an IPv4 address in IPv6 clothes is judged as what it is": ("::ffff:10.1.7.20", True),
    "and so is a forbidden one": ("::ffff:169.254.169.254", False),
}


@pytest.mark.parametrize(("address", "allowed"), CASES.values(), ids=CASES)
def test_an_address(address, allowed):
    assert is_allowed(ipaddress.ip_address(address), FIELD) is allowed


def test_nothing_listed_is_nothing_allowed():
    assert not is_allowed(ipaddress.ip_address("10.1.7.20"), ())


async def test_a_name_that_resolves_to_a_forbidden_address_is_refused_with_the_way_out():
    with pytest.raises(HostNotAllowed, match=r"localhost is .*127\.0\.0\.1.*deviceNetworks"):
        await resolve_allowed("localhost", 502, FIELD, timeout_s=5)


async def test_a_name_is_resolved_to_the_address_that_is_allowed():
    networks = parse_networks(["127.0.0.0/8"])
    assert await resolve_allowed("localhost", 502, networks, timeout_s=5) == "127.0.0.1"


async def test_a_name_that_changes_its_address_is_judged_anew_at_each_connect(monkeypatch):
    answers = iter(["10.1.7.20", "169.254.169.254"])

    async def getaddrinfo(*_args, **_more):
        return [(2, 1, 6, "", (next(answers), 502))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
    assert await resolve_allowed("plc", 502, FIELD, timeout_s=5) == "10.1.7.20"
    with pytest.raises(HostNotAllowed):
        await resolve_allowed("plc", 502, FIELD, timeout_s=5)


async def test_a_name_without_an_address_says_so():
    with pytest.raises(NotConnected, match="no address") as caught:
        await resolve_allowed("no-such-plc.invalid", 502, FIELD, timeout_s=5)
    assert caught.value.reason == "NameNotFound"


RESERVED = {
    "a wide network has the reserved ranges cut out": (
        ["10.0.0.0/14"],
        ["10.1.0.0/16", "10.2.0.0/16"],
        ["10.0.0.0/16", "10.3.0.0/16"],
    ),
    "a reserved range that is listed is meant": (["10.1.0.0/16"], ["10.1.0.0/16"], ["10.1.0.0/16"]),
    "a part of it too": (["10.1.7.0/24"], ["10.1.0.0/16"], ["10.1.7.0/24"]),
    "other networks are left as they are": (["10.2.0.0/16"], ["10.1.0.0/16"], ["10.2.0.0/16"]),
    "IPv6 has nothing to do with IPv4": (["::/0"], ["10.0.0.0/8"], ["::/0"]),
}


@pytest.mark.parametrize(("listed", "reserved", "left"), RESERVED.values(), ids=RESERVED)
def test_what_is_left_of_a_tenants_networks(listed, reserved, left):
    found = without_reserved(parse_networks(listed), parse_networks(reserved))
    assert [str(network) for network in found] == left


def test_an_ipv6_address_is_told_apart_from_its_port():
    assert endpoint("fd00:7::1", 4840) == "[fd00:7::1]:4840"
    assert endpoint("plc", 502) == "plc:502"
