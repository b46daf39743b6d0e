"""The options that say which networks devices may be in, the same for each command."""

from __future__ import annotations

from typing import Annotated

import typer

DeviceNetworkOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CIDR",
        help="Network that devices may be in; may be given several times. "
        "This machine and private networks when not given.",
        show_default=False,
    ),
]
WriteNetworkOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CIDR",
        help="Network where commands may be written, to connections with spec.writes.enabled; may "
        "be given several times. This machine alone when not given.",
        show_default=False,
    ),
]
