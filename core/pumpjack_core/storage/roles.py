"""The database roles of a tenant: a login that writes, a role that reads."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

import asyncpg

GATEWAY_ROLE = "pumpjack_gateway"
MAINTAIN_ROLE = "pumpjack_maintain"
OPERATOR_ROLE = "pumpjack_operator"
_ITERATIONS = 4096


def _prefix(tenant_id: str) -> str:
    return "pj_" + hashlib.sha256(tenant_id.encode()).hexdigest()[:20]


def writer_role(tenant_id: str) -> str:
    """Login of a tenant's workers.

    A hash, because PostgreSQL cuts names at 63 bytes, where long tenant ids could meet.

    >>> writer_role("permian")
    'pj_723b196d1eacad428621_w'
    """
    return _prefix(tenant_id) + "_w"


def reader_role(tenant_id: str) -> str:
    """Role that the gateway takes on to read a tenant's views."""
    return _prefix(tenant_id) + "_r"


async def ensure_tenant(
    connection: asyncpg.Connection, tenant_id: str, *, writer_password: str | None = None
) -> None:
    """Make a tenant and its two roles where they are missing. Safe to repeat.

    connection is of a superuser, of the database's owner, or of pumpjack_operator. The password
    goes to the server as a SCRAM verifier, so that it is in no log; None leaves it as it is.
    """
    verifier = None if writer_password is None else scram_verifier(writer_password)
    await connection.execute("SELECT pumpjack.ensure_tenant($1, $2)", tenant_id, verifier)


async def close_tenant(connection: asyncpg.Connection, tenant_id: str) -> None:
    """Let nobody log in as a tenant's writer, and end its sessions. What it stored stays.

    connection as for ensure_tenant, which opens it again when it is given a password.
    """
    await connection.execute("SELECT pumpjack.close_tenant($1)", tenant_id)
    await end_sessions(connection, tenant_id, older_than_s=0.0)


async def end_sessions(
    connection: asyncpg.Connection, tenant_id: str, *, older_than_s: float
) -> int:
    """End sessions of a tenant's writer that began longer ago; returns how many."""
    statement = "SELECT pumpjack.end_sessions($1, make_interval(secs => $2))"
    ended: int = await connection.fetchval(statement, tenant_id, older_than_s)
    return ended


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL stores of a password (RFC 5802, RFC 7677; PostgreSQL manual, 52.8)."""
    prepared = unicodedata.normalize("NFKC", password)  # as SASLprep does (RFC 4013)
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", prepared.encode(), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    text = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{text[0]}${text[1]}:{text[2]}"
