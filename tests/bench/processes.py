"""CPU and memory of other processes, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system CPU that a process has used [s]; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process [MB]."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def family(pid: int) -> list[int]:
    """A process and its children, for example a postmaster and its backends."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                found.append(int(entry.name))
    return found


class FamilyCpu:
    """CPU of a process and its children, also of children that end in between."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[int, float] = {}
        self._start = {child: cpu_s(child) for child in family(pid)}

    def used_s(self) -> float:
        """CPU since the start [s]. Call it now and then, so that no child is missed."""
        for child in family(self._pid):
            self._seen[child] = max(self._seen.get(child, 0.0), cpu_s(child))
        return sum(cpu - self._start.get(child, 0.0) for child, cpu in self._seen.items())
