"""Where tenants' alarms are sent: told by a Secret, and only then let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.helm import VALUES, Manifest, environment, one, pods, rendered

pytestmark = pytest.mark.peers
EXTERNAL = VALUES / "external.yaml"


def installed(folder: Path, **values: Any) -> tuple[Manifest, ...]:
    text = yaml.safe_dump(values)
    more = folder / f"{len(text)}.yaml"  # what is rendered of a file is kept by its name
    more.write_text(text)
    return rendered(EXTERNAL, more)


def egress_ports(manifests: tuple[Manifest, ...]) -> dict[int, Any]:
    """Port to the places that the gateway may reach on it; None: anywhere."""
    rules = one(manifests, "NetworkPolicy", "-gateway")["spec"]["egress"]
    return {port["port"]: rule.get("to") for rule in rules for port in rule["ports"]}


def gateway(manifests: tuple[Manifest, ...]) -> Manifest:
    (found,) = [each for where, each in pods(manifests) if "-gateway" in where]
    return found


def test_the_list_of_webhooks_comes_from_the_secret_that_is_named(tmp_path):
    manifests = installed(tmp_path, gateway={"webhooks": {"secretName": "hooks", "key": "a.json"}})
    assert environment(gateway(manifests))["PUMPJACK_WEBHOOKS"] == "a.json"
    text = yaml.safe_dump(gateway(manifests))
    assert "name: hooks" in text


def test_without_webhooks_nothing_is_read_and_no_way_is_opened(tmp_path):
    manifests = installed(tmp_path)
    assert "PUMPJACK_WEBHOOKS" not in environment(gateway(manifests))
    opened = egress_ports(manifests)
    more = installed(
        tmp_path,
        gateway={"webhooks": {"secretName": "hooks"}},
        networkPolicy={"webhooks": [{"cidr": "203.0.113.7/32"}], "webhookPorts": [8443]},
    )
    found = egress_ports(more)
    assert set(found) - set(opened) == {8443}
    assert found[8443] == [{"ipBlock": {"cidr": "203.0.113.7/32"}}]
