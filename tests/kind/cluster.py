"""The kind cluster that `make kind` made, as a platform engineer reaches it: kubectl, helm, kind.

cluster = Cluster.there()
cluster.kubectl("-n", "permian-ops", "get", "pods")
cluster.get("pod", "scada-pad-a-0", "permian-ops")["status"]["phase"]
cluster.wait("condition=DataFlowing", "scadaconnection/pad-a", "permian-ops")
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

REPOSITORY = Path(__file__).parents[2]
CALL_LIMIT_S = 120.0
LIMIT_S = 300.0
"""What Kubernetes does by itself on a small, busy machine is done in this time."""
AGAIN_S = 1.0
RELEASE = "pumpjack"
"""Name of the Helm release, and of its namespace."""
Answer = TypeVar("Answer")


class Failed(AssertionError):
    """A command failed; the message is what it said."""


class Cluster:
    """One cluster."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        name = environment["PUMPJACK_KIND_CLUSTER"]
        self._context = f"kind-{name}"
        self._node = f"{name}-control-plane"
        self._engine = "podman" if environment["PUMPJACK_KIND"] == "machine" else "docker"

    @classmethod
    def there(cls) -> Self:
        """The cluster of deploy/kind/environment.sh."""
        told = subprocess.run(
            ["bash", "-ec", ". deploy/kind/environment.sh; env -0"],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
            timeout=CALL_LIMIT_S,
        )
        return cls(dict(line.split("=", 1) for line in told.stdout.split("\0") if "=" in line))

    def run(self, *command: str, stdin: str = "", limit_s: float = CALL_LIMIT_S) -> str:
        """What a command prints. Raises Failed with what it says."""
        done = subprocess.run(
            command,
            check=False,
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise Failed(f"{' '.join(command)[:300]}: {said[-1500:]}")
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str = "", limit_s: float = CALL_LIMIT_S) -> str:
        """What kubectl prints."""
        return self.run(
            "kubectl", "--context", self._context, *arguments, stdin=stdin, limit_s=limit_s
        )

    def helm(self, *arguments: str) -> str:
        """What helm prints, for the release's namespace."""
        return self.run(
            "helm", "--kube-context", self._context, "-n", RELEASE, *arguments, limit_s=LIMIT_S
        )

    def on_node(self, *command: str) -> str:
        """What a command prints on the cluster's only node."""
        return self.run(self._engine, "exec", self._node, *command)

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """An object. Raises Failed where there is none."""
        found: dict[str, Any] = json.loads(
            self.kubectl("-n", namespace, "get", kind, name, "-o", "json")
        )
        return found

    def names(self, kind: str, namespace: str, labels: str = "") -> set[str]:
        """Names of the objects of a kind with these labels."""
        said = self.kubectl("-n", namespace, "get", kind, "-l", labels, "-o", "name")
        return {line.partition("/")[2] for line in said.split()}

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply objects, as a tenant does."""
        everything = {"apiVersion": "v1", "kind": "List", "items": documents}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(everything))

    def wait(self, for_: str, what: str, namespace: str, limit_s: float = LIMIT_S) -> None:
        """`kubectl wait`: what says whether a user's script would go on."""
        self.kubectl(
            *("-n", namespace, "wait", f"--for={for_}", what, f"--timeout={limit_s:.0f}s"),
            limit_s=limit_s + CALL_LIMIT_S,
        )

    def rolled_out(self, what: str, namespace: str) -> None:
        """Wait until a Deployment or StatefulSet runs as it should."""
        self.kubectl(
            *("-n", namespace, "rollout", "status", what, f"--timeout={LIMIT_S:.0f}s"),
            limit_s=LIMIT_S + CALL_LIMIT_S,
        )

    def execute(self, pod: str, namespace: str, *command: str, stdin: str = "") -> str:
        """What a command prints in a pod (or deploy/NAME)."""
        interactive = ("-i",) if stdin else ()
        return self.kubectl("-n", namespace, "exec", *interactive, pod, "--", *command, stdin=stdin)

    def kill(self, pod: str) -> None:
        """Kill -9 every process of a pod, without a word before."""
        script = (
            "for one in /proc/[0-9]*; do "
            '[ "$(cat $one/root/etc/hostname 2>/dev/null)" = "$0" ] '
            '&& kill -9 "${one##*/}" && echo killed; done; true'
        )
        assert "killed" in self.on_node("sh", "-c", script, pod), f"nothing of {pod} runs"


def until(what: str, look: Callable[[], Answer | None], limit_s: float = LIMIT_S) -> Answer:
    """What look() finds in the end; what it fails with or finds empty is looked at again."""
    limit = time.monotonic() + limit_s
    while True:
        try:
            found, why = look(), ""
        except Failed as error:
            found, why = None, str(error)
        if found:
            return found
        if time.monotonic() > limit:
            raise AssertionError(f"after {limit_s:.0f} s still not: {what}. {why}")
        time.sleep(AGAIN_S)
