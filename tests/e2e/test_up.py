"""`pumpjack up` from outside: readings flow, edits are applied, kills are survived."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pumpjack_cli.local.addresses import free_ports
from tests.cli.command import run
from tests.e2e.local_run import (
    LocalRun,
    manifest,
    processes_of,
    simulator,
    until,
    values_of,
    worker_pid,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]
STAYS, GOES, COMES = ("stays_counter", 0), ("goes_counter", 4), ("comes_counter", 8)
PLC = "permian-ops/plc"


@dataclass
class Site:
    """A simulated device with a ledger, manifests that read it, and a data folder."""

    folder: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def wells(self) -> Path:
        return self.folder / "wells"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.csv"

    def declare(self, *tags: tuple[str, int], name: str = "plc") -> None:
        """Write a manifest as an editor does: another file takes its place."""
        text = manifest(self.port, tags, name=name)
        if name != "plc":
            text = text.partition("---\n")[2]  # the namespace is declared already
        part = self.wells / f".{name}.part"
        part.write_text(text)
        part.rename(self.wells / f"{name}.yaml")

    @contextlib.contextmanager
    def up(self) -> Iterator[LocalRun]:
        """`pumpjack up`, from when everything runs; stopped with Ctrl-C."""
        free = ("--rest-address", "127.0.0.1:0", "--ws-address", "127.0.0.1:0")
        with LocalRun("up", "-f", str(self.wells), *free, data=self.data) as run:
            yield run.wait_for("Ctrl-C stops everything")

    def served(self, tag: str) -> list[float]:
        """What the device answered for a tag, in order."""
        with self.ledger.open() as file:
            return [float(row["value"]) for row in csv.DictReader(file) if row["tag_name"] == tag]

    async def values(self, tag: str, well: str = "plc-well") -> list[float | None]:
        """What the database has of a tag."""
        return await values_of(self.data, tag, well)

    async def stored(self, tag: str, count: int, well: str = "plc-well") -> list[float | None]:
        """The tag's values, once there are so many."""
        async with asyncio.timeout(30):
            while len(found := await self.values(tag, well)) < count:
                await asyncio.sleep(0.1)
        return found

    async def stored_more(self, tag: str, count: int) -> list[float | None]:
        """The tag's values, once there are so many more than now."""
        return await self.stored(tag, len(await self.values(tag)) + count)


@contextlib.contextmanager
def new_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="pj-up-", ignore_cleanup_errors=True) as name:
        found = Site(Path(name), free_ports(1)[0])
        found.wells.mkdir()
        device = found.folder / "device.yaml"
        device.write_text(manifest(found.port, [STAYS, GOES, COMES]))
        found.declare(STAYS, GOES)
        with simulator(device, found.port, "--tick", "0.05", "--ledger", str(found.ledger)):
            yield found


@pytest.fixture
def site() -> Iterator[Site]:
    with new_site() as found:
        yield found


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Site, LocalRun]]:
    """A site that is up, for tests that leave it so."""
    with new_site() as site, site.up() as up:
        yield site, up


async def test_an_edit_is_applied_without_a_restart_and_without_losing_or_doubling_a_reading(
    running: tuple[Site, LocalRun],
) -> None:
    site, up = running
    await site.stored("goes_counter", 5)
    pid = worker_pid(site.data, PLC)
    site.declare(STAYS, COMES)
    await site.stored("comes_counter", 5)
    gone = len(await site.values("goes_counter"))
    await site.stored_more("stays_counter", 5)
    assert worker_pid(site.data, PLC) == pid
    assert f"{PLC}: changed, 2 tags" in up.output
    assert len(await site.values("goes_counter")) == gone

    in_database = await site.values("stays_counter")
    from_device = site.served("stays_counter")
    assert in_database == from_device[: len(in_database)]
    assert len(set(in_database)) == len(in_database)
    assert len(from_device) - len(in_database) < 10  # what was on its way when we looked


async def test_a_wrong_edit_is_told_and_what_ran_before_goes_on(
    running: tuple[Site, LocalRun],
) -> None:
    site, up = running
    wrong = site.wells / "wrong.yaml"
    wrong.write_text("apiVersion: pumpjack.dev/v1alpha1\nkind: ScadaConnection\nspec: {}\n")
    up.wait_for("what ran before goes on running")
    assert "wrong.yaml:3: ScadaConnection: spec.protocol" in up.output
    await site.stored_more("stays_counter", 5)
    wrong.unlink()


async def test_a_connection_can_be_added_and_removed_while_it_runs(
    running: tuple[Site, LocalRun],
) -> None:
    site, up = running
    site.declare(GOES, name="second")
    up.wait_for("permian-ops/second: added, 1 tags")
    await site.stored("goes_counter", 3, "second-well")
    (site.wells / "second.yaml").unlink()
    up.wait_for("permian-ops/second: removed")
    assert worker_pid(site.data, "permian-ops/second") is None
    assert worker_pid(site.data, PLC) is not None


async def test_a_killed_worker_comes_back_and_stores_nothing_twice(
    running: tuple[Site, LocalRun],
) -> None:
    site, up = running
    await site.stored("stays_counter", 5)
    pid = worker_pid(site.data, PLC)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    up.wait_for(f"worker {PLC} was ended by signal 9 (Killed) and starts again")
    values = await site.stored_more("stays_counter", 5)
    assert worker_pid(site.data, PLC) not in (None, pid)
    good = [value for value in values if value is not None]
    assert sorted(set(good)) == good
    assert set(good) <= set(site.served("stays_counter"))


def test_a_second_run_on_the_folder_is_told_who_holds_it(running: tuple[Site, LocalRun]) -> None:
    site, up = running
    second = run("up", "-f", str(site.wells), "--data-dir", str(site.data))
    assert second.code == 1
    assert f"in use by process {up.process.pid}" in second.stderr


def test_a_busy_port_is_told_before_anything_starts(running: tuple[Site, LocalRun]) -> None:
    site, up = running
    rest = up.url("REST").removeprefix("http://")
    other = site.folder / "other"
    busy = run(
        *("up", "-f", str(site.wells), "--data-dir", str(other), "--rest-address", rest),
    )
    assert busy.code == 1
    assert f"cannot listen on {rest}" in busy.stderr
    assert "--rest-address" in busy.stderr
    assert not (other / "postgres").exists()


async def test_watch_shows_the_values_of_what_runs(running: tuple[Site, LocalRun]) -> None:
    site, _ = running
    await site.stored("stays_counter", 1)
    shown = await asyncio.to_thread(
        run, "watch", "--once", "-o", "json", "--data-dir", str(site.data)
    )
    assert shown.code == 0, shown.stderr
    (connection,) = json.loads(shown.stdout)["connections"]
    assert connection["connection_id"] == PLC
    tags = {row["tagName"]: row for row in json.loads(shown.stdout)["readings"]}
    assert tags["stays_counter"]["quality"] == "GOOD"


async def test_every_way_to_stop_leaves_no_process_and_keeps_the_data(site: Site) -> None:
    with site.up() as up:
        first = await site.stored("stays_counter", 5)
        assert len(processes_of(site.data)) > 5
        up.process.kill()
        up.ended()
    until(lambda: not processes_of(site.data), 40)

    with site.up() as up:
        assert "keeps the data of earlier runs" in up.output
        second = await site.stored("stays_counter", len(first) + 3)
        assert second[: len(first)] == first
        up.process.kill()
        up.ended()
    with site.up() as up:  # at once: it waits until what the killed one left has ended
        third = await site.stored("stays_counter", len(second) + 3)
        assert third[: len(second)] == second
        assert up.stop() == 0
    assert processes_of(site.data) == []
    assert "Traceback" not in up.output
    assert "starts again" not in up.output


def test_ctrl_c_while_it_starts_gives_up_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(manifest(1502, [STAYS]))
    free = ("--rest-address", "127.0.0.1:0", "--ws-address", "127.0.0.1:0")
    with LocalRun("up", "-f", str(tmp_path), *free, data=tmp_path / "data") as up:
        up.wait_for("embedded PostgreSQL")
        assert up.stop() == 130
    assert "Traceback" not in up.output
    assert "error" not in up.output
    assert processes_of(tmp_path / "data") == []


def test_wrong_manifests_are_all_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(manifest(1502, [STAYS]).replace("port: 1502", "prot: 1502"))
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {}\n")
    done = run("up", "-f", str(tmp_path), "--data-dir", str(tmp_path / "data"))
    assert done.code == 1
    assert "a.yaml:" in done.stderr
    assert "did you mean port?" in done.stderr
    assert "b.yaml:" in done.stderr
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_folder_without_connections_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
    done = run("up", "-f", str(tmp_path), "--data-dir", str(tmp_path / "data"))
    assert done.code == 1
    assert "no ScadaConnection is declared" in done.stderr
