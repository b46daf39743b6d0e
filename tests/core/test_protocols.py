"""What is known of protocols is one list: of the CRD, of the core, and of the adapters' folders."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pumpjack_core.errors import ManifestError
from pumpjack_core.manifests.types import ScadaConnectionSpec
from pumpjack_core.protocols import PROTOCOLS
from pumpjack_worker import adapters
from pumpjack_worker.adapters.contract import Adapter
from pumpjack_worker.adapters.registry import adapter_class, browser_class, declared, simulator

ROOT = Path(__file__).parents[2]
FOLDERS = Path(adapters.__file__).parent
FILES = ("adapter.py", "address.py", "protocol.py", "simulator.py", "README.md")


def test_the_crd_the_core_and_the_folders_know_the_same_protocols() -> None:
    crd = yaml.safe_load((ROOT / "crds" / "scadaconnections.pumpjack.dev.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert sorted(spec["properties"]["protocol"]["enum"]) == sorted(PROTOCOLS)
    folders = {path.parent.name for path in FOLDERS.glob("*/protocol.py")}
    assert folders == {one.member for one in PROTOCOLS.values()}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_a_folder_with_the_same_files_as_every_other(name: str) -> None:
    folder = FOLDERS / PROTOCOLS[name].member
    assert [file for file in FILES if not (folder / file).exists()] == []
    assert PROTOCOLS[name].member in ScadaConnectionSpec.__struct_fields__
    found = adapter_class(name)
    assert issubclass(found, Adapter)
    assert found.protocol == name
    assert found.writes == (declared(name).write is not None)
    assert callable(getattr(simulator(name), declared(name).simulated))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_can_be_browsed_has_a_browser_and_its_url(name: str) -> None:
    known = declared(name)
    if known.browser:
        assert browser_class(name).__name__ == known.browser
    assert bool(known.of_url) == bool(known.scheme) == bool(known.form)
    assert known.form.startswith(known.scheme)


def test_a_protocol_that_nobody_knows_is_told_with_those_that_are_known() -> None:
    with pytest.raises(ManifestError, match=r"'telepathy' is not known; known are .*mqtt"):
        adapter_class("telepathy")
    with pytest.raises(ManifestError, match="mqtt cannot be browsed; modbus-tcp, opcua can"):
        browser_class("mqtt")
