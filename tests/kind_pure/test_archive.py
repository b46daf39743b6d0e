from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

from tests.kind.machine.archive import File, Settings, sha256, write_archive, write_layer

NAME = "localhost/part:1"
RUN = Settings(entrypoint=("/bin/part",))


def archive(folder: Path, contents: bytes) -> Path:
    source = folder / "program"
    source.write_bytes(contents)
    write_layer(folder / "layer", [File("/bin/part", source), File("/etc/part.conf", b"x", 0o644)])
    write_archive(folder / "archive", NAME, [folder / "layer"], RUN)
    return folder / "archive"


def test_the_same_files_make_the_same_image_whenever_it_is_made(tmp_path: Path) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    once.mkdir()
    again.mkdir()
    first = sha256(archive(once, b"program"))

    assert sha256(archive(again, b"program")) == first
    assert sha256(archive(again, b"another")) != first


def test_an_engine_finds_each_layer_by_what_it_holds(tmp_path: Path) -> None:
    with tarfile.open(archive(tmp_path, b"program")) as tar:
        manifest = json.loads(_read(tar, "manifest.json"))[0]
        config = json.loads(_read(tar, manifest["Config"]))
        held = [hashlib.sha256(_read(tar, layer)).hexdigest() for layer in manifest["Layers"]]

    assert manifest["RepoTags"] == [NAME]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in held]
    assert config["config"]["Entrypoint"] == ["/bin/part"]


def test_a_layer_holds_files_with_their_modes_and_the_folders_above_them(tmp_path: Path) -> None:
    archive(tmp_path, b"program")

    with tarfile.open(tmp_path / "layer") as tar:
        entries = {entry.name: entry for entry in tar}
        assert _read(tar, "bin/part") == b"program"
    assert entries["bin"].isdir() and entries["etc"].isdir()
    assert (entries["bin/part"].mode, entries["etc/part.conf"].mode) == (0o755, 0o644)
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, 0)}


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    entry = tar.extractfile(name)
    assert entry is not None
    return entry.read()
