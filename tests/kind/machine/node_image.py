"""The image that kind runs as the node, made of Debian's packages and programs built here.

image()   its name in podman, made now where it is missing
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from tests.controlplane import binaries
from tests.kind.machine import archive, containers, debian, steps, system_images
from tests.kind.machine.places import HERE, KIND

PACKAGES = (
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "ethtool",
    "hostname",
    "iproute2",
    "iptables",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    "procps",
    "python3",
    "runc",
    "socat",
)
FILES = {
    "entrypoint.sh": "/kind/entrypoint.sh",
    "volumes.sh": "/kind/volumes.sh",
    "policies.py": "/kind/policies.py",
    "rules.py": "/kind/rules.py",
    "kubeadm.sh": "/usr/bin/kubeadm",
    "containerd.toml": "/etc/containerd/config.toml",
    "network.conflist": "/etc/cni/net.d/network.conflist",
    "default-cni.yaml": "/kind/manifests/default-cni.yaml",
    "default-storage.yaml": "/kind/manifests/default-storage.yaml",
}
"""From the folder node/ to the image."""
PROGRAMS = {
    "kubeadm": "/kind/bin/kubeadm",
    "kubelet": "/usr/bin/kubelet",
    "kubectl": "/usr/bin/kubectl",
}
REPOSITORY = "localhost/pumpjack-node"
LOAD_LIMIT_S = 600
LOOK_LIMIT_S = 60


def image() -> str:
    """The node image's name; the same input has the same name. Raises Impossible."""
    name = f"{REPOSITORY}:{key()}"
    environment = containers.environment()
    found = subprocess.run(
        ["podman", "image", "exists", name], env=environment, timeout=LOOK_LIMIT_S, check=False
    )
    if found.returncode != 0:
        with steps.step("making the node's image"):
            _make(name, environment)
        _forget_others(name, environment)
    return name


def key() -> str:
    """Of all that goes into the image."""
    digest = hashlib.sha256()
    digest.update(debian.key(PACKAGES).encode())
    digest.update(debian.key(system_images.PROXY_PACKAGES).encode())
    for program in sorted({*PROGRAMS, *(one.program for one in system_images.IMAGES.values())}):
        digest.update(binaries.build(program).parent.name.encode())  # its sources' hash
    for file in sorted(FILES):
        digest.update((HERE / "node" / file).read_bytes())
    for module in ("node_image.py", "system_images.py", "archive.py"):
        digest.update((HERE / module).read_bytes())
    return digest.hexdigest()[:12]


def version() -> str:
    """Of Kubernetes: v1.34.4."""
    return f"v{binaries.kubernetes_version()}"


def _make(name: str, environment: dict[str, str]) -> None:
    wanted = system_images.names(binaries.build("kubeadm"), version())
    root = debian.filesystem(PACKAGES)
    with tempfile.TemporaryDirectory(dir=KIND, prefix="node-") as folder:
        images = system_images.write(Path(folder), wanted)
        layer = Path(folder) / "node.layer"
        archive.write_layer(layer, _files(wanted["pause"], images))
        place = Path(folder) / "node.archive"
        settings = archive.Settings(
            entrypoint=("/kind/entrypoint.sh",), env=(*archive.PATH, "container=podman")
        )
        archive.write_archive(place, name, [root, layer], settings)
        steps.run("podman", "load", "--input", place, limit_s=LOAD_LIMIT_S, env=environment)


def _forget_others(name: str, environment: dict[str, str]) -> None:
    """Each is a gigabyte; one that a cluster runs on stays."""
    listed = steps.run(
        *("podman", "images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY),
        limit_s=LOOK_LIMIT_S,
        env=environment,
    )
    for other in set(listed.split()) - {name}:
        subprocess.run(
            ["podman", "image", "rm", other],
            env=environment,
            capture_output=True,
            timeout=LOAD_LIMIT_S,
            check=False,
        )


def _files(pause: str, images: list[Path]) -> list[archive.File]:
    own = [archive.File(path, _own(file, pause)) for file, path in FILES.items()]
    programs = [archive.File(path, binaries.build(name)) for name, path in PROGRAMS.items()]
    archives = [archive.File(f"/kind/images/{place.name}", place) for place in images]
    return [*own, *programs, *archives, archive.File("/kind/version", version().encode(), 0o644)]


def _own(file: str, pause: str) -> bytes:
    return (HERE / "node" / file).read_bytes().replace(b"PAUSE_IMAGE", pause.encode())
