"""What a protocol's folder holds, said in its protocol.py, which imports no library of devices.

PROTOCOL = Declared(
    adapter="ModbusTcpAdapter",
    simulated="plcs_of",
    browser="ModbusBrowser",
    scheme="modbus-tcp",
    …
)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult

from msgspec import Struct

from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.tags import Tag

Check = Callable[[ScadaConnectionSpec, Tag], None]


class Declared(Struct, frozen=True, kw_only=True):
    """One protocol's.

    adapter     class in adapter.py
    simulated   function in simulator.py that makes the devices, which its serve() takes
    read        raises AddressError for a tag whose address the adapter cannot read
    write       raises that or WriteRefused for a tag that it cannot write; None: it writes none
    first_step  the step of connect(), or "read", with the first exchange of the protocol, where a
                device of another one shows; "": no device is mistaken
    browser     class in browse.py; "": its devices cannot be browsed
    scheme      of the URL by which `pumpjack browse` is told a device
    form        what such a URL looks like
    of_url      the protocol's member of the spec, from such a URL. Raises ValueError for one that
                is none, with a part of a sentence
    """

    adapter: str
    simulated: str
    read: Check
    write: Check | None = None
    first_step: str = ""
    browser: str = ""
    scheme: str = ""
    form: str = ""
    of_url: Callable[[SplitResult], dict[str, Any]] | None = None
