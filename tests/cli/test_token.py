"""`pumpjack token`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from pumpjack_cli.local.access import AUDIENCE, ISSUER, SECRET_NAME, gateway_environment
from pumpjack_cli.local.datadir import DataDir, Running
from pumpjack_core.clock import SystemClock
from pumpjack_gateway.auth import Role, Verifier
from pumpjack_gateway.settings import from_environment
from tests.cli.command import run


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    found = DataDir(tmp_path)
    gateway_environment(found)
    found.remember_tenants({"permian-ops": "permian"})
    return found


async def test_the_gateway_accepts_what_the_command_prints(data: DataDir) -> None:
    done = run("token", "--tenant", "permian", "--role", "operator", "--data-dir", str(data.root))
    settings = from_environment(
        {
            "PUMPJACK_DATABASE_URL": "postgresql://x",
            "PUMPJACK_REDIS_URL": "redis://x",
            **gateway_environment(data),
        }
    )
    who = await Verifier(settings.issuers(), SystemClock()).verify(done.stdout.strip())
    assert (who.tenant_id, who.role, who.subject) == ("permian", Role.operator, "local-user")
    assert (who.issuer, "pumpjack") == (ISSUER, AUDIENCE)


def test_a_script_gets_the_token_and_when_it_ends(data: DataDir) -> None:
    done = run("token", "--tenant", "permian", "-o", "json", "--data-dir", str(data.root))
    found = json.loads(done.stdout)
    assert found["token"].count(".") == 2
    assert (found["tenantId"], found["role"]) == ("permian", "viewer")
    assert found["expires"] > 0


def test_an_unknown_tenant_is_refused_with_those_that_are_known(data: DataDir) -> None:
    done = run("token", "--tenant", "bakken", "--data-dir", str(data.root))
    assert done.code == 1
    assert "'bakken' has no wells" in done.stderr
    assert "known are permian" in done.stderr


def test_without_a_data_folder_it_says_what_makes_one(tmp_path: Path) -> None:
    done = run("token", "--tenant", "permian", "--data-dir", str(tmp_path / "none"))
    assert done.code == 1
    assert "pumpjack up" in done.stderr


def test_a_time_that_is_none_is_refused(data: DataDir) -> None:
    done = run("token", "--tenant", "permian", "--ttl", "soon", "--data-dir", str(data.root))
    assert done.code == 1
    assert "'soon' is no duration" in done.stderr


def test_a_link_opens_the_screens_of_the_gateway_that_runs_with_the_same_token(
    data: DataDir,
) -> None:
    asked = ("token", "--tenant", "permian", "--role", "engineer", "--link")
    with data.lock() as lock:
        lock.say(Running(os.getpid(), "http://127.0.0.1:4711", "ws://127.0.0.1:4712"))
        printed = run(*asked, "--data-dir", str(data.root)).stdout.strip()
        told = json.loads(run(*asked, "-o", "json", "--data-dir", str(data.root)).stdout)
    address, _, signed = printed.partition("#token=")
    assert address == "http://127.0.0.1:4711/"
    claims = jwt.decode(signed, OctKey.import_key(data.secret(SECRET_NAME))).claims
    assert (claims["tenantId"], claims["role"]) == ("permian", "engineer")
    assert told["link"] == f"{address}#token={told['token']}"


def test_a_link_to_a_gateway_that_does_not_run_is_refused(data: DataDir) -> None:
    done = run("token", "--tenant", "permian", "--link", "--data-dir", str(data.root))
    assert done.code == 1
    assert done.stdout == ""
    assert f"nothing runs from {data.root}" in done.stderr
