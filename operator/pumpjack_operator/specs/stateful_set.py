"""The worker itself: a StatefulSet of one, so that there are never two of a connection.

Without a PodDisruptionBudget: for a single pod it would block every node drain.
"""

from __future__ import annotations

from msgspec import to_builtins

from pumpjack_operator.names import labels, selector
from pumpjack_operator.specs.config_maps import MOST_PARTS, connection_map, part_map
from pumpjack_operator.specs.journal_claim import journal_name, volume_size
from pumpjack_operator.specs.wanted import (
    AUTHORITIES_DIR,
    DATABASE_CA,
    REDIS_CA,
    STATUS_PORT,
    Manifest,
    Wanted,
    metadata,
)

CONFIG_DIR = "/etc/pumpjack/config"
SECRETS_DIR = "/etc/pumpjack/device"
JOURNAL_DIR = "/var/lib/pumpjack/journal"
USER = 10_001
STORES_ANNOTATION = "pumpjack.dev/stores"
GRACE_S = 15
"""For everything but draining when a pod stops."""


def stateful_set(wanted: Wanted) -> Manifest:
    """The worker of one connection; suspended, it has no pod's work but drains its journal."""
    of = wanted.connection.metadata.name
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(wanted),
        "spec": {
            "replicas": 1,
            # with OrderedReady a pod that never gets ready would never be replaced by a mended one
            "podManagementPolicy": "Parallel",
            "serviceName": wanted.name,
            "selector": {"matchLabels": selector(of)},
            "revisionHistoryLimit": 2,
            "template": {"metadata": _pod_metadata(wanted), "spec": _pod(wanted)},
        },
    }


def _pod_metadata(wanted: Wanted) -> Manifest:
    """A pod reads its logins once, as it starts; an annotation that changes makes another pod."""
    found: Manifest = {"labels": labels(wanted.connection.metadata.name)}
    if wanted.stores_version:
        found["annotations"] = {STORES_ANNOTATION: wanted.stores_version}
    return found


def _pod(wanted: Wanted) -> Manifest:
    platform, placement = wanted.platform, wanted.connection.spec.placement
    pod: Manifest = {
        "serviceAccountName": wanted.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": platform.drain_s + GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(wanted)],
        "volumes": _volumes(wanted),
    }
    if platform.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in platform.image_pull_secrets]
    if platform.priority_class:
        pod["priorityClassName"] = platform.priority_class
    if placement is not None and placement.node_selector:
        pod["nodeSelector"] = dict(placement.node_selector)
    if placement is not None and placement.tolerations:
        found = [to_builtins(one) for one in placement.tolerations]
        pod["tolerations"] = [
            {key: value for key, value in one.items() if value is not None} for one in found
        ]
    return pod


def _container(wanted: Wanted) -> Manifest:
    platform = wanted.platform
    mounts = [
        {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
        {"name": "journal", "mountPath": JOURNAL_DIR},
        {"name": "stores", "mountPath": AUTHORITIES_DIR, "readOnly": True},
    ]
    if wanted.secret is not None:
        mounts.append({"name": "device", "mountPath": SECRETS_DIR, "readOnly": True})
    return {
        "name": "worker",
        "image": platform.image,
        "imagePullPolicy": platform.image_pull_policy,
        "args": ["python", "-m", "pumpjack_worker"],
        "env": _environment(wanted),
        "ports": [{"name": "metrics", "containerPort": STATUS_PORT, "protocol": "TCP"}],
        "resources": _resources(wanted),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "livenessProbe": _probe("/healthz", period_s=20, failures=3),
        "readinessProbe": _probe("/readyz", period_s=5, failures=2),
        "volumeMounts": mounts,
    }


def _environment(wanted: Wanted) -> list[Manifest]:
    told = {
        "PUMPJACK_CONFIG_DIR": CONFIG_DIR,
        "PUMPJACK_JOURNAL_DIR": JOURNAL_DIR,
        "PUMPJACK_STATUS_ADDRESS": f"0.0.0.0:{STATUS_PORT}",
        "PUMPJACK_DRAIN_S": str(wanted.platform.drain_s),
    }
    if wanted.connection.spec.credentials_secret_ref is not None:
        told["PUMPJACK_SECRETS_DIR"] = SECRETS_DIR
    stores = {"PUMPJACK_DATABASE_URL": "database-url", "PUMPJACK_REDIS_URL": "redis-url"}
    return [{"name": name, "value": value} for name, value in told.items()] + [
        {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": wanted.platform.stores_secret, "key": key}},
        }
        for name, key in stores.items()
    ]


def _resources(wanted: Wanted) -> Manifest:
    """The platform's, and over them what the connection asks for."""
    placement = wanted.connection.spec.placement
    asked = placement.resources if placement is not None else None
    return {
        "requests": {**wanted.platform.requests, **(asked.requests or {} if asked else {})},
        "limits": {**wanted.platform.limits, **(asked.limits or {} if asked else {})},
    }


def _probe(path: str, *, period_s: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "metrics"},
        "periodSeconds": period_s,
        "timeoutSeconds": 6,
        "failureThreshold": failures,
    }


def _volumes(wanted: Wanted) -> list[Manifest]:
    maps: list[Manifest] = [{"configMap": {"name": connection_map(wanted.name)}}]
    maps += [
        {"configMap": {"name": part_map(wanted.name, number), "optional": True}}
        for number in range(MOST_PARTS)
    ]
    journal = wanted.connection.spec.journal
    volumes: list[Manifest] = [
        {"name": "config", "projected": {"sources": maps, "defaultMode": 0o440}},
        {"name": "journal", "persistentVolumeClaim": {"claimName": journal_name(wanted.name)}}
        if journal.storage == "pvc"
        else {"name": "journal", "emptyDir": {"sizeLimit": volume_size(journal.size)}},
        {"name": "stores", "secret": _authorities(wanted.platform.stores_secret)},
    ]
    if wanted.secret is not None:
        secret = {"secretName": wanted.secret, "defaultMode": 0o440, "optional": True}
        volumes.append({"name": "device", "secret": secret})
    return volumes


def _authorities(secret: str) -> Manifest:
    """What the stores' certificates are checked by, where they are not of a public authority."""
    items = [{"key": name, "path": name} for name in (DATABASE_CA, REDIS_CA)]
    return {"secretName": secret, "items": items, "defaultMode": 0o440, "optional": True}
