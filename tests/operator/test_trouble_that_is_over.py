"""What was said of a trouble is taken back when the trouble is over, whichever way it ended."""

from __future__ import annotations

import pytest

from tests.operator.cluster import eventually

pytestmark = pytest.mark.peers

TOO_LITTLE = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}


async def test_a_change_that_was_refused_and_is_taken_back_is_no_trouble_any_more(operator, wells):
    wells.connect("pad7")
    wells.map("pumps", to="pad7")
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")
    wells.connect("pad7", placement={"resources": TOO_LITTLE})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "NotApplied")
    wells.connect("pad7")
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")


async def test_an_amount_that_is_none_is_said(operator, wells):
    wells.connect("pad7", placement={"resources": {"limits": {"cpu": "1.2.3zz"}}})
    await eventually(lambda: wells.reason("pad7", "Stalled") == "NotApplied")
    assert "quantities must match" in wells.condition("pad7", "Stalled")["message"]
    wells.connect("pad7")
    await eventually(lambda: wells.get("statefulsets", "scada-pad7"))
    await eventually(lambda: wells.reason("pad7", "Stalled") == "Progressing")
