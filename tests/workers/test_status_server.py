"""What a worker answers over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from pumpjack_core.errors import PumpjackError
from pumpjack_worker.status_server import StatusServer


@pytest.mark.parametrize("path", ["/healthz", "/status", "/readyz"])
def test_a_worker_that_is_stuck_is_not_called_healthy(path):
    def stuck():
        raise TimeoutError

    server = StatusServer("127.0.0.1:0", CollectorRegistry(), stuck)
    try:
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60)
        assert answer.value.code == 503
        assert b"does not answer" in answer.value.read()
    finally:
        server.stop()


@pytest.mark.parametrize(
    "address", ["127.0.0.1:70000", "127.0.0.1", "127.0.0.1:http", "no.invalid:1"]
)
def test_an_address_that_cannot_be_served_on_is_named(address):
    with pytest.raises(PumpjackError, match=address):
        StatusServer(address, CollectorRegistry(), lambda: None)
