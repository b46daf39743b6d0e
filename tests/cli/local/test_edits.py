"""Edits of manifests while the system runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from pumpjack_cli.local import edits
from pumpjack_cli.local.edits import Edits
from pumpjack_cli.local.plan import Plan, make_plan
from pumpjack_core.errors import PumpjackError, SetupError, StorageUnavailable
from tests.cli.local.test_supervisor import Notes, until
from tests.e2e.local_run import manifest


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "LOOK_S", 0.02)


class Follower:
    """Takes the plans; raises what it is told to, once each."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "plc.yaml"
        self.write("a")
        self.plans: list[Plan] = []
        self.troubles: Iterator[PumpjackError | OSError] = iter(())
        self.told = Notes()

    def write(self, *tags: str) -> None:
        self.file.write_text(manifest(1502, [(tag, at * 2) for at, tag in enumerate(tags)]))

    async def apply(self, plan: Plan) -> None:
        trouble = next(self.troubles, None)
        if trouble is not None:
            raise trouble
        self.plans.append(plan)

    def tags(self) -> list[str]:
        (config,) = self.plans[-1].configs.values()
        return [tag.name for tag in config.tags.tags]


@asynccontextmanager
async def following(folder: Path):  # type: ignore[no-untyped-def]
    follower = Follower(folder)
    plan = partial(make_plan, [folder], ["127.0.0.0/8"])
    made = Edits([folder], plan, follower.apply, follower.told)
    task = asyncio.create_task(made.follow())
    try:
        await until(lambda: follower.plans)
        yield follower
    finally:
        task.cancel()


async def test_an_edit_is_applied_once(tmp_path: Path) -> None:
    async with following(tmp_path) as follower:
        follower.write("a", "b")
        await until(lambda: len(follower.plans) == 2)
        assert follower.tags() == ["a", "b"]
        await asyncio.sleep(0.2)
        assert len(follower.plans) == 2
        assert follower.told.warnings == []


async def test_a_wrong_edit_is_told_once_and_its_correction_is_applied(tmp_path: Path) -> None:
    async with following(tmp_path) as follower:
        follower.file.write_text("kind: ScadaConnection\napiVersion: pumpjack.dev/v1alpha1\n")
        await until(lambda: follower.told.warnings)
        await asyncio.sleep(0.2)
        assert follower.told.warnings[-1].endswith("what ran before goes on running")
        assert len(follower.told.warnings) == len(set(follower.told.warnings))
        follower.write("a", "b")
        await until(lambda: len(follower.plans) == 2)


async def test_an_edit_waits_for_a_database_that_is_away_and_is_then_applied(
    tmp_path: Path,
) -> None:
    async with following(tmp_path) as follower:
        away = StorageUnavailable("database db: connection refused")
        follower.troubles = iter([away, away, away])
        follower.write("a", "b")
        await until(lambda: len(follower.plans) == 2)
        assert follower.told.warnings == [
            "the edit waits for the database: database db: connection refused"
        ]


@pytest.mark.parametrize("trouble", [SetupError("no"), OSError(28, "No space left on device")])
async def test_what_cannot_be_applied_is_told_and_the_next_edit_is_tried(
    tmp_path: Path, trouble: PumpjackError | OSError
) -> None:
    async with following(tmp_path) as follower:
        follower.troubles = iter([trouble])
        follower.write("a", "b")
        await until(lambda: follower.told.warnings)
        assert follower.told.warnings == [f"the edit is not applied: {trouble}"]
        follower.write("a", "b", "c")
        await until(lambda: len(follower.plans) == 2)


async def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    async with following(tmp_path) as follower:
        follower.file.unlink()
        await until(lambda: follower.told.warnings)
        assert "holds no manifest" in follower.told.warnings[0]
