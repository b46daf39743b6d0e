"""Our images by themselves, as a careful platform runs them: any user, no network, read-only."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.kind.cluster import Cluster

LIMIT_S = 300
CAREFULLY = (
    "run",
    "--rm",
    "--read-only",
    "--network=none",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--user=54321:54321",
)
SAYS = {
    "operator": "PUMPJACK_PLATFORM_FILE",
    "gateway": "PUMPJACK_DATABASE_URL",
    "worker": "PUMPJACK_CONFIG_DIR",
}
"""An image, to the setting that it misses first."""
PARTS = (*SAYS, "cli")


@pytest.fixture(scope="module")
def tag() -> str:
    """Of the images that deploy/kind/images.sh built last."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    values = yaml.safe_load((cache / "pumpjack" / "kind" / "values.yaml").read_text())
    return str(values["image"]["tag"])


def engine(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = "podman" if cluster.environment["PUMPJACK_KIND"] == "machine" else "docker"
    return subprocess.run(
        [program, *arguments],
        env={**os.environ, **cluster.environment},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def image(part: str, tag: str) -> str:
    return f"localhost/pumpjack/{part}:{tag}"


@pytest.mark.parametrize("part", SAYS)
def test_without_settings_a_program_says_which_one_it_misses_and_ends(cluster, tag, part):
    done = engine(cluster, *CAREFULLY, image(part, tag))
    assert done.returncode != 0
    assert SAYS[part] in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_the_command_lists_what_it_can_do(cluster, tag):
    done = engine(cluster, *CAREFULLY, image("cli", tag))
    assert done.returncode == 0, done.stderr
    assert "migrate" in done.stdout
    assert "simulate" in done.stdout


@pytest.mark.parametrize("part", PARTS)
def test_an_image_holds_nothing_to_install_or_build_with_and_no_secret_of_its_build(
    cluster, tag, part
):
    script = "for one in pip pip3 uv gcc cc make; do command -v $one; done; ls -A /run/secrets"
    done = engine(cluster, *CAREFULLY, image(part, tag), "sh", "-c", script)
    assert done.stdout.split() == []
    installs = engine(cluster, *CAREFULLY, image(part, tag), "python", "-c", "import pip")
    assert "No module named 'pip'" in installs.stderr


@pytest.mark.parametrize("part", PARTS)
def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(cluster, tag, part):
    done = engine(cluster, "image", "inspect", image(part, tag))
    (found,) = json.loads(done.stdout)
    assert found["Config"]["User"] == "10001:10001"
    labels = found["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "Pumpjack"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.description"]
