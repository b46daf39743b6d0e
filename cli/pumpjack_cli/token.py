"""`pumpjack token`: a token for the local gateway."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

EXAMPLE = """
pumpjack token --tenant permian
pumpjack token --tenant permian --role engineer --link
curl -H "Authorization: Bearer $(pumpjack token --tenant permian)" http://127.0.0.1:4000/api/scada/wells
"""


class Role(StrEnum):
    """What the holder of a token may do; each may do all that those before may."""

    viewer = "viewer"
    operator = "operator"
    engineer = "engineer"
    admin = "admin"


def token(
    *,
    tenant: Annotated[str, typer.Option(metavar="TENANT", help="Whose wells the token opens.")],
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.viewer,
    ttl: Annotated[
        str, typer.Option(metavar="TIME", help="How long it is valid: 30m, 12h.")
    ] = "12h",
    subject: Annotated[
        str, typer.Option(metavar="NAME", help="Who it is for, as the audit log names them.")
    ] = ("local-user"),
    data_dir: Annotated[
        Path, typer.Option(metavar="FOLDER", help="That of `pumpjack up` or `demo`.")
    ] = Path(".pumpjack"),
    as_link: Annotated[
        bool, typer.Option("--link", help="Print a link to the screens that signs in with it.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Print a token for the gateway of a local `pumpjack up` or `demo`.

    It is signed with the secret in the data folder, and only that gateway accepts it. A gateway
    in production trusts the tokens of your own issuer instead. A link needs the gateway to run:
    it is where that listens. Whoever opens the link is signed in: treat it as a password.
    """
    from pumpjack_cli.local.access import local_token
    from pumpjack_cli.local.datadir import DataDir
    from pumpjack_cli.local.reached import running
    from pumpjack_cli.local.screens import link_with
    from pumpjack_core.units import seconds

    lifetime_s = seconds(ttl)
    data = DataDir(data_dir)
    signed = local_token(data, tenant_id=tenant, role=role, lifetime_s=lifetime_s, subject=subject)
    link = link_with(running(data).rest, signed) if as_link else None
    if output is Output.json:
        expires = int(time.time() + lifetime_s)
        told = {"token": signed, "tenantId": tenant, "role": role.value, "expires": expires}
        typer.echo(json.dumps(told if link is None else told | {"link": link}))
    else:
        typer.echo(link or signed)
