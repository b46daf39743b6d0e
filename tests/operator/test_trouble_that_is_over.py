"""What was said of a trouble is taken back when the trouble is over, whichever way it ended."""

from __future__ import annotations

import asyncio
import time

import pytest

from pumpjack_operator.cluster import Key
from tests.controlplane.webhook import asked, webhook
from tests.operator.cluster import eventually, quiet

pytestmark = pytest.mark.peers


async def test_a_change_that_was_refused_and_is_taken_back_is_no_trouble_any_more(
    operator, wells, tmp_path
):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")
    await quiet(operator)
    with webhook(tmp_path) as hook:
        hook.words = "frozen until Monday"
        with asked(wells.client, wells.name, "/configmaps", hook.port, tmp_path):
            await eventually(lambda: is_refused(wells))
            wells.map("pumps", to="pad7", tags=4)
            await eventually(lambda: wells.reason("pad7", "Stalled") == "NotApplied")
            wells.map("pumps", to="pad7")
            await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")


def is_refused(wells) -> bool:
    probe = {"metadata": {"name": "probe"}}
    path = wells.path("configmaps")
    return bool(wells.client.post(path, json=probe, params={"dryRun": "All"}).is_client_error)


async def test_an_amount_that_is_none_is_said(operator, wells):
    wells.connect("pad7", placement={"resources": {"limits": {"cpu": "1.2.3zz"}}})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "NotApplied")
    assert "quantities must match" in wells.condition("pad7", "Stalled")["message"]
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")


async def test_what_is_made_again_within_the_second_is_looked_at_again(operator, wells):
    """A time of creation has whole seconds: the new one may equal the old one in all it says."""
    for attempt in range(60):
        await asyncio.sleep(1.0 - time.time() % 1.0)
        key = Key(wells.name, f"pad{attempt}")
        before = wells.connect(key.name)["metadata"]
        await eventually(lambda key=key: operator.wanted_hash(key), every_s=0.005)
        wells.delete("scadaconnections", key.name)
        after = wells.connect(key.name)["metadata"]
        if before["creationTimestamp"] == after["creationTimestamp"]:
            break
    else:
        pytest.skip("this machine is too slow to do so within a second")
    await eventually(
        lambda: (
            (wells.get("scadaconnections", key.name).get("status") or {}).get("workerRef")
            and [
                one["uid"]
                for one in wells.get("statefulsets", f"scada-{key.name}")["metadata"][
                    "ownerReferences"
                ]
            ]
            == [after["uid"]]
        )
    )
