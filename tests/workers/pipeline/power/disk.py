"""A disk that forgets what was not synced: every way in which a power cut may leave the files.

A model of what POSIX promises, which is less than any real file system keeps: of the writes to a
file since its last fsync each may be there, not be there, or be torn at sectors; of the names that
changed in a folder since its last fsync likewise.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.workers.pipeline.power.recording import (
    Make,
    Mark,
    Move,
    Operation,
    Remove,
    Resize,
    Sync,
    Write,
)

SECTOR = 512
Change = Write | Resize


@dataclass
class _File:
    """durable: what was synced; changes: what was asked for since."""

    durable: bytes = b""
    changes: list[Change] = field(default_factory=list)


@dataclass
class _Folder:
    """names on disk, and what became of names since the last sync: None for one that went."""

    durable: dict[str, _Node] = field(default_factory=dict)
    changes: list[dict[str, _Node | None]] = field(default_factory=list)

    def now(self) -> dict[str, _Node]:
        names = dict(self.durable)
        for change in self.changes:
            _apply(names, change)
        return names


_Node = _File | _Folder


class Fate:
    """Decides what of the changes that were not synced is there after the power cut."""

    def keeps(self, changes: Sequence[Change]) -> list[Change]:
        """Of one file, in order; torn ones in their parts."""
        raise NotImplementedError

    def keeps_names(self, changes: list[dict[str, _Node | None]]) -> list[dict[str, _Node | None]]:
        """Of one folder."""
        raise NotImplementedError


class Nothing(Fate):
    """Nothing that was not synced is there."""

    def keeps(self, changes: Sequence[Change]) -> list[Change]:
        return []

    def keeps_names(self, changes: list[dict[str, _Node | None]]) -> list[dict[str, _Node | None]]:
        return []


class Everything(Fate):
    """All is there, as after kill -9."""

    def keeps(self, changes: Sequence[Change]) -> list[Change]:
        return list(changes)

    def keeps_names(self, changes: list[dict[str, _Node | None]]) -> list[dict[str, _Node | None]]:
        return changes


class Chance(Fate):
    """Any part of it, by a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def keeps(self, changes: Sequence[Change]) -> list[Change]:
        kept: list[Change] = []
        part = self._random.choice((0.1, 0.5, 0.9))
        for change in changes:
            if isinstance(change, Write) and self._random.random() < 0.3:
                kept += self._torn(change)
            elif self._random.random() < part:
                kept.append(change)
        return kept

    def keeps_names(self, changes: list[dict[str, _Node | None]]) -> list[dict[str, _Node | None]]:
        return [change for change in changes if self._random.random() < 0.5]

    def _torn(self, write: Write) -> list[Change]:
        """Some of its sectors."""
        kept: list[Change] = []
        at = write.offset
        end = write.offset + len(write.content)
        while at < end:
            upto = min(end, (at // SECTOR + 1) * SECTOR)
            if self._random.random() < 0.5:
                begin = at - write.offset
                kept.append(Write(write.path, at, write.content[begin : upto - write.offset]))
            at = upto
        return kept


class Disk:
    """The files below a folder, as they come to be while operations are done one by one."""

    def __init__(self, root: Path) -> None:
        """What is below root now is durable."""
        self._root = PurePosixPath(str(root))
        self._top = _load(root)

    def do(self, operation: Operation) -> None:
        """One more operation."""
        if isinstance(operation, Mark):
            return
        if isinstance(operation, Make):
            folder, name = self._place(operation.path)
            folder.changes.append({name: _Folder() if operation.is_folder else _File()})
        elif isinstance(operation, Move):
            folder, name = self._place(operation.source)
            target, new_name = self._place(operation.target)
            assert folder is target, "renames stay within a folder"
            folder.changes.append({name: None, new_name: folder.now()[name]})
        elif isinstance(operation, Remove):
            folder, name = self._place(operation.path)
            folder.changes.append({name: None})
        elif isinstance(operation, Sync):
            node = self._node(operation.path)
            if isinstance(node, _Folder):
                node.durable, node.changes = node.now(), []
            else:
                node.durable, node.changes = _content(node.durable, node.changes), []
        else:
            node = self._node(operation.path)
            assert isinstance(node, _File)
            node.changes.append(operation)

    @property
    def unsynced(self) -> int:
        """How many changes a power cut may undo."""
        return _unsynced(self._top)

    @property
    def unsynced_names(self) -> int:
        """How many of them are names."""
        return _unsynced_names(self._top)

    def after_power_cut(self, target: Path, fate: Fate) -> None:
        """Put the files into target, as they may be found after a power cut now."""
        _store(copy.copy(self._top), target, fate)

    def _place(self, path: str) -> tuple[_Folder, str]:
        parent = self._node(str(PurePosixPath(path).parent))
        assert isinstance(parent, _Folder)
        return parent, PurePosixPath(path).name

    def _node(self, path: str) -> _Node:
        node: _Node = self._top
        for part in PurePosixPath(path).relative_to(self._root).parts:
            assert isinstance(node, _Folder)
            node = node.now()[part]
        return node


def _apply(names: dict[str, _Node], change: dict[str, _Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _content(durable: bytes, changes: Sequence[Change]) -> bytes:
    content = bytearray(durable)
    for change in changes:
        if isinstance(change, Write):
            end = change.offset + len(change.content)
            content.extend(bytes(max(0, end - len(content))))
            content[change.offset : end] = change.content
        elif change.size > len(content):
            content.extend(bytes(change.size - len(content)))
        elif not change.only_grow:
            del content[change.size :]
    return bytes(content)


def _unsynced(node: _Node) -> int:
    if isinstance(node, _File):
        return len(node.changes)
    return len(node.changes) + sum(_unsynced(one) for one in node.now().values())


def _unsynced_names(node: _Node) -> int:
    if isinstance(node, _File):
        return 0
    return len(node.changes) + sum(_unsynced_names(one) for one in node.now().values())


def _load(path: Path) -> _Folder:
    folder = _Folder()
    for entry in path.iterdir():
        folder.durable[entry.name] = _load(entry) if entry.is_dir() else _File(entry.read_bytes())
    return folder


def _store(folder: _Folder, target: Path, fate: Fate) -> None:
    target.mkdir()
    names = dict(folder.durable)
    for change in fate.keeps_names(folder.changes):
        _apply(names, change)
    for name, node in names.items():
        if isinstance(node, _Folder):
            _store(node, target / name, fate)
        elif not name.endswith("-shm"):  # SQLite makes it anew from the log
            (target / name).write_bytes(_content(node.durable, fate.keeps(node.changes)))
