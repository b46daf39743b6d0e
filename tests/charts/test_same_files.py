"""What the chart holds a copy of is the same as its original, and what it names exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry

from pumpjack_gateway.alarms.metrics import AlarmMetrics
from pumpjack_gateway.metrics import Metrics as GatewayMetrics
from pumpjack_operator.metrics import Metrics as OperatorMetrics
from pumpjack_worker.pipeline.metrics import Metrics as WorkerMetrics
from tests.charts.helm import CHART

ROOT = CHART.parents[1]
METRIC = re.compile(r"\b(?:scada|pumpjack)_[a-z_]+\b")
LABELS = {"namespace", "pod", "job", "le"}
"""Given by Prometheus, not by us."""


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.yaml")}


def test_the_chart_has_the_crds_of_the_repository():
    """`make chart` copies them."""
    assert files(CHART / "files" / "crds") == files(ROOT / "crds")


def test_chart_and_distribution_are_of_one_version():
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version


def exported() -> dict[str, dict[str, set[str]]]:
    """Part to its metrics, as Prometheus names them, with their labels."""
    worker = WorkerMetrics(tenant_id="t", protocol="p", connection_id="c")
    worker.errors({"out_of_range": 1})
    gateway = GatewayMetrics()
    AlarmMetrics(gateway.registry, gateway.refused)
    registries: dict[str, CollectorRegistry] = {
        "pumpjack-worker": worker.registry,
        "pumpjack-gateway": gateway.registry,
        "pumpjack-operator": OperatorMetrics().registry,
    }
    return {part: names(registry) for part, registry in registries.items()}


def names(registry: CollectorRegistry) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for family in collector.collect():
            labels = set(getattr(collector, "_labelnames", ()))
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
            for suffix in suffixes.get(family.type, [""]):
                found[family.name + suffix] = labels
    return found


def expressions() -> list[str]:
    rules = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((CHART / "files" / "dashboards" / "pumpjack.json").read_text())
    found += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return found


def test_every_metric_that_an_alert_or_a_panel_reads_exists_in_the_part_that_it_names():
    parts = exported()
    seen = 0
    for expression in expressions():
        for name, job in re.findall(r'((?:scada|pumpjack)_\w+)\{job=~?"([^"]+)"', expression):
            for part in parts if "*" in job else [job]:
                if part == "pumpjack-operator" and "*" in job:
                    continue  # it has no live feed
                assert name in parts[part], f"{part} has no {name}"
                seen += 1
        unnamed = len(METRIC.findall(expression)) - len(re.findall(r"\w+\{job=", expression))
        assert unnamed == 0, f"a metric without its job: {expression}"
    assert seen > 20


def test_every_label_that_an_alert_or_a_panel_reads_exists():
    parts = exported()
    for expression in expressions():
        jobs = set(re.findall(r'job="([^"]+)"', expression))
        metrics = METRIC.findall(expression)
        known = {
            label
            for job in jobs or parts
            for metric in metrics
            for label in parts[job].get(metric, ())
        }
        used = {
            label.strip()
            for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        used |= set(re.findall(r'(\w+)=~?"', expression))
        assert used <= known | LABELS, f"{used - known - LABELS}: {expression}"


def test_an_alert_says_what_is_wrong_and_what_to_do():
    rules = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
    page = (ROOT / "docs" / "operations.md").read_text()
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    for alert in alerts:
        assert alert["annotations"].keys() == {"summary", "description"}
        assert alert["labels"]["severity"] in ("critical", "warning")
        assert f"`{alert['alert']}`" in page, alert["alert"]
    assert len({alert["alert"] for alert in alerts}) == len(alerts)
