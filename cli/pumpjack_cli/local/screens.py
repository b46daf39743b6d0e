"""Links to the screens of a local gateway, which sign in whoever opens them."""

from __future__ import annotations

import html
import os
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pumpjack_cli.local.access import local_token
from pumpjack_cli.local.datadir import DataDir

if TYPE_CHECKING:
    from pumpjack_cli.local.system import LocalSystem

TOKEN_S = 12 * 3600.0
ROLE = "operator"
DOOR = "screens.html"


def link(data: DataDir, rest_url: str, tenant_id: str, *, subject: str) -> str:
    """Where a tenant's operator sees its wells."""
    token = local_token(data, tenant_id=tenant_id, role=ROLE, lifetime_s=TOKEN_S, subject=subject)
    return link_with(rest_url, token)


def link_with(rest_url: str, token: str) -> str:
    """Where the screens are, for the holder of a token.

    It is in the fragment, which browsers never send: it is in no log of any server.
    """
    return f"{rest_url.rstrip('/')}/#token={token}"


def links(system: LocalSystem, *, subject: str) -> dict[str, str]:
    """The link of each tenant."""
    return {
        tenant: link(system.data, system.rest_url, tenant, subject=subject)
        for tenant in system.plan.tenant_ids
    }


def lines(links_: Mapping[str, str]) -> list[str]:
    """What is printed of them, with markup."""
    if not are_built():
        return ["[yellow]![/] the screens are not built; in a checkout run: make screens", ""]
    found = []
    for tenant, address in links_.items():
        found += [f"[bold]{tenant}[/]: its screens, as {ROLE}, for 12 hours", f"  {address}", ""]
    return found


def are_built() -> bool:
    """Whether the gateway of this installation has the files of the screens."""
    from pumpjack_gateway.screen_files import BUILT_SCREENS, INDEX

    return (BUILT_SCREENS / INDEX[1:]).is_file()


def open_in_browser(
    address: str, folder: Path, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Open a link with the desktop's browser; None when that was started, else why not.

    Programs are started with a file's name, which leads on to the link: arguments of programs can
    be read by everybody on the machine.
    """
    if not any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        return "there is no desktop here, so no browser was opened; open the link yourself"
    door = folder / DOOR
    try:
        door.unlink(missing_ok=True)
        with os.fdopen(os.open(door, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(_DOOR.format(address=html.escape(address)))
        opened = webbrowser.open(door.resolve().as_uri())
    except (OSError, webbrowser.Error) as error:
        return f"no browser could be opened ({error}); open the link yourself"
    return None if opened else "no browser was found; open the link yourself"


_DOOR = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Pumpjack</title><a href="{address}">The screens</a></html>
"""
