"""`pumpjack reconcile`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pumpjack_core.storage.ingest import Ingest
from tests.cli.command import run
from tests.cli.left_behind import CONNECTION, TENANT, Site, leave

pytestmark = pytest.mark.servers


@pytest.fixture
async def site(empty_database: str, tmp_path: Path) -> AsyncIterator[Site]:
    """Ten readings of an hour ago, stored."""
    made = await Site.make(empty_database)
    await made.admin.execute("UPDATE pumpjack.settings SET counted_from = '2020-01-01'")
    leave(tmp_path, 5)
    done = run("journal", "drain", str(tmp_path), "--database-url", made.writer_url)
    assert done.code == 0, done.stderr
    yield made
    await made.admin.close()


def reconcile(site: Site, *more: str, connection: str = CONNECTION):  # type: ignore[no-untyped-def]
    return run(
        *("reconcile", "--tenant", TENANT, "--connection", connection),
        *("--database-url", site.url, *more),
    )


async def test_it_counts_and_ends_with_0_when_nothing_is_missing(site: Site) -> None:
    await site.admin.execute("UPDATE pumpjack.connection SET protocol = 'mqtt'")
    done = reconcile(site, "--from", "2h")
    assert done.code == 0, done.stdout + done.stderr
    assert "  received                10\n  stored                  10   0 of" in done.stdout
    assert done.stdout.endswith("nothing is missing\n")


async def test_a_hole_ends_it_with_1_and_is_named_with_its_time(site: Site) -> None:
    await site.admin.execute("DELETE FROM pumpjack.reading WHERE value = 3")
    done = reconcile(site, "--from", "2h", "--output", "json")
    found = json.loads(done.stdout)
    assert (done.code, found["whole"], found["rows"]) == (1, False, 9)
    (hole,) = [one for one in found["holes"] if one["kind"] == "missing_rows"]
    assert hole["readings"] == 1
    assert "missing_rows: 20" in reconcile(site, "--from", "2h").stdout


async def test_a_journal_that_was_lost_is_named(site: Site) -> None:
    await site.admin.execute("UPDATE pumpjack.ingest_cursor SET drained_at = NULL")
    worker = await Ingest.connect(site.writer_url)
    await worker.open_journal("6a4f4d7e-58c5-4a3c-93f4-5a6c07a3b8de", CONNECTION)  # type: ignore[arg-type]
    await worker.close()
    assert "journal_lost: 20" in reconcile(site, "--from", "2h").stdout


async def test_what_is_asked_wrongly_says_how_to_ask(site: Site) -> None:
    assert "it has ops/plc" in reconcile(site, connection="ops/plcc").stderr
    done = reconcile(site, "--from", "yesterday")
    assert (done.code, "'yesterday' is no time" in done.stderr) == (2, True)
    assert "is not before" in reconcile(site, "--from", "1h", "--to", "2h").stderr
