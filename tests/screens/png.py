"""PNG pictures as arrays, and back as small files. Only what Chromium writes is read."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""[height, width, 4], red, green, blue, opacity."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {2: 3, 6: 4}
_PALETTE_MOST = 256
_FREQUENT = 160


def read(data: bytes) -> Pixels:
    """Decode 8 bit RGB or RGBA, or what shrunk wrote. Raises ValueError for other kinds."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("this is no PNG picture")
    chunks = _chunks(data)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or interlaced or kind not in (2, 3, 6):
        raise ValueError(f"a PNG of depth {depth} and colour type {kind} is not read here")
    channels = _CHANNELS.get(kind, 1)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8)
    raw = _unfiltered(lines.reshape(height, 1 + width * channels), channels)
    if kind == 3:
        colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
        opacity = np.full((len(colours), 1), 255, np.uint8)
        told = np.frombuffer(chunks.get(b"tRNS", b""), np.uint8)
        opacity[: len(told), 0] = told
        return np.concatenate([colours, opacity], axis=1)[raw.reshape(height, width)]
    pixels = raw.reshape(height, width, channels)
    if channels == 3:
        full = np.full((height, width, 1), 255, np.uint8)
        pixels = np.concatenate([pixels, full], axis=2)
    return np.ascontiguousarray(pixels)


def shrunk(pixels: Pixels) -> bytes:
    """Encode with at most 256 colours: the most frequent, and those that are like none of them."""
    height, width, _ = pixels.shape
    packed = np.ascontiguousarray(pixels).view(np.uint32).reshape(-1)
    colours, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    every = colours.view(np.uint8).reshape(-1, 4).astype(np.int32)
    palette = _palette(every, counts)
    nearest = np.empty(len(every), np.uint8)
    for start in range(0, len(every), 4096):
        part = every[start : start + 4096, None, :] - palette[None, :, :]
        nearest[start : start + 4096] = np.square(part).sum(axis=2).argmin(axis=1)
    indexed = nearest[inverse.reshape(-1)].reshape(height, width)
    lines = np.zeros((height, width + 1), np.uint8)  # no filter: best for few colours
    lines[:, 1:] = indexed
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [
        _chunk(b"IHDR", header),
        _chunk(b"PLTE", palette[:, :3].astype(np.uint8).tobytes()),
    ]
    if (palette[:, 3] < 255).any():
        parts.append(_chunk(b"tRNS", palette[:, 3].astype(np.uint8).tobytes()))
    parts += [_chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), _chunk(b"IEND", b"")]
    return _SIGNATURE + b"".join(parts)


def _palette(every: NDArray[np.int32], counts: NDArray[np.intp]) -> NDArray[np.int32]:
    """[n, 4]. A small alarm shape's colour is rare on a page, and must not become another's."""
    kept = list(np.argsort(counts)[::-1][:_FREQUENT])
    off = np.full(len(every), np.iinfo(np.int64).max)
    for one in kept:
        off = np.minimum(off, np.square(every - every[one]).sum(axis=1))
    while len(kept) < min(_PALETTE_MOST, len(every)):
        kept.append(np.argmax(off))
        off = np.minimum(off, np.square(every - every[kept[-1]]).sum(axis=1))
    return every[kept]


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Contents by kind; those of one kind joined."""
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        found[kind] = found.get(kind, b"") + data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def _unfiltered(lines: Pixels, channels: int) -> Pixels:
    """Undo the five filters of PNG, a line at a time."""
    height, width = lines.shape[0], lines.shape[1] - 1
    out = np.zeros((height + 1, width), np.uint8)
    for row in range(height):
        kind, line, above = lines[row, 0], lines[row, 1:], out[row]
        if kind == 0:
            out[row + 1] = line
        elif kind == 1:
            sums = line.reshape(-1, channels).astype(np.uint64).cumsum(axis=0)
            out[row + 1] = sums.astype(np.uint8).reshape(-1)
        elif kind == 2:
            out[row + 1] = line + above
        else:
            out[row + 1] = _sequential(int(kind), line.tolist(), above.tolist(), channels)
    return out[1:]


def _sequential(kind: int, line: list[int], above: list[int], channels: int) -> Pixels:
    """Filters average (3) and Paeth (4), which need the pixel before."""
    done = [0] * len(line)
    for at, value in enumerate(line):
        left = done[at - channels] if at >= channels else 0
        up = above[at]
        if kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[at - channels] if at >= channels else 0
            by_left, by_up = abs(up - corner), abs(left - corner)
            by_corner = abs(left + up - 2 * corner)
            if by_left <= by_up and by_left <= by_corner:
                guess = left
            else:
                guess = up if by_up <= by_corner else corner
        done[at] = (value + guess) & 0xFF
    return np.array(done, np.uint8)
