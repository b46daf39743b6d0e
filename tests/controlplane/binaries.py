"""The programs of a Kubernetes control plane, built from their Go modules, once, outside git.

    python -m tests.controlplane.binaries      build what the tests need, and say so

KUBEBUILDER_ASSETS names a folder with ready ones (as envtest has it), which are then used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

MODULES = Path(__file__).parent
PACKAGES = {
    "kube-apiserver": ("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kube-controller-manager": ("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "helm": ("helm", "helm.sh/helm/v3/cmd/helm"),
    "kubeconform": ("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform"),
}
"""Name to the folder of its go.mod and its package."""
_KUBERNETES = ("kubeadm", "kubectl", "kubelet", "kube-proxy", "kube-scheduler")
CLUSTER = {
    **{name: ("kubernetes", f"k8s.io/kubernetes/cmd/{name}") for name in _KUBERNETES},
    "coredns": ("coredns", "github.com/coredns/coredns"),
    "kind": ("kind", "sigs.k8s.io/kind"),
    "pause": ("pause", "."),
}
"""Likewise what a whole cluster needs beside these; built only for tests/kind/machine."""
ASSETS = ("kube-apiserver", "etcd")
"""What a folder of envtest has of these."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pumpjack" / "bin"
BUILD_LIMIT_S = 2_400
VERSION_PACKAGE = "k8s.io/component-base/version"


class Missing(Exception):
    """A program that is not there and cannot be built here; says why."""


def find(name: str) -> Path:
    """The program, built before. Raises Missing when it has to be built first."""
    assets = os.environ.get("KUBEBUILDER_ASSETS") if name in ASSETS else None
    place = Path(assets) / name if assets else _place(name)
    if not place.is_file():
        raise Missing(f"peer-missing: {name}; `python -m tests.controlplane.binaries` builds it")
    return place


def build(name: str) -> Path:
    """The program, built now where it is missing. Raises Missing without Go, or when it fails."""
    try:
        return find(name)
    except Missing:
        go = shutil.which("go")
    if go is None:
        raise Missing(f"{name} needs Go to be built; install Go, or set KUBEBUILDER_ASSETS")
    place = _place(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_file():  # another run was building it
            _build(go, name, place)
    return place


def _place(name: str) -> Path:
    folder, _ = _package(name)
    digest = hashlib.sha256()
    sources = sorted((MODULES / folder).glob("*.go"))
    for file in (MODULES / folder / "go.mod", MODULES / folder / "go.sum", *sources):
        digest.update(file.read_bytes())
    return CACHE / f"{name}-{digest.hexdigest()[:12]}" / name


def _package(name: str) -> tuple[str, str]:
    return (PACKAGES | CLUSTER)[name]


def _build(go: str, name: str, place: Path) -> None:
    folder, package = _package(name)
    part = place.with_name(f"{name}.part")
    done = subprocess.run(
        [go, "build", "-mod=readonly", "-ldflags", _flags(folder), "-o", part, package],
        cwd=MODULES / folder,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise Missing(f"{name} cannot be built: {done.stderr[-2_000:]}")
    part.rename(place)


def kubernetes_version() -> str:
    """Of every part of Kubernetes that is built here: 1.34.4."""
    found = re.search(
        r"k8s\.io/kubernetes v(\d+\.\d+\.\d+)", (MODULES / "kubernetes" / "go.mod").read_text()
    )
    assert found is not None, f"{MODULES}/kubernetes/go.mod names no version of Kubernetes"
    return found[1]


def _flags(folder: str) -> str:
    """An API server says its version, and refuses to start without one."""
    if folder != "kubernetes":
        return "-s -w"
    version = kubernetes_version()
    major, minor, _ = version.split(".")
    told = {"Version": f"v{version}", "Major": major, "Minor": minor}
    return "-s -w " + " ".join(f"-X {VERSION_PACKAGE}.git{key}={told[key]}" for key in told)


def main() -> None:
    """Build everything that is missing; without Go, say what will be skipped."""
    for name in PACKAGES:
        began = time.monotonic()
        try:
            find(name)
            continue
        except Missing:
            print(f"building {name}, once; this takes some minutes …", flush=True)
        try:
            build(name)
        except Missing as error:
            print(f"{error}\ntests that need it are skipped", file=sys.stderr)
            return
        print(f"{name} was built in {time.monotonic() - began:.0f} s", flush=True)
    from tests.controlplane import foreign  # it uses this module

    try:
        foreign.fetch()
    except Missing as error:
        print(f"{error}\ntests that need them are skipped", file=sys.stderr)


if __name__ == "__main__":
    main()
