"""What makes the cluster: keys of caches, names of images, packages, limits."""

from __future__ import annotations

import pytest

from tests.kind.machine import containers, debian, packages, steps, system_images


def test_another_package_is_another_root_filesystem_and_their_order_is_none() -> None:
    assert debian.key(("jq", "runc")) == debian.key(("runc", "jq"))
    assert debian.key(("jq", "runc")) != debian.key(("jq",))
    assert debian.key(("jq",)) != debian.key(("jq",), ("--variant=essential",))


def test_images_are_made_under_the_names_that_kubeadm_asks_for() -> None:
    asked = ["host.example/kube-proxy:v1.34.4", "host.example/coredns/coredns:v1.12.1"]

    assert system_images.short_names(asked) == {"kube-proxy": asked[0], "coredns": asked[1]}


def test_an_image_that_nobody_makes_is_told_before_anything_is_built() -> None:
    with pytest.raises(steps.Impossible, match=r"kube-new, which .* does not make"):
        system_images.short_names(["host.example/kube-new:v1"])


def test_only_packages_whose_program_is_missing_are_installed() -> None:
    assert packages.missing({"sh": "dash", "no-such-program": "nothing"}) == ["nothing"]


def test_whoever_is_not_root_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(steps.Impossible, match=r"As root: apt-get install .* nothing"):
        packages.install({"no-such-program": "nothing"})


def test_no_container_is_given_more_than_the_machine_allows() -> None:
    told = containers.configuration(files=20_000, processes=96_365)

    assert 'default_ulimits = ["nofile=20000:20000", "nproc=96365:96365"]' in told


def test_a_program_that_fails_says_what_and_why() -> None:
    with pytest.raises(steps.Impossible, match=r"(?s)`sh -c .*` failed.*no space left"):
        steps.run("sh", "-c", "echo no space left >&2; exit 3", limit_s=60)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(steps.Impossible, match="no-such-program is not installed"):
        steps.run("no-such-program", limit_s=60)
