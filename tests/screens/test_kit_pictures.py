"""Every state of every part looks as it did, in both themes, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.screens.chromium import Screens, Size, Theme
from tests.screens.kit_pictures import WANTED, kit, picture, stored
from tests.screens.likeness import MOST_BLOCKS, difference
from tests.screens.png import read, shrunk

pytestmark = [pytest.mark.servers, pytest.mark.peers, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("size", "theme"), WANTED)
async def test_the_kit_looks_as_in_its_stored_picture(
    screens: Screens, tmp_path: Path, size: Size, theme: Theme
) -> None:
    async with kit() as address:
        taken = await picture(screens, address, size, theme)
    found = difference(read(stored(size, theme).read_bytes()), read(taken))
    if found.is_seen:
        (tmp_path / stored(size, theme).name).write_bytes(taken)
    assert not found.is_seen, (
        f"{found.size or found.blocks[:20]}: compare {stored(size, theme)} with {tmp_path}; where "
        "the change was meant, run python -m tests.screens.kit_pictures"
    )


def test_letters_drawn_a_little_otherwise_are_the_same_picture_and_a_lost_mark_is_not() -> None:
    page = np.full((320, 320, 4), 255, np.uint8)
    page[100:112, 40:160:3, :3] = 40  # strokes of letters
    softer = page.copy()
    softer[100:112, 41:161:3, :3] = 235
    softer[100:112, 40:160:3, :3] = 60
    assert not difference(page, softer).is_seen
    marked = page.copy()
    marked[150:170, 40:110, :3] = (200, 30, 30)
    assert len(difference(page, marked).blocks) > MOST_BLOCKS
    assert difference(page, page[:, :300]).is_seen


def test_a_picture_that_is_written_is_read_back() -> None:
    page = np.zeros((5, 7, 4), np.uint8)
    page[..., 3] = 255
    page[2, 3] = (200, 30, 30, 255)
    page[4] = (1, 2, 3, 0)
    assert np.array_equal(read(shrunk(page)), page)


def test_a_rare_colour_among_very_many_stays_what_it_is() -> None:
    page = np.full((64, 64, 4), 255, np.uint8)
    page[..., 0], page[..., 1] = np.mgrid[100:164, 100:164]
    page[5, 5] = (240, 140, 0, 255)
    found = read(shrunk(page))
    assert np.array_equal(found[5, 5], page[5, 5])
    assert np.abs(found.astype(int) - page).max() < 16
