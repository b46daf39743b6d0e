"""The images that kubeadm asks for, made from programs built here, under the names it asks for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from tests.controlplane import binaries
from tests.kind.machine import archive, debian, steps

LIST_LIMIT_S = 30
PROXY_PACKAGES = ("conntrack", "iptables", "kmod", "nftables")


class SystemImage(msgspec.Struct, frozen=True):
    """program goes to path, which is also the entrypoint; packages is what it calls."""

    program: str
    path: str
    packages: tuple[str, ...] = ()


IMAGES = {
    "kube-apiserver": SystemImage("kube-apiserver", "/usr/local/bin/kube-apiserver"),
    "kube-controller-manager": SystemImage(
        "kube-controller-manager", "/usr/local/bin/kube-controller-manager"
    ),
    "kube-scheduler": SystemImage("kube-scheduler", "/usr/local/bin/kube-scheduler"),
    "kube-proxy": SystemImage("kube-proxy", "/usr/local/bin/kube-proxy", PROXY_PACKAGES),
    "coredns": SystemImage("coredns", "/coredns"),
    "pause": SystemImage("pause", "/pause"),
    "etcd": SystemImage("etcd", "/usr/local/bin/etcd"),
}
"""By the last part of their names."""


def names(kubeadm: Path, version: str) -> dict[str, str]:
    """The last part of each name that kubeadm asks for, to the whole of it."""
    told = steps.run(
        kubeadm, "config", "images", "list", "--kubernetes-version", version, limit_s=LIST_LIMIT_S
    )
    return short_names(told.split())


def short_names(images: list[str]) -> dict[str, str]:
    """`host/coredns/coredns:v1` is `coredns`. Raises Impossible for one that nobody makes here."""
    short = {image.rpartition("/")[2].partition(":")[0]: image for image in images}
    if unknown := sorted(short.keys() - IMAGES.keys()):
        raise steps.Impossible(
            f"kubeadm asks for {', '.join(unknown)}, which tests/kind/machine/system_images.py"
            " does not make; add it there."
        )
    return short


def write(folder: Path, wanted: dict[str, str]) -> list[Path]:
    """An archive in folder for each image wanted; names as given by names()."""
    archives = []
    for short, name in wanted.items():
        image = IMAGES[short]
        place = folder / f"{short}.tar"
        with tempfile.TemporaryDirectory(dir=folder) as part:
            layer = Path(part) / "layer.tar"
            archive.write_layer(layer, [archive.File(image.path, binaries.build(image.program))])
            below = [debian.filesystem(image.packages)] if image.packages else []
            archive.write_archive(
                place, name, [*below, layer], archive.Settings(entrypoint=(image.path,))
            )
        archives.append(place)
    return archives
