"""The demo's oil field: a copy of examples/oilfield in the data folder, free to be edited."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pumpjack_cli.local.addresses import free_ports, is_free
from pumpjack_cli.local.datadir import cannot_use
from pumpjack_cli.local.programs import SIMULATOR
from pumpjack_cli.local.supervisor import Program
from pumpjack_core import resources
from pumpjack_core.manifests.device import member
from pumpjack_core.manifests.load import load_paths
from pumpjack_core.manifests.types import ScadaConnectionSpec

SOURCE = "examples"
NAME = "oilfield"
_PORT = re.compile(r"(\bport:\s*|\bendpoint:\s*[\"']?opc\.tcp://[^/\s]+:)(\d+)\b")


def copy_to(folder: Path) -> tuple[Path, bool]:
    """The copy, made where it is missing, and whether it was there. Raises SetupError."""
    target = folder / NAME
    kept = target.is_dir()
    if not kept:
        try:
            shutil.copytree(resources.directory(SOURCE) / NAME, target)
        except OSError as error:
            raise cannot_use(folder, error) from error
    return target, kept


def device_ports(folder: Path) -> tuple[int, ...]:
    """The ports of this machine that the devices of the manifests listen on."""
    found = (device_port(connection.spec) for connection in load_paths([folder]).connections)
    return tuple(sorted({port for port in found if port is not None}))


def device_port(spec: ScadaConnectionSpec) -> int | None:
    """The port of a device, where its manifest names one."""
    if spec.opcua is not None:
        return urlsplit(spec.opcua.endpoint).port
    port: int | None = member(spec).port
    return port


def move_devices(folder: Path) -> dict[int, int]:
    """Give devices whose port is in use another, in the copy. Returns old port to new."""
    busy = [port for port in device_ports(folder) if not is_free(port)]
    moved = dict(zip(busy, free_ports(len(busy)), strict=True))
    if moved:
        for file in sorted(folder.glob("*.yaml")):
            file.write_text(with_ports(file.read_text(), moved))
    return moved


def with_ports(text: str, moved: Mapping[int, int]) -> str:
    """A manifest's text with other ports, of hosts and of endpoints; comments stay.

    >>> with_ports("port: 15020 # the pad", {15020: 20001})
    'port: 20001 # the pad'
    >>> with_ports("endpoint: opc.tcp://127.0.0.1:15024/b2", {15024: 20001})
    'endpoint: opc.tcp://127.0.0.1:20001/b2'
    """

    def change(match: re.Match[str]) -> str:
        return match[1] + str(moved.get(int(match[2]), int(match[2])))

    return _PORT.sub(change, text)


def simulators(folder: Path, extra: Iterable[str] = ()) -> tuple[Program, tuple[int, ...]]:
    """The program that plays all of the devices, and their ports."""
    program = Program(
        SIMULATOR,
        NAME,
        "pumpjack_cli.simulation.together",
        ("-f", str(folder), *extra),
        log=SIMULATOR,
    )
    return program, device_ports(folder)
