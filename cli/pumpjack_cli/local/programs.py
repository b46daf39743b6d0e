"""The programs of a local system, told what to do by their environment as in a pod."""

from __future__ import annotations

from pumpjack_cli.local import access
from pumpjack_cli.local.addresses import Address
from pumpjack_cli.local.database import Database
from pumpjack_cli.local.datadir import DataDir, slug
from pumpjack_cli.local.supervisor import Program

WORKER, GATEWAY, SIMULATOR = "worker", "gateway", "simulator"


def worker(
    connection_id: str,
    tenant_id: str,
    *,
    data: DataDir,
    database: Database,
    redis_url: str,
    status_port: int,
    has_secret: bool,
) -> Program:
    """The worker of one connection; its configuration and its Secret are in the data folder."""
    secrets = {"PUMPJACK_SECRETS_DIR": str(data.credentials(connection_id))}
    return Program(
        WORKER,
        connection_id,
        "pumpjack_worker",
        environment={
            "PUMPJACK_CONFIG_DIR": str(data.config(connection_id)),
            "PUMPJACK_JOURNAL_DIR": str(data.journal(connection_id)),
            "PUMPJACK_DATABASE_URL": database.writer(tenant_id),
            "PUMPJACK_REDIS_URL": redis_url,
            "PUMPJACK_STATUS_ADDRESS": f"127.0.0.1:{status_port}",
            **(secrets if has_secret else {}),
        },
        log=f"{WORKER}-{slug(connection_id)}",
    )


def gateway(
    *, data: DataDir, database: Database, redis_url: str, rest: Address, websocket: Address
) -> Program:
    """The gateway, which accepts tokens that are signed with the secret in the data folder."""
    return Program(
        GATEWAY,
        "",
        "pumpjack_gateway",
        environment={
            "PUMPJACK_DATABASE_URL": database.gateway,
            "PUMPJACK_REDIS_URL": redis_url,
            "PUMPJACK_REST_ADDRESS": str(rest),
            "PUMPJACK_WS_ADDRESS": str(websocket),
            **access.gateway_environment(data),
        },
    )
