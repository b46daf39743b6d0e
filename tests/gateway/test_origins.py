"""Which pages may use the gateway."""

from __future__ import annotations

import pytest

from pumpjack_gateway.origins import Origins

HERE = "127.0.0.1:4001"


def origins(*listed: str, rest_host: str = "127.0.0.1", https: bool = False) -> Origins:
    return Origins(listed, rest_host=rest_host, https=https, rest_port=lambda: 4000)


OWN = {
    "its address": ("10.1.7.2", "http://10.1.7.2:4000", "10.1.7.2:4001"),
    "a name it was given": ("wells-pc", "http://WELLS-pc:4000", "wells-pc:4001"),
    "loopback, whatever it listens on": ("10.1.7.2", "http://localhost:4000", "localhost:4001"),
    "an address of IPv6": ("fd00::7", "http://[fd00::7]:4000", "[fd00::7]:4001"),
    "any address of a machine that listens on all": (
        "0.0.0.0",
        "http://192.168.1.5:4000",
        "192.168.1.5:4001",
    ),
}
OTHERS = {
    "another port": ("127.0.0.1", "http://127.0.0.1:4002", HERE),
    "another scheme": ("127.0.0.1", "https://127.0.0.1:4000", HERE),
    "another host": ("127.0.0.1", "http://evil.example:4000", "evil.example:4001"),
    "a name that was made to point here": (
        "0.0.0.0",
        "http://evil.example:4000",
        "evil.example:4001",
    ),
    "another address of a machine that listens on all": ("::", "http://10.0.0.9:4000", HERE),
    "a page from a file": ("127.0.0.1", "null", HERE),
    "no host": ("127.0.0.1", "http://:4000", HERE),
    "a broken address": ("::", "http://[::::::]:4000", HERE),
    "a user in it": ("127.0.0.1", "http://x@127.0.0.1:4000", HERE),
}


@pytest.mark.parametrize(("rest_host", "origin", "host"), OWN.values(), ids=OWN)
def test_its_own_pages_may(rest_host: str, origin: str, host: str) -> None:
    assert origins(rest_host=rest_host).allows(origin, host)


@pytest.mark.parametrize(("rest_host", "origin", "host"), OTHERS.values(), ids=OTHERS)
def test_others_may_not(rest_host: str, origin: str, host: str) -> None:
    assert not origins(rest_host=rest_host).allows(origin, host)


def test_those_that_are_listed_may() -> None:
    listed = origins("https://wells.example.com")
    assert listed.allows("https://wells.example.com", "wells.example.com")
    assert not listed.allows("https://wells.example.com:4000", "wells.example.com")


def test_where_it_serves_tls_its_pages_have_it_too() -> None:
    served = origins(https=True)
    assert served.allows("https://127.0.0.1:4000", HERE)
    assert not served.allows("http://127.0.0.1:4000", HERE)
