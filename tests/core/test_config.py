"""The folder that tells a worker what to run."""

from __future__ import annotations

import gzip
import hashlib
import random

import pytest
from msgspec.structs import replace

from pumpjack_core import config
from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.types import ModbusTcp, ScadaConnectionSpec
from pumpjack_core.tags import Alarm, Tag, TagTable, WellFacts, Write

CONDITIONS = (
    *("hihi", "hi", "lo", "lolo", "rate"),
    *("deviation", "state", "bad_quality", "stale"),
)


def made(n: int = 3, *facts: WellFacts, **tag: object) -> config.WorkerConfig:
    tags = TagTable(
        tuple(Tag("a1", f"t{at}", "holding:40001", "float32", 1.0, **tag) for at in range(n)), facts
    )
    return config.worker_config(
        tenant_id="permian",
        connection_id="ops/plc",
        spec=ScadaConnectionSpec(protocol="modbus-tcp", modbus_tcp=ModbusTcp(host="10.1.0.1")),
        allowed_networks=("10.0.0.0/8",),
        tags=tags,
    )


def test_what_was_saved_is_loaded(tmp_path):
    saved = made(unit="psi", low=0.0)
    config.save(saved, tmp_path)
    loaded = config.load(tmp_path)
    assert loaded == saved
    assert loaded.hash == saved.hash


def test_a_large_table_is_split_and_a_smaller_one_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "MOST_FILE_BYTES", 250)
    config.save(made(101), tmp_path)
    parts = list(tmp_path.glob(config.TAGS_GLOB))
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= 250
    assert config.load(tmp_path) == made(101)
    config.save(made(1), tmp_path)
    assert len(list(tmp_path.glob(config.TAGS_GLOB))) == 1


def test_twenty_thousand_tags_that_hardly_compress_fit_into_config_maps():
    tags = tuple(
        Tag(f"well-{at}", "casing_pressure", f"ns=2;s={hashlib.sha256(b'%d' % at).hexdigest()}",
            "float32", 1.0, mapping="ops/wells")
        for at in range(20_000)
    )  # fmt: skip
    found = config.files(replace(made(), tags=TagTable(tags)))
    assert max(map(len, found.values())) <= config.MOST_FILE_BYTES
    assert len(found) < 8


def test_the_hash_changes_with_any_tag():
    assert made().hash != made(unit="bar").hash


ROD_PUMP = WellFacts("a1", title="A-1", type="rod-pump", roles={"b": "t0", "a": "t1"})


def test_what_is_said_of_wells_is_saved_with_the_tags_and_forgotten_when_it_is_not(tmp_path):
    saved = made(3, ROD_PUMP)
    config.save(saved, tmp_path)
    assert config.load(tmp_path) == saved
    assert saved.hash != made().hash
    config.save(made(), tmp_path)
    assert not list(tmp_path.glob(config.WELLS_GLOB))
    assert config.load(tmp_path) == made()


def test_facts_of_ten_thousand_wells_fit_into_config_maps(tmp_path):
    facts = [
        WellFacts(
            f"well-{at}",
            title=hashlib.sha256(b"%d" % at).hexdigest(),
            time_zone="America/Chicago",
            roles={f"role_{n}": f"tag_{n}" for n in range(20)},
        )
        for at in range(10_000)
    ]
    parts = config.files(made(1, *facts))
    assert max(map(len, parts.values())) <= config.MOST_FILE_BYTES
    assert len(parts) <= 6
    config.save(made(1, *facts), tmp_path)
    assert config.load(tmp_path) == made(1, *facts)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_facts_that_are_not_all_there_are_not_used(tmp_path, damage):
    config.save(made(3, ROD_PUMP), tmp_path)
    damage(tmp_path / "wells-000.json.gz")
    with pytest.raises(ManifestError, match=r"not those|wells-000"):
        config.load(tmp_path)


def test_half_of_an_update_is_refused(tmp_path):
    config.save(made(3), tmp_path)
    head = (tmp_path / config.CONNECTION_FILE).read_bytes()
    config.save(made(4), tmp_path)
    (tmp_path / config.CONNECTION_FILE).write_bytes(head)
    with pytest.raises(ManifestError, match="not those"):
        config.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b'{"tenantId": 1}', b'{"what": "ever"}'])
def test_a_broken_file_is_named(tmp_path, content):
    config.save(made(), tmp_path)
    (tmp_path / config.CONNECTION_FILE).write_bytes(content)
    with pytest.raises(ManifestError, match=config.CONNECTION_FILE):
        config.load(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ManifestError, match="nowhere"):
        config.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: b"",
        lambda blob: b"no gzip at all",
        lambda blob: blob[:-9],
        lambda blob: blob[:12] + b"\xff" * 8 + blob[20:],
        lambda blob: gzip.compress(b'[{"wellId": "\xff"}]'),
        lambda blob: gzip.compress(b"[1]"),
    ],
    ids=["empty", "no gzip", "cut", "damaged inside", "no UTF-8", "no tags"],
)
def test_a_broken_file_of_tags_is_named(tmp_path, damage):
    config.save(made(), tmp_path)
    path = tmp_path / "tags-000.json.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ManifestError, match="tags-000"):
        config.load(tmp_path)


def test_500_tags_with_9_alarms_each_fit_into_config_maps(tmp_path):
    dice = random.Random(8)
    words = ["".join(dice.choices("abcdefghij ", k=90)) for _ in range(4_500)]  # worse than prose
    tags = [
        Tag(
            "well",
            f"tag-{number}",
            f"holding:{number}",
            "float32",
            1.0,
            alarms=tuple(
                Alarm(condition, limit=dice.random(), message=words[number * 9 + at])
                for at, condition in enumerate(CONDITIONS)
            ),
            write=Write(0.0, 60.0),
        )
        for number in range(500)
    ]
    given = config.worker_config(
        tenant_id="permian",
        connection_id="ops/plc",
        spec=made().connection.spec,
        allowed_networks=(),
        tags=TagTable(tuple(tags)),
        writes=True,
    )
    parts = config.files(given)
    assert max(len(part) for part in parts.values()) <= config.MOST_FILE_BYTES
    assert len(parts) <= 3
    config.save(given, tmp_path)
    assert config.load(tmp_path) == given


def test_a_tag_table_of_an_earlier_version_can_be_read(tmp_path):
    given = made()
    config.save(given, tmp_path)
    assert b'"writes":true' not in (tmp_path / config.CONNECTION_FILE).read_bytes()
    tags = gzip.decompress((tmp_path / "tags-000.json.gz").read_bytes())
    assert not any(word in tags for word in (b"alarms", b"write", b"stateNames", b"description"))
    assert not any(word in tags for word in (b"title", b"normal", b"digits"))
    assert config.load(tmp_path) == given
