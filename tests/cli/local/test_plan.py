"""Which workers run, from manifests."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import msgspec
import pytest

from pumpjack_cli.local.plan import (
    DEFAULT_NETWORKS,
    WrongManifests,
    changes,
    device_networks,
    fingerprint,
    make_plan,
)
from pumpjack_core.errors import ManifestError, SetupError
from pumpjack_core.networks import is_allowed, parse_networks
from pumpjack_core.resources import directory
from tests.e2e.local_run import manifest

NETWORKS = ("127.0.0.0/8",)
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {%s}}\n---\n"


@pytest.fixture
def wells(tmp_path: Path) -> Path:
    (tmp_path / "plc.yaml").write_text(manifest(1502, [("a", 0), ("b", 2)]))
    return tmp_path


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_example_runs_four_workers_of_two_tenants() -> None:
    plan = make_plan([directory("examples") / "oilfield"], NETWORKS, NETWORKS)
    assert plan.tenant_ids == ["bakken", "permian"]
    assert sorted(plan.configs) == [
        "bakken-ops/b1-plc",
        "bakken-ops/b2-drive",
        "permian-ops/a3-radio",
        "permian-ops/pad-a",
    ]
    assert plan.remarks == ()
    pad = plan.configs["permian-ops/pad-a"].connection
    assert (pad.tenant_id, pad.allowed_networks) == ("permian", NETWORKS)
    assert all(config.connection.writes for config in plan.configs.values())


def test_a_namespace_without_a_label_stands_for_itself_and_that_is_said(wells: Path) -> None:
    rewrite(wells / "plc.yaml", "pumpjack.dev/tenant: permian", "team: a")
    plan = make_plan([wells], NETWORKS)
    assert plan.tenants == {"permian-ops": "permian-ops"}
    (remark,) = plan.remarks
    assert "permian-ops has no label pumpjack.dev/tenant; its tenant is taken to be" in remark


def test_a_namespace_without_a_label_may_not_bear_the_name_of_a_tenant(wells: Path) -> None:
    other = manifest(1503, [("a", 0)], name="other").partition("---\n")[2]
    (wells / "other.yaml").write_text(other.replace("permian-ops", "permian"))
    with pytest.raises(WrongManifests, match="namespace permian has no label"):
        make_plan([wells], NETWORKS)


def test_all_that_is_wrong_is_told_at_once(wells: Path) -> None:
    rewrite(wells / "plc.yaml", "port: 1502", "port: 99999")
    rewrite(wells / "plc.yaml", "pollInterval: 200ms", "pollInterval: often")
    with pytest.raises(WrongManifests) as caught:
        make_plan([wells], NETWORKS)
    assert len(caught.value.problems) >= 2


def test_a_tag_that_cannot_be_read_is_left_out_with_a_remark(wells: Path) -> None:
    rewrite(wells / "plc.yaml", "holding:40003", "holding:nowhere")
    plan = make_plan([wells], NETWORKS)
    assert any("tag b is not read" in remark for remark in plan.remarks)


def test_a_path_that_is_not_there_is_refused() -> None:
    with pytest.raises(ManifestError, match="/nowhere"):
        make_plan(["/nowhere"], NETWORKS)


SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: permian-ops}
type: pumpjack.dev/device-credentials
stringData: {username: ann, password: hunter2}
"""


def name_a_secret(wells: Path) -> None:
    rewrite(
        wells / "plc.yaml",
        "  pollInterval: 200ms",
        "  pollInterval: 200ms\n  credentialsSecretRef: {name: login}",
    )


def test_a_connection_gets_the_secret_that_it_names_and_its_worker_is_not_told_the_values(
    wells: Path,
) -> None:
    name_a_secret(wells)
    (wells / "login.yaml").write_text(SECRET)
    plan = make_plan([wells], NETWORKS)
    assert plan.secrets == {"permian-ops/plc": {"username": b"ann", "password": b"hunter2"}}
    assert b"hunter2" not in msgspec.json.encode(plan.configs["permian-ops/plc"].connection)
    assert "hunter2" not in repr(plan)
    assert plan.remarks == ()


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("", "Secret permian-ops/login is in none of these files; docs/manifests.md shows"),
        (SECRET.replace("name: login", "name: logins"), "did you mean logins?"),
        (SECRET.replace("permian-ops", "other-ops"), "is in none of these files"),
        (SECRET.replace("pumpjack.dev/device-credentials", "Opaque"), "is of type Opaque; it must"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_with_the_line_that_names_it(
    secret: str, says: str, wells: Path
) -> None:
    name_a_secret(wells)
    (wells / "login.yaml").write_text(secret)
    with pytest.raises(WrongManifests) as caught:
        make_plan([wells], NETWORKS)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{wells / 'plc.yaml'}:12: ScadaConnection permian-ops/plc: ")
    assert says in problem
    assert "hunter2" not in problem


def test_changes_name_what_is_added_removed_and_changed(wells: Path) -> None:
    before = make_plan([wells], NETWORKS)
    assert not changes(before.configs, make_plan([wells], NETWORKS).configs)
    other = manifest(1503, [("a", 0)], name="other").partition("---\n")[2]
    (wells / "other.yaml").write_text(other)
    rewrite(wells / "plc.yaml", "uint32", "float32")
    after = make_plan([wells], NETWORKS)
    found = changes(before.configs, after.configs)
    assert (found.added, found.removed, found.changed) == (
        ("permian-ops/other",),
        (),
        ("permian-ops/plc",),
    )
    assert changes(after.configs, {}).removed == tuple(after.configs)


def test_an_edit_a_new_file_and_a_removed_one_are_noticed(wells: Path) -> None:
    states = [fingerprint([wells])]
    (wells / "plc.yaml").write_text((wells / "plc.yaml").read_text() + "# more\n")
    states.append(fingerprint([wells]))
    os.utime(wells / "plc.yaml", ns=(1, 1))
    states.append(fingerprint([wells]))
    (wells / "new.yml").write_text("")
    states.append(fingerprint([wells]))
    (wells / "plc.yaml").unlink()
    states.append(fingerprint([wells, wells / "not-there.yaml"]))
    assert all(one != other for one, other in itertools.pairwise(states))
    (wells / "notes.txt").write_text("")
    assert fingerprint([wells]) == states[-1]


def test_link_local_addresses_are_never_allowed() -> None:
    with pytest.raises(SetupError, match="is link-local, which is never allowed"):
        device_networks(["169.254.169.0/24"])
    with pytest.raises(SetupError, match="is link-local"):
        device_networks(["fe80::/64"])
    import ipaddress

    everything = parse_networks(device_networks(["0.0.0.0/0", "::/0"]))
    assert is_allowed(ipaddress.ip_address("8.8.8.8"), everything)
    assert is_allowed(ipaddress.ip_address("2001:db8::1"), everything)
    for forbidden in ("169.254.169.254", "fe80::1", "::ffff:169.254.169.254"):
        assert not is_allowed(ipaddress.ip_address(forbidden), everything)


def test_this_machine_and_private_networks_are_allowed_unless_told_otherwise() -> None:
    import ipaddress

    known = parse_networks(device_networks(DEFAULT_NETWORKS))
    for address in ("127.0.0.1", "::1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "fd00::1"):
        assert is_allowed(ipaddress.ip_address(address), known)
    assert not is_allowed(ipaddress.ip_address("8.8.8.8"), known)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "plc.local", "10.0.0.1/8"])
def test_what_is_no_network_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(SetupError, match="--device-network"):
        device_networks([text])


WRITES = {
    "this machine": ("127.0.0.1", ("127.0.0.0/8",), None),
    "a device of a network that is not named": (
        "10.1.7.20",
        ("127.0.0.0/8",),
        "10.1.7.20 is not in 127.0.0.0/8",
    ),
    "a device of a network that is named": ("10.1.7.20", ("10.1.7.0/24",), None),
    "a name": ("plc.field", ("127.0.0.0/8",), "is a name that can stand for addresses outside"),
    "nothing may be written": ("127.0.0.1", (), "there is no network where commands"),
}


@pytest.mark.parametrize(("host", "writable", "why"), WRITES.values(), ids=list(WRITES))
def test_commands_are_written_only_where_this_run_was_told_and_reading_goes_on(
    wells: Path, host: str, writable: tuple[str, ...], why: str | None
) -> None:
    rewrite(wells / "plc.yaml", "host: 127.0.0.1", f"host: {host}")
    rewrite(wells / "plc.yaml", "  protocol:", "  writes: {enabled: true}\n  protocol:")
    plan = make_plan([wells], DEFAULT_NETWORKS, writable)
    (config,) = plan.configs.values()
    assert config.connection.writes is (why is None)
    assert len(config.tags) == 2
    said = [remark for remark in plan.remarks if "commands are refused" in remark]
    assert len(said) == (why is not None)
    assert all(why in remark and "--write-network" in remark for remark in said if why)


def test_whoever_writes_nothing_is_told_nothing_about_it() -> None:
    plan = make_plan([directory("examples") / "oilfield"], NETWORKS)
    assert plan.remarks == ()
    assert not any(config.connection.writes for config in plan.configs.values())


def test_nothing_is_written_to_a_connection_that_does_not_ask_for_it(wells: Path) -> None:
    (config,) = make_plan([wells], NETWORKS, NETWORKS).configs.values()
    assert not config.connection.writes
