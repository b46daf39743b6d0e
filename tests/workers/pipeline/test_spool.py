"""The journal's file, on a real disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pumpjack_core.errors import JournalError, JournalFull
from pumpjack_worker.pipeline import codec, spool
from pumpjack_worker.pipeline.filesystems import file_system_of, refuse_network_file_system
from pumpjack_worker.pipeline.spool import Row, Spool
from tests.workers.pipeline.examples import T0_US, batch, table

TAGS = table("a", "b")


def row(seq: int, tags=TAGS, readings: int = 2) -> Row:
    content = batch(tags, [float(seq)] * readings, index=[0] * readings)
    return Row(seq, T0_US + seq, readings, tags, codec.encode(content))


def opened(folder, size=1 << 20) -> Spool:
    return Spool(folder, "ns/plc", size_bytes=size)


def seqs(journal: Spool) -> list[int]:
    return [found.seq for found in journal.oldest(most_readings=10**9)]


def test_what_was_appended_is_there_after_a_new_start(tmp_path):
    with opened(tmp_path) as first:
        first.append([row(1), row(2)])
        identity = first.journal_id
    with opened(tmp_path) as second:
        assert second.journal_id == identity
        assert seqs(second) == [1, 2]
        assert second.oldest(most_readings=2)[0].tags == TAGS
        assert second.waiting.readings == 4


def test_batches_leave_oldest_first_and_only_up_to_the_cursor(tmp_path):
    with opened(tmp_path) as journal:
        journal.append([row(1), row(2), row(3)])
        journal.remove(2)
        assert seqs(journal) == [3]
        assert journal.waiting.batches == 1
        assert journal.waiting.oldest_us == T0_US + 3


def test_a_full_batch_is_never_split(tmp_path):
    with opened(tmp_path) as journal:
        journal.append([row(1, readings=50), row(2, readings=60), row(3)])
        assert [r.seq for r in journal.oldest(most_readings=100)] == [1]
        assert [r.seq for r in journal.oldest(most_readings=1)] == [1]


def test_a_number_is_never_used_twice_even_after_a_kill(tmp_path):
    with opened(tmp_path) as journal:
        taken = journal.next_seq
        journal.append([row(taken)])
        journal.remove(taken)
    with opened(tmp_path) as journal:
        assert journal.next_seq > taken + spool.SEQ_RESERVE - 1


def test_kill_minus_9_loses_nothing_that_append_returned_for(tmp_path):
    script = textwrap.dedent(f"""
        import os, sys
        from pathlib import Path
        from tests.workers.pipeline.test_spool import opened, row
        journal = opened(Path({str(tmp_path)!r}))
        for seq in range(1, 100_000):
            journal.append([row(seq)])
            os.write(1, b"%d\\n" % seq)
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        if int(line) == 50:
            break
    os.kill(child.pid, signal.SIGKILL)
    last = max([50, *(int(line) for line in child.stdout.read().split())])
    child.wait()
    with opened(tmp_path) as journal:
        assert seqs(journal)[:last] == list(range(1, last + 1))


def test_a_full_journal_refuses_and_goes_on_when_there_is_room(tmp_path):
    with opened(tmp_path, size=1_000) as journal:
        journal.append([row(1, readings=20)])
        with pytest.raises(JournalFull, match="at most 1,000"):
            journal.append([row(2, readings=40)])
        assert seqs(journal) == [1]
        journal.remove(1)
        journal.append([row(3, readings=40)])
        assert seqs(journal) == [3]


def test_a_second_worker_is_refused_the_same_journal(tmp_path):
    with opened(tmp_path), pytest.raises(JournalError, match="another worker"):
        opened(tmp_path)


def test_a_journal_of_another_connection_is_refused(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(JournalError, match=r"belongs to ns/plc, not to ns/other"):
        Spool(tmp_path, "ns/other", size_bytes=1 << 20)


def test_a_file_that_is_no_journal_is_set_aside_and_a_new_one_begins(tmp_path):
    (tmp_path / "journal.db").write_bytes(b"this was never a database" * 1_000)
    with opened(tmp_path) as journal:
        assert journal.waiting.batches == 0
        journal.append([row(1)])
    (kept,) = tmp_path.glob("journal.damaged-*.db")
    assert kept.read_bytes().startswith(b"this was never")


def test_of_a_damaged_file_what_can_be_read_is_saved(tmp_path):
    with opened(tmp_path) as journal:
        journal.append([row(seq, readings=100) for seq in range(1, 101)])
        identity = journal.journal_id
    path = tmp_path / "journal.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 3 // 4)
        file.write(b"\xff" * 20_000)
    with opened(tmp_path) as journal:
        assert journal.journal_id != identity
        assert 20 <= journal.salvaged < 100
        assert seqs(journal) == sorted(seqs(journal))
        assert journal.next_seq > max(seqs(journal))
    assert list(tmp_path.glob("journal.damaged-*.db"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 12 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root: " + done.stderr.decode().strip())
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_and_clears_by_itself(small_disk):
    with opened(small_disk, size=1 << 30) as journal:
        seq = 0
        with pytest.raises(JournalFull, match="make room"):
            while seq < 100_000:
                seq += 1
                journal.append([row(seq, readings=5_000)])
        kept = seqs(journal)
        assert kept == list(range(1, seq))
        for stored in kept:
            journal.remove(stored)
        assert journal.waiting.batches == 0
        journal.append([row(seq + 1)])
        assert seqs(journal) == [seq + 1]


MOUNTS = (
    "/dev/sda / ext4 rw 0 0\nnas:/vol /data nfs4 rw 0 0\n/dev/sdb /data/local\\040disk xfs rw 0 0"
)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/var/x", "ext4"), ("/data/j", "nfs4"), ("/database", "ext4"), ("/data/local disk/j", "xfs")],
)
def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(folder, kind, tmp_path):
    from pathlib import Path

    assert file_system_of(Path(folder), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"nas:/vol {tmp_path} nfs4 rw 0 0")
    monkeypatch.setattr("pumpjack_worker.pipeline.filesystems._MOUNTS", mounts)
    with pytest.raises(JournalError, match="network file system"):
        refuse_network_file_system(tmp_path)
