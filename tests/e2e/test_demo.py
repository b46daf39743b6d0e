"""`pumpjack demo --check`: the whole way of a reading, on a machine whose ports are taken."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from tests.cli.command import run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


def test_readings_of_each_tenant_and_protocol_go_the_whole_way_even_where_a_port_is_taken() -> None:
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
        ("bakken", 2),
        ("permian", 3),
    ]
    assert [(one["protocol"], one["wells"], one["tags"]) for one in result["protocols"]] == [
        ("modbus-tcp", 3, 51),
        ("mqtt", 1, 17),
        ("opcua", 1, 17),
    ]
    for found in (*result["tenants"], *result["protocols"]):
        assert found["storedTags"] == found["tags"]
        assert found["restReadings"] > 0
        assert found["liveReadings"] > 0
        assert len(found["latencyMs"]) == 3
