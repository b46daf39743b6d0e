"""Alerts and dashboard are PromQL, by the grammar of the Prometheus project."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.charts.test_same_files import expressions
from tests.peers.node import installed, node

pytestmark = pytest.mark.peers

PEER = Path(__file__).parents[1] / "peers" / "promql"


def wrong(texts: list[str]) -> list[str | None]:
    """Of each expression what is wrong, None for one that is right."""
    done = subprocess.run(
        [node(), str(installed(PEER) / "parse.js")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[str | None] = json.loads(done.stdout)
    return found


def test_every_expression_can_be_read():
    # Grafana puts an interval there
    texts = [text.replace("$__rate_interval", "5m") for text in expressions()]
    assert len(texts) > 25
    for text, why in zip(texts, wrong(texts), strict=True):
        assert why is None, f"{text}: from {why!r} on"


def test_what_is_no_promql_is_found():
    """The check above can fail."""
    texts = ["sum by (a (up) == 0", "rate(up{job='x'}[5m)", "up >", "up unless on (pod) down"]
    assert [why is not None for why in wrong(texts)] == [True, True, True, False]
