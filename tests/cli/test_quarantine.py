"""`pumpjack quarantine`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import numpy as np
import pytest

from pumpjack_core.clock import SystemClock
from pumpjack_core.storage.ingest import Ingest
from tests.cli.command import run
from tests.cli.left_behind import CONNECTION, TAGS, TENANT, Site

JOURNAL = "6a4f4d7e-58c5-4a3c-93f4-5a6c07a3b8de"


@pytest.fixture
async def site(empty_database: str) -> AsyncIterator[Site]:
    """Three readings whose clock was 30 hours ahead, and one text."""
    made = await Site.make(empty_database)
    worker = await Ingest.connect(made.writer_url)
    await worker.open_journal(JOURNAL, CONNECTION)  # type: ignore[arg-type]
    ids = await worker.register_series(CONNECTION, TAGS.tags)
    us = np.arange(3) * 1_000 + SystemClock().now_us() + 30 * 3_600_000_000
    await worker.write_batch(
        JOURNAL,  # type: ignore[arg-type]
        *(0, 1, us, np.full(3, ids[0], np.int32), np.zeros(3, np.int16), np.arange(3.0)),
        [(ids[1], int(us[0]), "text_value", '"high\x1b[2J"')],
    )
    await worker.close()
    yield made
    await made.admin.close()


def quarantine(site: Site, part: str, *more: str):  # type: ignore[no-untyped-def]
    return run("quarantine", part, "--tenant", TENANT, "--database-url", site.url, *more)


@pytest.mark.servers
async def test_what_is_kept_out_is_listed_and_comes_back_when_it_is_mended(site: Site) -> None:
    listed = quarantine(site, "list", "--rows", "10")
    assert listed.code == 0, listed.stderr
    assert f"{CONNECTION} in_future: 3 in all, 3 kept, from 20" in listed.stdout
    assert "a1 pressure in_future: value 0, quality 0" in listed.stdout
    assert "\x1b" not in listed.stdout, "a device's text moves no cursor"
    asked = ("--connection", CONNECTION, "--reason", "in_future", "--shift=-31h")
    assert "3 readings would be replayed" in quarantine(site, "replay", *asked, "--dry-run").stdout
    assert await site.stored() == []
    done = quarantine(site, "replay", *asked)
    assert (done.code, done.stdout) == (
        0,
        "3 left the quarantine: 3 stored (0 shifted), 0 were there, 0 went back\n",
    )
    assert await site.stored() == [0.0, 1.0, 2.0]
    again = quarantine(site, "replay", *asked, "--output", "json")
    assert json.loads(again.stdout)["removed"] == 0


@pytest.mark.servers
async def test_what_cannot_come_back_says_why_and_stays(site: Site) -> None:
    asked = ("--connection", CONNECTION, "--reason", "text_value", "--text")
    done = quarantine(site, "replay", *asked)
    assert (done.code, "1 stay: its text is no number" in done.stdout) == (3, True)


def test_a_reason_is_explained_and_a_wrong_one_is_corrected() -> None:
    done = run("quarantine", "explain", "in_future")
    assert "more than a day ahead" in done.stdout and "--shift" in done.stdout
    assert "text_value:" in run("quarantine", "explain").stdout
    wrong = run("quarantine", "explain", "in_futur")
    assert (wrong.code, "in_future" in wrong.stderr) == (1, True)
