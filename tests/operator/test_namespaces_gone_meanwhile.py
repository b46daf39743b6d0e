"""A namespace that goes while it is found out whose it is."""

from __future__ import annotations

import asyncio

import pytest

from pumpjack_operator.tenancy import ByLabel
from tests.operator.cluster import answered, eventually, new_namespace, operating, quiet

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("controlled")]


class Slow(ByLabel):
    """Owners whose record takes its time."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def tenant(self, namespace, labels, labelled):
        if labels.get("pumpjack.dev/tenant") == "bakken":
            self.asked.set()
            await self.may_answer.wait()
        return await super().tenant(namespace, labels, labelled)


async def test_it_is_no_reason_to_keep_its_tenants_logins(plane, wells):
    owners = Slow()
    async with operating(plane, owners=owners) as controller:
        brief = new_namespace(plane.client, "bakken")
        brief.connect("pad7")
        async with asyncio.timeout(60):
            await owners.asked.wait()
        answered(plane.client.delete(f"/api/v1/namespaces/{brief.name}"))
        await eventually(lambda: controller.store.namespace(brief.name) is None)
        owners.may_answer.set()
        await quiet(controller)
        assert not controller.serves("bakken")
