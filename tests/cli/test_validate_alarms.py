"""`pumpjack validate` on alarms and writes: what of them would not be used, and why."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_validate import NAMESPACE, as_json, validated
from tests.core.manifests.case import connection, mapping
from tests.core.manifests.large import as_large_as_it_gets

MODBUS = "protocol: modbus-tcp\n  modbusTcp: {host: 10.1.7.20}"
PROTOCOLS = {
    "modbus-tcp": MODBUS,
    "opcua": "protocol: opcua\n  opcua: {endpoint: 'opc.tcp://plc:4840'}",
    "mqtt": "protocol: mqtt\n  mqtt: {host: broker}",
}


def speaking(protocol: str) -> str:
    return connection("  writes: {enabled: true}").replace(MODBUS, PROTOCOLS[protocol])


def test_an_alarm_on_a_tag_that_is_not_there_is_told_at_its_line_and_its_tag_is_read() -> None:
    tags = """
    - name: casing
      address: holding:40001
      alarms:
        - {condition: hi, limit: 5}
        - {condition: deviation, limit: 5, from: tubin}
    - {name: tubing, address: 'holding:40003'}"""
    answer = as_json(NAMESPACE, connection(), mapping(tags))
    (problem,) = answer["problems"]
    assert problem["severity"] == "error"
    assert problem["path"] == "spec.tags[0].alarms[1]"
    assert problem["message"] == (
        "alarm deviation: from names tubin, which is no tag of this mapping; did you mean tubing? "
        "(tag casing of connection default/pad-a, which is read all the same)"
    )
    text = "---\n".join((NAMESPACE, connection(), mapping(tags)))
    assert "condition: deviation" in text.splitlines()[problem["line"] - 1]
    (summary,) = answer["connections"]
    assert (summary["accepted"], summary["rejected"]) == (2, 0)
    assert answer["valid"] is False


WRITES = {
    "a holding register": ("modbus-tcp", "holding:40001", "", None),
    "a coil": ("modbus-tcp", "coil:1", "", None),
    "an input register": ("modbus-tcp", "input:30001", "", "can only be read; set write.address"),
    "a discrete input": ("modbus-tcp", "discrete:10001", "", "can only be read"),
    "an input register, written elsewhere": (
        "modbus-tcp",
        "input:30001",
        ", address: 'holding:40001'",
        None,
    ),
    "no register at all": ("modbus-tcp", "holding:40001", ", address: holdin:1", "holdin:1"),
    "a node": ("opcua", "ns=2;s=Speed", "", None),
    "no node at all": ("opcua", "ns=2;s=Speed", ", address: speed", "speed"),
    "a topic": ("mqtt", "pads/7/speed", ", address: pads/7/speed/set", None),
    "no topic": ("mqtt", "pads/7/speed", "", "give write.address"),
    "a member of an object": (
        "mqtt",
        "pads/7/speed",
        ", address: 'pads/7/set;path=$.pump.speed'",
        None,
    ),
    "a place in a list": (
        "mqtt",
        "pads/7/speed",
        ", address: 'pads/7/set;path=$.levels[0]'",
        "names members of objects",
    ),
    "many topics": ("mqtt", "pads/7/speed", ", address: pads/+/set", "wildcard"),
}


@pytest.mark.parametrize(("protocol", "address", "more", "why"), WRITES.values(), ids=list(WRITES))
def test_what_may_be_written_is_the_protocols_to_say(
    protocol: str, address: str, more: str, why: str | None
) -> None:
    kind = "bool" if address.startswith(("coil", "discrete")) else "uint16"
    asked = (
        f"[{{name: a, address: '{address}', dataType: {kind}, write: {{states: [0, 1]{more}}}}}]"
    )
    answer = as_json(NAMESPACE, speaking(protocol), mapping(asked))
    if why is None:
        assert answer["problems"] == []
        return
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["path"]) == ("error", "spec.tags[0].write")
    assert problem["message"].startswith("write: ")
    assert why in problem["message"]
    assert answer["connections"][0]["accepted"] == 1


def test_a_tag_whose_own_address_is_wrong_is_told_once() -> None:
    asked = "[{name: a, address: 'holdin:1', write: {states: [0, 1]}}]"
    answer = as_json(NAMESPACE, speaking("modbus-tcp"), mapping(asked))
    (problem,) = answer["problems"]
    assert problem["message"].startswith("tag a is not read")


def test_a_connection_that_allows_no_writes_is_noted_and_valid() -> None:
    asked = "[{name: a, address: 'holding:40001', write: {min: 0, max: 1}}]"
    answer = as_json(NAMESPACE, connection(), mapping(asked))
    (problem,) = answer["problems"]
    assert (problem["severity"], problem["object"]) == ("note", "ScadaConnection default/pad-a")
    assert "commands may not write a, though a mapping declares it" in problem["message"]
    assert answer["valid"]


def test_a_mapping_too_large_for_kubectl_is_told_how_to_apply_it() -> None:
    mapping = as_large_as_it_gets(texts=0)
    mapping["metadata"]["namespace"] = "default"
    plc = connection(metadata="{name: plc}")
    found = validated(NAMESPACE, plc, json.dumps(mapping) + "\n")
    assert "kubectl apply takes 256; use kubectl apply --server-side" in found.stdout
    assert found.exit_code == 0
