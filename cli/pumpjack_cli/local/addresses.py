"""Addresses to listen on: read, checked before anything starts, and found free."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass

from pumpjack_core.errors import SetupError

OWN_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Address:
    """Host and port; port 0 asks for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def reached_host(self) -> str:
        """The host for a client on this machine: a wildcard is reached on loopback."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def reached_at(self) -> str:
        """The address for a client on this machine."""
        return str(Address(self.reached_host, self.port))


def parse(text: str, *, option: str) -> Address:
    """Read host:port, :port or port. Raises SetupError naming the option."""
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isdigit() or int(port) > 65535:
        raise SetupError(
            f"{option} {text!r} is no address; write host:port, for example 127.0.0.1:4000"
        )
    return Address(host, int(port))


def claim(address: Address, *, option: str) -> Address:
    """The address with a real port, checked to be free now. Raises SetupError when it is not."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
            probe.listen(1)
        except OSError as error:
            raise SetupError(
                f"cannot listen on {address}: {error.strerror}; stop the program that uses it, "
                f"or choose another with {option} (port 0 takes a free one)"
            ) from error
        return Address(address.host, probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now, all different.

    Below those that the system hands out to clients, so that none is taken by a passing
    connection between two lives of the server that it is for.
    """
    found: list[int] = []
    for port in random.sample(OWN_PORTS, len(OWN_PORTS)):
        if len(found) == count:
            return found
        if is_free(port):
            found.append(port)
    raise SetupError(f"there are no {count} free ports between {OWN_PORTS[0]} and {OWN_PORTS[-1]}")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    try:
        claim(Address(host, port), option="")
    except SetupError:
        return False
    return True
