"""An oil field behind the variables of one server: which nodes there are, and what they show. Pure.

A node shows another value at most once in its tag's interval. The value is what a client must read
to get the tag's: scale and offset undone, rounded and cut to the data type.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence

from msgspec import Struct

from pumpjack_core.errors import AddressError
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.opcua.address import OpcuaAddress, parse_address
from pumpjack_worker.adapters.opcua.simulated_nodes import (
    NAMESPACE,
    NAMESPACE_INDEX,
    SimulatedNode,
)
from pumpjack_worker.simulation.field import Field
from pumpjack_worker.simulation.ledger import Ledger, Served

GOOD, BAD_SENSOR_FAILURE = 0, 0x808C0000
EARLY_US = 5_000
"""A step may come this much before a tag's interval is over: clocks are not that even."""
OTHER_NAMESPACE = "urn:pumpjack:simulator:{}"

Raw = float | int | bool


class Placed(Struct, frozen=True):
    """A tag and the node it is read from, as asyncua writes it (ns=2;s=…).

    write  the node it is set by, "" where nobody can
    """

    tag: Tag
    node: str
    write: str = ""


class Change(Struct, frozen=True):
    """What a node shows from now on. status: an OPC UA status code; a dead sensor's is bad."""

    node: str
    value: Raw
    status: int


class Places:
    """Where tags are on a simulated server.

    placed      those that have a node; of several tags with one node, the first
    left_out    address to the reason, of those that have none of their own
    namespaces  URIs of the server's namespaces from index 3 on
    """

    def __init__(self, tags: Iterable[Tag]) -> None:
        self.placed: list[Placed] = []
        self.left_out: dict[str, str] = {}
        found: list[tuple[Tag, OpcuaAddress]] = []
        for tag in tags:
            try:
                found.append((tag, parse_address(tag.address, tag.data_type)))
            except AddressError as error:
                self.left_out[tag.address] = str(error)
        self.namespaces = _namespaces([address for _, address in found])
        known = ("", "", NAMESPACE, *self.namespaces)
        taken: set[str] = set()
        for tag, address in found:
            index = address.index(known)
            node = _node(index, address)
            if index == 0:
                self.left_out[tag.address] = "namespace 0 is the standard's own"
            elif node in taken:
                self.left_out[tag.address] = "another tag has the same node"
            else:
                taken.add(node)
                self.placed.append(Placed(tag, node, _set_by(tag, node, known)))

    @property
    def nodes(self) -> dict[str, SimulatedNode]:
        """The nodes, for a SimulatedServer; each well is a folder."""
        found = {
            one.node: SimulatedNode(
                one.tag.data_type,
                None,
                path=(one.tag.well_id,),
                unit=one.tag.unit,
                low=one.tag.low,
                high=one.tag.high,
                writable=one.write == one.node,
                history=True,
            )
            for one in self.placed
        }
        for one in self.placed:
            if one.write and one.write not in found:
                found[one.write] = SimulatedNode(
                    one.tag.data_type, path=(one.tag.well_id,), unit=one.tag.unit, writable=True
                )
        return found


class SimulatedField:
    """The tags of one server. step() gives what its nodes show.

    placed  its tags; positions below are positions in here
    field   where the values come from
    shown   by position of the tag: the value that a client reads, NaN for a dead sensor
    ledger  what each value is written to that a node shows
    """

    def __init__(self, placed: Sequence[Placed], *, seed: int = 1) -> None:
        self.placed = tuple(placed)
        self.field = Field([one.tag for one in self.placed], seed=seed)
        self.shown = [math.nan] * len(self.placed)
        self.ledger: Ledger | None = None
        self._is_dead: list[bool | None] = [None] * len(self.placed)
        self._due_us = [0] * len(self.placed)

    def command(self, node: str, raw: float) -> Raw | None:
        """Have the field do what a client wrote: what is taken of it, None: it cannot be set."""
        for at, one in enumerate(self.placed):
            if one.write != node:
                continue
            if not self.field.command(at, read_value(one.tag, raw)):
                return None
            shows = one.write == one.node and at not in self.field.dead
            return raw_value(one.tag, self.field.value[at]) if shows else raw
        return None

    def step(self, now_us: int) -> list[Change]:
        """Move the field on to this time [µs since the epoch]: what shows another value now."""
        self.field.step(now_us / 1e6)
        changes: list[Change] = []
        for at, one in enumerate(self.placed):
            if now_us < self._due_us[at] - EARLY_US:
                continue
            is_dead = at in self.field.dead
            raw = raw_value(one.tag, self.field.value[at])
            read = math.nan if is_dead else read_value(one.tag, raw)
            if is_dead == self._is_dead[at] and (is_dead or read == self.shown[at]):
                continue
            self._due_us[at] = now_us + round(one.tag.interval_s * 1e6)
            self._is_dead[at], self.shown[at] = is_dead, read
            changes.append(Change(one.node, raw, BAD_SENSOR_FAILURE if is_dead else GOOD))
            if self.ledger is not None:
                served = Served(now_us, now_us, one.tag.well_id, one.tag.name, read)
                self.ledger.write(served)
        return changes


def raw_value(tag: Tag, value: float) -> Raw:
    """What a node must hold, so that a client reads this value."""
    if tag.data_type == "bool":
        return value != 0.0
    raw = (value - tag.offset) / tag.scale
    if tag.data_type == "float32":
        (rounded,) = struct.unpack("<f", struct.pack("<f", raw))
        return float(rounded)
    if tag.data_type == "float64":
        return raw
    bits = int(tag.data_type.removeprefix("u").removeprefix("int"))
    unsigned = tag.data_type.startswith("u")
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return min(max(round(raw), low), high)


def read_value(tag: Tag, raw: Raw) -> float:
    """What a client reads of it."""
    return float(raw) * tag.scale + tag.offset


def _namespaces(addresses: Sequence[OpcuaAddress]) -> tuple[str, ...]:
    """Names of the namespaces from index 3 on, so that each URI stands where no number is meant."""
    numbers = {one.namespace for one in addresses if isinstance(one.namespace, int)}
    uris = dict.fromkeys(one.namespace for one in addresses if isinstance(one.namespace, str))
    named: list[str] = []
    for uri in uris:
        if uri == NAMESPACE:
            continue
        while (index := NAMESPACE_INDEX + 1 + len(named)) in numbers:
            named.append(OTHER_NAMESPACE.format(index))
        named.append(uri)
    return tuple(named)


def _set_by(tag: Tag, node: str, known: Sequence[str]) -> str:
    if tag.write is None or not tag.write.address:
        return "" if tag.write is None else node
    try:
        address = parse_address(tag.write.address, tag.data_type)
        index = address.index(known)
    except AddressError:
        return ""
    return _node(index, address)


def _node(index: int, address: OpcuaAddress) -> str:
    identifier = address.identifier
    if isinstance(identifier, bytes):
        return f"ns={index};b=0x{identifier.hex()}"
    return f"ns={index};{address.kind}={identifier}"
