"""Passwords of the logins, as the chart's migration job sets them."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_core.storage import logins
from pumpjack_core.storage.migrate import migrate
from pumpjack_core.storage.roles import scram_verifier

PASSWORDS = {name: f"a long password of {name}" for name in logins.LOGINS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As the kubelet mounts a Secret: its own entries begin with dots."""
    (tmp_path / "..data").mkdir()
    for name, password in PASSWORDS.items():
        (tmp_path / name).write_text(password + "\n")
    return tmp_path


@pytest.mark.servers
async def test_each_login_has_its_password_and_the_server_only_a_verifier(empty_database, folder):
    await migrate(empty_database, level="plain")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "pumpjack_core.storage.logins"],
        env={"PUMPJACK_DATABASE_URL": empty_database, "PUMPJACK_LOGINS_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not any(password in done.stdout for password in PASSWORDS.values())
    connection = await asyncpg.connect(empty_database)
    try:
        for name, password in PASSWORDS.items():
            stored = await connection.fetchval(
                "SELECT rolpassword FROM pg_authid WHERE rolname = $1", name
            )
            salt = base64.b64decode(stored.split(":")[1].split("$")[0])
            assert stored == scram_verifier(password, salt)
    finally:
        await connection.close()


def test_a_login_that_is_none_is_refused(folder):
    (folder / "postgres").write_text("a long password of someone else")
    with pytest.raises(ManifestError, match="postgres is no login of Pumpjack"):
        logins.read(folder)


def test_a_short_password_is_refused_without_being_shown(folder):
    (folder / logins.LOGINS[0]).write_text("swordfish")
    with pytest.raises(ManifestError) as refused:
        logins.read(folder)
    assert "pumpjack_gateway is shorter than 16" in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ManifestError, match="logins cannot be read"):
        logins.read(tmp_path / "logins")
