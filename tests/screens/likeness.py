"""Whether two pictures show the same to a person, however a browser's build draws letters."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tests.screens.png import Pixels

BLOCK_PX = 16
FAR = 20.0
"""Of 255: so far off may a block's mean colour be. Edges of letters change it by less than 5; a
mark that is missing, a colour of another priority or a moved border by far more."""
MOST_BLOCKS = 4


class Difference(Struct, frozen=True):
    """blocks: (row, column) of those that differ; size: why they could not be compared, or ""."""

    blocks: tuple[tuple[int, int], ...]
    size: str = ""

    @property
    def is_seen(self) -> bool:
        return bool(self.size) or len(self.blocks) > MOST_BLOCKS


def difference(one: Pixels, other: Pixels) -> Difference:
    """Compare the mean colours of blocks; a height may differ by half a block."""
    if one.shape[1] != other.shape[1] or abs(one.shape[0] - other.shape[0]) > BLOCK_PX // 2:
        return Difference((), f"{_size(one)} and {_size(other)}")
    height = min(one.shape[0], other.shape[0])
    off = np.abs(_means(one[:height]) - _means(other[:height])).max(axis=2)
    rows, columns = np.nonzero(off > FAR)
    return Difference(tuple(zip(rows.tolist(), columns.tolist(), strict=True)))


def _means(pixels: Pixels) -> NDArray[np.float64]:
    """[rows, columns, 3], of whole and cut blocks alike."""
    rows = np.arange(0, pixels.shape[0], BLOCK_PX)
    columns = np.arange(0, pixels.shape[1], BLOCK_PX)
    colours = pixels[:, :, :3].astype(np.float64)
    sums = np.add.reduceat(np.add.reduceat(colours, rows, axis=0), columns, axis=1)
    heights = np.diff([*rows, pixels.shape[0]])
    widths = np.diff([*columns, pixels.shape[1]])
    means: NDArray[np.float64] = sums / (heights[:, None, None] * widths[None, :, None])
    return means


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} × {pixels.shape[0]} px"
