from __future__ import annotations

import yaml

from tests.kind.machine.overlay import Value, merge
from tests.kind.machine.places import HERE, REPOSITORY

CONFIG = yaml.safe_load((REPOSITORY / "kind-config.yaml").read_text())
OVERLAY = yaml.safe_load((HERE / "overlay.yaml").read_text())


def test_the_overlay_adds_to_the_cluster_of_docker_users_and_takes_nothing_away() -> None:
    merged = merge(CONFIG, OVERLAY)

    assert isinstance(merged, dict)
    assert {key: merged[key] for key in CONFIG} == CONFIG
    assert merged["kubeadmConfigPatches"] == OVERLAY["kubeadmConfigPatches"]


def test_patches_of_both_apply_those_of_the_configuration_first() -> None:
    assert merge({"patches": ["a"]}, {"patches": ["b"]}) == {"patches": ["a", "b"]}


def test_a_value_that_both_name_is_the_overlays() -> None:
    merged = merge({"net": {"a": 1, "b": 2}, "name": "x"}, {"net": {"b": 3}})

    assert merged == {"net": {"a": 1, "b": 3}, "name": "x"}


def test_what_goes_in_is_not_changed() -> None:
    config: Value = {"nodes": [{"role": "control-plane"}]}

    merge(config, {"nodes": [{"role": "worker"}]})

    assert config == {"nodes": [{"role": "control-plane"}]}
