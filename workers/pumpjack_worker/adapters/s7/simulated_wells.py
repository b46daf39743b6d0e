"""What the simulator simulates: the connections of given manifests, or wells of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.s7.address import SIZE_OF
from pumpjack_worker.adapters.s7.simulated_plc import Placed, placed
from pumpjack_worker.simulation import own_wells as own
from pumpjack_worker.simulation.connections import by_port

MOST_WELLS = 500
_LETTERS = {2: "W", 4: "D", 8: "L"}


def placed_by_port(
    paths: Sequence[str | Path], connection: str | None = None
) -> dict[int, list[Placed]]:
    """The tags of the s7 connections of these manifests, by the port they are read on.

    connection: only this one, by its name or namespace/name. Raises ManifestError when the
    manifests are wrong, or when there is nothing to simulate.
    """
    return {
        port: [one for known in found for one in placed(known.tags.tags)]
        for port, found in by_port(paths, "s7", connection).items()
    }


def own_tags(count: int) -> list[Tag]:
    """The tags of wells of the simulator's own: well N is data block N."""
    ends: dict[int, int] = {}

    def address(well: int, tag: Tag) -> str:
        size = SIZE_OF[tag.data_type]
        start = ends.get(well, 0)
        start += start % 2
        ends[well] = start + size
        letter = f"X{start}.0" if tag.data_type == "bool" else f"{_LETTERS[size]}{start}"
        return f"DB{well}.DB{letter}"

    return own.own_tags(count, MOST_WELLS, address)


def manifests(count: int, port: int) -> str:
    """YAML that reads the simulator's own wells."""
    spec = {"protocol": "s7", "s7": {"host": "127.0.0.1", "port": port}}
    return own.manifests(spec, own_tags(count))
