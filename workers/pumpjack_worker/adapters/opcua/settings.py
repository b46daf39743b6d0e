"""Where a server is and how to talk to it."""

from __future__ import annotations

from msgspec import Struct

from pumpjack_core.manifests.types import Opcua
from pumpjack_core.networks import Network, endpoint
from pumpjack_core.units import seconds
from pumpjack_worker.adapters.opcua.endpoints import host_and_port


class Settings(Struct, frozen=True):
    """Where the server is and how to talk to it."""

    host: str
    port: int
    spec: Opcua
    networks: tuple[Network, ...]
    timeout_s: float
    application: str
    application_uri: str

    @property
    def peer(self) -> str:
        """Host and port for messages."""
        return endpoint(self.host, self.port)


def settings_of(
    spec: Opcua, networks: tuple[Network, ...], connection_id: str, tenant_id: str
) -> Settings:
    """Raises ManifestError for an endpoint that names no host."""
    host, port = host_and_port(spec.endpoint)
    return Settings(
        host,
        port,
        spec,
        networks,
        seconds(spec.timeout),
        f"Pumpjack {connection_id}",
        f"urn:pumpjack:{tenant_id}:{connection_id.replace('/', ':')}",
    )
