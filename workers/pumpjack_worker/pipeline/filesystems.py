"""Which disks a journal may lie on."""

from __future__ import annotations

from pathlib import Path

from pumpjack_core.errors import JournalError

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "ocfs2", "9p"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse"}
)
_MOUNTS = Path("/proc/self/mounts")


def file_system_of(folder: Path, mounts: str) -> str:
    """Type of the file system that holds the folder, by the text of /proc/self/mounts."""
    path = str(folder.resolve())
    best = ("", "unknown")
    for line in mounts.splitlines():
        _, mount, kind, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def refuse_network_file_system(folder: Path) -> None:
    """Raise JournalError for a folder whose locks and fsync another machine answers for.

    SQLite's WAL needs shared memory on one machine (sqlite.org/wal.html, "Noteworthy
    Limitations"). Where the system does not tell (no /proc), nothing is refused.
    """
    if not _MOUNTS.exists():
        return
    kind = file_system_of(folder, _MOUNTS.read_text())
    if kind in NETWORK_FILE_SYSTEMS:
        raise JournalError(
            f"{folder} is on a network file system ({kind}), where a journal is not safe; "
            "give it a local disk or a block volume"
        )
