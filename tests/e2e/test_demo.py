"""`pumpjack demo --check`: the whole way of a reading, on a machine whose ports are taken."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from tests.cli.command import run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


def test_readings_of_each_tenant_go_the_whole_way_even_where_the_ports_are_taken() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # then another program has taken it
            taken.bind(("127.0.0.1", 15_020))
            taken.listen()
        done = run("demo", "--check", "--output", "json", limit_s=150)
    assert done.code == 0, done.stderr
    assert "port 15020 is in use; the simulated device listens on" in done.stderr
    result = json.loads(done.stdout)
    assert result["ok"]
    assert result["failures"] == []
    assert [(one["tenantId"], one["wells"]) for one in result["tenants"]] == [
        ("bakken", 1),
        ("permian", 2),
    ]
    for tenant in result["tenants"]:
        assert tenant["storedTags"] == tenant["tags"]
        assert tenant["restReadings"] > 0
        assert tenant["liveReadings"] > 0
        assert len(tenant["latencyMs"]) == 3
