"""`pumpjack demo --check`: readings, commands and alarms, where ports are taken."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from tests.cli.command import run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


def test_readings_commands_and_alarms_go_the_whole_way_even_where_a_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # then another program has taken it
            taken.bind(("127.0.0.1", 15_020))
            taken.listen()
        done = run("demo", "--check", "--output", "json", limit_s=280)
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
        ("modbus-tcp", 3, 70),
        ("mqtt", 1, 22),
        ("opcua", 1, 26),
    ]
    for found in (*result["tenants"], *result["protocols"]):
        assert found["storedTags"] == found["tags"]
        assert found["restReadings"] > 0
        assert found["liveReadings"] > 0
        assert len(found["latencyMs"]) == 3
    assert [one["protocol"] for one in result["commands"]] == ["modbus-tcp", "mqtt", "opcua"]
    for one in result["commands"]:
        assert one["states"][0] == "requested"
        assert one["states"][-2:] == ["accepted", "verified"]
    assert result["alarms"], "shutting a choke raises the pressure before it"
    assert {one["tenantId"] for one in result["alarms"]} <= {"bakken", "permian"}
