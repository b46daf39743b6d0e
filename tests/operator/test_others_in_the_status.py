"""Somebody else writes into a status: it is no reason to write it again and again."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.operator.cluster import answered, eventually, quiet

pytestmark = pytest.mark.peers

OTHERS = {
    "type": "Approved",
    "status": "True",
    "reason": "ByHand",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


async def test_a_condition_that_another_has_added_is_left_alone_and_costs_no_writes(
    operator, wells
):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    for plural, name in (("scadaconnections", "pad7"), ("tagmappings", "pumps")):
        await eventually(lambda p=plural, n=name: wells.condition(n, "MappingsAccepted", p))
        body = {
            "apiVersion": "pumpjack.dev/v1alpha1",
            "kind": {"scadaconnections": "ScadaConnection", "tagmappings": "TagMapping"}[plural],
            "metadata": {"name": name},
            "status": {"conditions": [OTHERS]},
        }
        answered(
            wells.client.patch(
                wells.path(plural, name) + "/status",
                params={"fieldManager": "approver"},
                content=json.dumps(body),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )
        )
    await quiet(operator)
    before = status_writes(operator)
    for _ in range(10):
        for key in operator.store.connection_keys():
            operator.look_at_namespace(key.namespace)
        wells.connect("pad7", labels={"turn": str(_)})
        await asyncio.sleep(0.2)
    await quiet(operator)
    assert wells.holds("pad7", "Approved")
    assert wells.holds("pumps", "Approved", "tagmappings")
    assert status_writes(operator) - before == 0


def status_writes(operator) -> int:
    return sum(
        count for (_, resource), count in operator.api_calls.items() if resource.endswith("/status")
    )
