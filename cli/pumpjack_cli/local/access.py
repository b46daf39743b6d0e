"""Tokens for the gateway of `pumpjack up`, signed with the secret in its data folder."""

from __future__ import annotations

from collections.abc import Mapping

from pumpjack_cli.local.datadir import DataDir
from pumpjack_core.errors import SetupError

ISSUER = "pumpjack-local"
AUDIENCE = "pumpjack"
SECRET_NAME = "jwt"  # noqa: S105 - the name of a file


def gateway_environment(data: DataDir) -> Mapping[str, str]:
    """What the gateway must be told to accept our tokens; makes the secret at first use."""
    return {
        "PUMPJACK_JWT_SECRET": data.secret(SECRET_NAME),
        "PUMPJACK_JWT_ISSUER": ISSUER,
        "PUMPJACK_JWT_AUDIENCE": AUDIENCE,
    }


def local_token(
    data: DataDir, *, tenant_id: str, role: str, lifetime_s: float, subject: str
) -> str:
    """Sign a token for a tenant that ran from this folder. Raises SetupError for another."""
    from pumpjack_gateway.tokens import mint

    secret = data.existing_secret(SECRET_NAME)
    known = sorted(set(data.tenants().values()))
    if tenant_id not in known:
        raise SetupError(
            f"tenant {tenant_id!r} has no wells in {data.root}; known are "
            f"{', '.join(known) or 'none yet'}"
        )
    return mint(
        secret,
        tenant_id=tenant_id,
        role=role,
        subject=subject,
        issuer=ISSUER,
        audience=AUDIENCE,
        lifetime_s=lifetime_s,
    )
