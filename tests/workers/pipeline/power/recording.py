"""What a process did to the files below a folder, in order: its system calls, recorded by strace.

    for operation in record([sys.executable, "-c", script], root): ...

strace (Debian: apt-get install strace) sees what SQLite really asks of the kernel, by every path.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

CALLS = (
    "openat,creat,pwrite64,write,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,"
    "fdatasync,sync_file_range,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "mmap,copy_file_range,sendfile"
)
KNOWN = frozenset(CALLS.split(","))
MARKS = "marks"
"""A file of this name below the root: what is written into it is no operation, but a Mark."""


class Write(Struct, frozen=True):
    """Bytes at an offset of a file, which is made longer where they go past its end."""

    path: str
    offset: int
    content: bytes


class Resize(Struct, frozen=True):
    """A file cut off or made longer with zeros; only_grow: never cut off."""

    path: str
    size: int
    only_grow: bool = False


class Make(Struct, frozen=True):
    """A name for an empty file or folder that was not there."""

    path: str
    is_folder: bool = False


class Move(Struct, frozen=True):
    """A rename, over what had the name."""

    source: str
    target: str


class Remove(Struct, frozen=True):
    """A name that goes."""

    path: str


class Sync(Struct, frozen=True):
    """fsync or fdatasync of a file or folder."""

    path: str


class Mark(Struct, frozen=True):
    """What the program said at this point."""

    text: str


Operation = Write | Resize | Make | Move | Remove | Sync | Mark


def why_not() -> str | None:
    """Why nothing can be recorded here, None where it can."""
    if shutil.which("strace") is None:
        return "needs strace: apt-get install strace"
    tried = subprocess.run(
        ["strace", "-o", os.devnull, "true"], check=False, capture_output=True, text=True
    )
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode else None


def record(command: Sequence[str], root: Path) -> list[Operation]:
    """Run a program and return what it did below root, which must not change while it runs."""
    trace = root.with_name(root.name + ".trace")
    before = {str(path) for path in root.rglob("*")} | {str(root)}
    tracing = ["strace", "-f", "-y", "-xx", "-s", "16777216", "-e", f"trace={CALLS}"]
    done = subprocess.run(
        [*tracing, "-o", str(trace), *command], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise AssertionError(f"the recorded program failed:\n{done.stdout}\n{done.stderr}")
    with trace.open() as lines:
        return _Reader(str(root), before).read(list(lines))


def killed_at(command: Sequence[str], call: str, number: int) -> bool:
    """Run a program that is killed with -9 at its n-th call of this name. Whether it was."""
    inject = f"inject={call}:signal=KILL:when={number}"
    tracing = ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", inject, "-o", os.devnull]
    done = subprocess.run([*tracing, *command], check=False, capture_output=True, text=True)
    killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert killed or done.returncode == 0, done.stderr
    return killed


_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<call>\w+)\((?P<arguments>.*)\)\s+=\s+(?P<result>-?\d+)")
_CUT = re.compile(r"^(?P<pid>\d+)\s+(?P<start>.*) <unfinished \.\.\.>$")
_REST = re.compile(r"^(?P<pid>\d+)\s+<\.\.\. \w+ resumed>(?P<rest>.*)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE = re.compile(r"^(?:\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2}|[^>])*)>")


class _Reader:
    def __init__(self, root: str, there: set[str]) -> None:
        self._root = root
        self._there = there
        self._at: dict[str, int] = {}  # by handle as strace tells it: where write() goes on

    def read(self, lines: list[str]) -> list[Operation]:
        found: list[Operation] = []
        begun: dict[str, str] = {}
        for line in lines:
            whole = line.rstrip("\n")
            if cut := _CUT.match(whole):
                begun[cut["pid"]] = cut["start"]
                continue
            if rest := _REST.match(whole):
                whole = f"{rest['pid']} {begun.pop(rest['pid'])}{rest['rest']}"
            call = _LINE.match(whole)
            if call is None or int(call["result"]) < 0:
                continue
            found += self._operations(call["call"], call["arguments"], call)
        return found

    def _operations(self, call: str, arguments: str, line: re.Match[str]) -> list[Operation]:
        handle = _HANDLE.match(arguments)
        opened = _plain(handle[1]) if handle else ""
        texts = [bytes.fromhex(one.replace("\\x", "")) for one in _TEXT.findall(arguments)]
        if call == "openat":
            return self._open(_joined(opened, texts[0]), arguments)
        if call in ("mkdir", "mkdirat"):
            return self._make(_joined(opened, texts[0]), is_folder=True)
        if call in ("unlink", "unlinkat"):
            path = _joined(opened, texts[0])
            self._there.discard(path)
            return [Remove(path)] if self._is_ours(path) else []
        if call in ("rename", "renameat", "renameat2"):
            source, target = (_joined(opened, one) for one in texts[:2])
            self._there.discard(source)
            self._there.add(target)
            return [Move(source, target)] if self._is_ours(target) else []
        if not self._is_ours(opened):
            return []
        return self._of_handle(call, opened, arguments, texts, int(line["result"]))

    def _of_handle(
        self, call: str, path: str, arguments: str, texts: list[bytes], result: int
    ) -> list[Operation]:
        numbers = [one.strip() for one in arguments.rsplit(",", 2)]
        if call == "pwrite64":
            return [Write(path, int(numbers[-1]), texts[0][:result])]
        if call == "write":
            if Path(path).name == MARKS:
                return [Mark(line) for line in texts[0].decode().splitlines()]
            at = self._at.get(path, 0)
            self._at[path] = at + result
            return [Write(path, at, texts[0][:result])]
        if call == "ftruncate":
            return [Resize(path, int(numbers[-1]))]
        if call == "fallocate":
            return [Resize(path, int(numbers[-1]) + int(numbers[-2]), only_grow=True)]
        if call in ("fsync", "fdatasync"):
            return [Sync(path)]
        if call == "mmap" and path.endswith("-shm"):
            return []  # the index of the log, which SQLite makes anew from the log
        raise AssertionError(f"nobody has said what {call}({path}) leaves after a power cut")

    def _open(self, path: str, arguments: str) -> list[Operation]:
        self._at.pop(path, None)
        made = self._make(path) if "O_CREAT" in arguments else []
        if not made and "O_TRUNC" in arguments and self._is_ours(path):
            return [Resize(path, 0)]
        return made

    def _make(self, path: str, *, is_folder: bool = False) -> list[Operation]:
        if not self._is_ours(path) or path in self._there:
            return []
        self._there.add(path)
        return [Make(path, is_folder)]

    def _is_ours(self, path: str) -> bool:
        return path == self._root or path.startswith(self._root + "/")


def _plain(text: str) -> str:
    if "\\x" not in text:
        return text
    return bytes.fromhex(text.replace("\\x", "")).decode()


def _joined(folder: str, name: bytes) -> str:
    text = name.decode()
    return text if text.startswith("/") else f"{folder}/{text}"
