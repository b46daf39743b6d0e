"""Protocol name to what its folder holds, imported only when used: an image needs its own only."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from pumpjack_core.errors import ManifestError
from pumpjack_core.protocols import PROTOCOLS
from pumpjack_worker.adapters.browsing import Browser
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.declared import Declared


def declared(protocol: str) -> Declared:
    """What a protocol says of itself. Raises ManifestError for one that is not known."""
    found: Declared = _module(protocol, "protocol").PROTOCOL
    return found


def adapter_class(protocol: str) -> type[Adapter]:
    """The adapter of a protocol. Raises ManifestError for one that is not known."""
    found: type[Adapter] = getattr(_module(protocol, "adapter"), declared(protocol).adapter)
    return found


def browser_class(protocol: str) -> type[Browser]:
    """The browser of a protocol. Raises ManifestError where there is nothing to browse."""
    name = declared(protocol).browser
    if not name:
        known = ", ".join(one for one in PROTOCOLS if declared(one).browser)
        raise ManifestError(f"{protocol} cannot be browsed; {known} can")
    found: type[Browser] = getattr(_module(protocol, "browse"), name)
    return found


def simulator(protocol: str) -> ModuleType:
    """The module that simulates devices: Options, run(options), serve(devices, options, stop)."""
    return _module(protocol, "simulator")


def _module(protocol: str, name: str) -> ModuleType:
    if protocol not in PROTOCOLS:
        known = ", ".join(sorted(PROTOCOLS))
        raise ManifestError(f"protocol {protocol!r} is not known; known are {known}")
    return import_module(f"{__package__}.{PROTOCOLS[protocol].member}.{name}")
