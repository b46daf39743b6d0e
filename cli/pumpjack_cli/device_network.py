"""The option that says which networks devices may be in, the same for each command."""

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
