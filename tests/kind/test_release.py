"""The release changes while data flows: another image, another chart, none at all."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.kind.cluster import LIMIT_S, RELEASE, REPOSITORY, Cluster, until
from tests.kind.counting import NAMESPACE, Counting
from tests.kind.gateway import Gateway

PARTS = ("operator", "gateway", "worker", "cli")
CRDS = ("scadaconnections.pumpjack.dev", "tagmappings.pumpjack.dev")
UP_LIMIT_S = 900.0


def test_rolling_out_another_image_loses_and_doubles_nothing(
    cluster: Cluster, counting: Counting
) -> None:
    tag = _values(cluster)["image"]["tag"]
    other = f"{tag}-again"
    for part in PARTS:
        names = (f"localhost/pumpjack/{part}:{tag}", f"localhost/pumpjack/{part}:{other}")
        cluster.on_node("ctr", "-n", "k8s.io", "images", "tag", "--force", *names)
    _upgrade(cluster, "charts/pumpjack", "--reuse-values", "--set", f"image.tag={other}")
    image = f"localhost/pumpjack/worker:{other}"
    until("the worker runs the other image", lambda: _image(cluster, counting) == image)
    counting.goes_on()
    counting.check()
    _upgrade(cluster, "charts/pumpjack", "--reuse-values", "--set", f"image.tag={tag}")
    until("the worker runs the first one again", lambda: _image(cluster, counting) != image)
    counting.goes_on()
    counting.check()


def test_an_upgrade_from_the_chart_of_the_commit_before_loses_nothing(
    cluster: Cluster, counting: Counting, tmp_path: Path
) -> None:
    images = tmp_path / "images.json"
    images.write_text(json.dumps({key: _values(cluster)[key] for key in ("image", "tryout")}))
    _unpack_before(tmp_path)
    for repository in (tmp_path, REPOSITORY):
        values = repository / "deploy" / "kind" / "values.yaml"
        chart = str(repository / "charts" / "pumpjack")
        _upgrade(cluster, chart, "--reset-values", "-f", str(values), "-f", str(images))
        counting.goes_on()
    counting.check()


def test_an_uninstalled_release_leaves_kinds_and_data_and_comes_back(
    cluster: Cluster, counting: Counting, permian: Gateway
) -> None:
    counting.goes_on()
    before = counting.stored()
    cluster.helm("uninstall", RELEASE, "--wait", f"--timeout={LIMIT_S:.0f}s")
    try:
        for name in CRDS:
            cluster.kubectl("get", "crd", name)
        assert cluster.get("scadaconnection", counting.name, NAMESPACE)
        assert "data-pumpjack-postgresql-0" in cluster.names("persistentvolumeclaim", RELEASE)
    finally:
        cluster.run("deploy/kind/up.sh", limit_s=UP_LIMIT_S)
    counting.goes_on()
    assert counting.stored()[: len(before)] == before
    counting.check()
    permian.sign_in_again()  # the issuer's secret may be another one
    assert "permian-a1" in permian.wells()


def _upgrade(cluster: Cluster, chart: str, *more: str) -> None:
    cluster.helm("upgrade", RELEASE, chart, *more)
    for what in ("deployment/pumpjack-operator", "deployment/pumpjack-gateway"):
        cluster.rolled_out(what, RELEASE)


def _image(cluster: Cluster, counting: Counting) -> str:
    pod = cluster.get("pod", counting.pod, NAMESPACE)
    return str(pod["spec"]["containers"][0]["image"])


def _values(cluster: Cluster) -> dict[str, Any]:
    """What the release was told beside the chart's own values."""
    found: dict[str, Any] = json.loads(cluster.helm("get", "values", RELEASE, "-o", "json"))
    return found


def _unpack_before(folder: Path) -> None:
    """The chart and the cluster's values as they were before the last change of the chart."""
    found = subprocess.run(
        ["git", "log", "-2", "--format=%H", "--", "charts/pumpjack"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if len(found) < 2:
        pytest.skip("no-history: this clone has no earlier chart")
    archive = subprocess.run(
        ["git", "archive", found[1], "charts/pumpjack", "deploy/kind/values.yaml"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
