"""An OPC UA server on one's own machine: asyncua's, with values that somebody else writes.

    nodes = {"ns=2;s=well-1.casing_pressure": SimulatedNode("float32", 812.0, path=("Well 1",))}
    async with SimulatedServer(nodes) as server:
        connect to server.url
        await server.write("ns=2;s=well-1.casing_pressure", 813.5)
        server.faults.items_per_call = 50       # and others, see Faults
        server.hang_up()                        # sessions live on
        await server.forget_sessions()

It listens on the loopback address unless told otherwise.
"""

# asyncua does not export what it offers, and its annotations are not what it takes.
# mypy: disable-error-code="attr-defined, arg-type, no-any-return, call-arg, assignment"
from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.server.history import HistoryDict
from asyncua.server.internal_server import InternalServer
from asyncua.server.user_managers import UserManager
from cryptography import x509

from pumpjack_core.clock import Clock, SystemClock
from pumpjack_core.errors import PumpjackError
from pumpjack_worker.adapters.opcua.certificates import Identity, kept_identity, make_identity
from pumpjack_worker.adapters.opcua.simulated_nodes import (
    NAMESPACE,
    SimulatedNode,
    lay_out,
    time_of,
    variant,
)
from pumpjack_worker.adapters.opcua.simulated_subscriptions import Faults, Subscriptions
from pumpjack_worker.adapters.opcua.simulated_writes import OnWrite, WriteFlaws, Writes

APPLICATION_URI = "urn:pumpjack:simulator"
GOOD = 0
_SECURITY = {
    ("None", "Basic256Sha256"): ua.SecurityPolicyType.NoSecurity,
    ("Sign", "Basic256Sha256"): ua.SecurityPolicyType.Basic256Sha256_Sign,
    ("SignAndEncrypt", "Basic256Sha256"): ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ("None", "Aes128Sha256RsaOaep"): ua.SecurityPolicyType.NoSecurity,
    ("Sign", "Aes128Sha256RsaOaep"): ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    (
        "SignAndEncrypt",
        "Aes128Sha256RsaOaep",
    ): ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ("None", "Aes256Sha256RsaPss"): ua.SecurityPolicyType.NoSecurity,
    ("Sign", "Aes256Sha256RsaPss"): ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    (
        "SignAndEncrypt",
        "Aes256Sha256RsaPss",
    ): ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}
_ITEMS_PER_CALL = ua.NodeId(
    ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall
)
_standard: dict[ua.NodeId, NodeData] = {}
"""The standard's own nodes; building them takes a second, copying them none."""


class _Users(UserManager):
    def __init__(self, users: Mapping[str, str] | None) -> None:
        self._users = users

    def get_user(
        self,
        iserver: InternalServer,  # noqa: ARG002
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,  # noqa: ARG002
    ) -> User | None:
        if self._users is None:
            return User(role=UserRole.User)
        if username is None or self._users.get(username) != password:
            return None
        return User(role=UserRole.User, name=username)


class _Space(InternalServer):
    async def load_standard_address_space(self, shelf_file: Path | None = None) -> None:
        if not _standard:
            await super().load_standard_address_space(shelf_file)
            _standard.update(_copies(map(self.aspace.get, self.aspace.keys())))
            return
        for node_id, data in _copies(_standard.values()).items():
            self.aspace[node_id] = data


def _copies(nodes: Any) -> dict[ua.NodeId, NodeData]:
    copies: dict[ua.NodeId, NodeData] = {}
    for node in nodes:
        data = NodeData(node.nodeid)
        data.references = list(node.references)
        data.attributes = {
            key: AttributeValue(attribute.value) for key, attribute in node.attributes.items()
        }
        data.call = node.call
        copies[node.nodeid] = data
    return copies


class SimulatedServer:
    """One server.

    nodes     node id (`ns=2;s=…`) to what it is; a pair of data type and first value will do
    port      0 takes a free one, see port
    security  what it offers: None, Sign, SignAndEncrypt
    folder    its certificate is kept there; None: a new one each time
    identity  its certificate, instead of one of its own making
    trusted   DER certificates of the clients that it lets in; None: all
    users     name to password; None: everybody, without a name
    announce_limits  whether it tells clients how many items a call may have
    namespaces       URIs of its namespaces from index 3 on
    history_kept     how many values of a node at least are kept for history; None: all
    faults    what is wrong with it at the moment
    write_flaws  what is wrong with its writes
    """

    def __init__(
        self,
        nodes: Mapping[str, SimulatedNode | tuple[str, Any]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        security: Sequence[str] = ("None",),
        policy: str = "Basic256Sha256",
        folder: Path | None = None,
        identity: Identity | None = None,
        trusted: Collection[bytes] | None = None,
        users: Mapping[str, str] | None = None,
        items_per_call: int | None = None,
        announce_limits: bool = True,
        namespaces: Sequence[str] = (),
        history_kept: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.nodes = {
            text: node if isinstance(node, SimulatedNode) else SimulatedNode(*node)
            for text, node in nodes.items()
        }
        self.host, self.port = host, port
        self.faults = Faults(items_per_call)
        self.write_flaws = WriteFlaws()
        self.identity = identity
        self.trusted = trusted
        self._announce = announce_limits
        self._namespaces = (NAMESPACE, *namespaces)
        self._history_kept = history_kept
        self._security, self._policy = security, policy
        self._folder = folder
        self._users = users
        self._clock = clock or SystemClock()
        self._ids: dict[str, ua.NodeId] = {}
        self._server: Server | None = None
        self._history = HistoryDict()

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"opc.tcp://{self.host}:{self.port}/pumpjack"

    async def __aenter__(self) -> Self:
        internal = _Space(user_manager=_Users(self._users))
        server = Server(internal)
        self._server = server
        internal.disabled_clock = True  # it would take a second to stop
        self._subscriptions = Subscriptions(internal, self.faults)
        internal.subscription_service = self._subscriptions
        internal.isession.subscription_service = self._subscriptions
        internal.certificate_validator = self._check_client
        await server.init()
        server.set_server_name("Pumpjack simulator")
        await server.set_application_uri(APPLICATION_URI)
        for uri in self._namespaces:
            await server.register_namespace(uri)
        server.set_endpoint(self.url)
        server.socket_address = (self.host, self.port)
        server.set_security_policy([_SECURITY[mode, self._policy] for mode in self._security])
        tokens = ua.AnonymousIdentityToken if self._users is None else ua.UserNameIdentityToken
        server.set_identity_tokens([tokens])
        if set(self._security) != {"None"}:
            self._take_identity(internal)
        lay_out(internal.aspace, self.nodes, self._clock.now_us())
        self._writes = Writes(internal.aspace, self.nodes, self.write_flaws)
        internal.attribute_service = self._writes
        self._ids = {text: ua.NodeId.from_string(text) for text in self.nodes}
        await self._keep_history(internal)
        if self._announce:
            limit = self.faults.items_per_call or 0
            at = internal.aspace[_ITEMS_PER_CALL].attributes[ua.AttributeIds.Value]
            at.value = ua.DataValue(ua.Variant(limit, ua.VariantType.UInt32))
        await self._listen(server)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.iserver.subscription_service.delete_subscriptions(
                list(self._subscriptions.subscriptions)
            )
            await server.stop()

    async def write(
        self,
        node: str,
        value: Any,
        *,
        status: int = GOOD,
        source_us: int | None = None,
        server_us: int | None = None,
        data_type: str | None = None,
    ) -> None:
        """Give a node another value, of its own type unless another is named.

        status     a StatusCode; with a bad one the value is sent all the same
        source_us  microseconds since the epoch, now unless given; -1: none
        server_us  likewise
        """
        now_us = self._clock.now_us()
        source = now_us if source_us is None else source_us
        server = now_us if server_us is None else server_us
        kind = data_type or self.nodes[node].data_type
        await self._put(
            node,
            ua.DataValue(
                ua.Variant() if value is None else variant(kind, value),
                StatusCode=ua.StatusCode(status),
                SourceTimestamp=None if source < 0 else time_of(source),
                ServerTimestamp=None if server < 0 else time_of(server),
            ),
        )

    async def write_all(self, values: Mapping[str, Any]) -> None:
        """Give many nodes another value, all at this time."""
        at = time_of(self._clock.now_us())
        for node, value in values.items():
            content = variant(self.nodes[node].data_type, value)
            await self._put(node, ua.DataValue(content, SourceTimestamp=at, ServerTimestamp=at))

    def add(self, nodes: Mapping[str, SimulatedNode]) -> None:
        """Nodes that appear while it runs."""
        lay_out(self._running.iserver.aspace, nodes, self._clock.now_us())
        self.nodes |= nodes
        self._ids |= {text: ua.NodeId.from_string(text) for text in nodes}

    def remember(self, node: str, value: Any, source_us: int) -> None:
        """Put a value into a node's history that nobody was told of live."""
        at = time_of(source_us)
        kept = ua.DataValue(
            variant(self.nodes[node].data_type, value), SourceTimestamp=at, ServerTimestamp=at
        )
        self._history._datachanges[self._ids[node]].append(kept)

    @property
    def written(self) -> list[tuple[str, Any]]:
        """What clients asked to have written, node and raw value, also what was not granted."""
        return self._writes.written

    def on_write(self, granting: OnWrite) -> None:
        """Have this decide what is taken of what clients write."""
        self._writes.on_write = granting

    @property
    def subscriptions(self) -> Subscriptions:
        """The live subscriptions."""
        return self._subscriptions

    def hang_up(self) -> None:
        """End all connections; sessions with subscriptions live on."""
        for transport in list(self._running.iserver.asyncio_transports):
            transport.abort()

    async def forget_sessions(self, *, keep_subscriptions: bool = False) -> None:
        """Forget all sessions, and their subscriptions unless these are kept; connections stay."""
        internal = self._running.iserver
        for session in list(internal._external_sessions.values()):
            await session.close_session(not keep_subscriptions)

    async def forget_subscriptions(self) -> None:
        """Forget all subscriptions; sessions stay."""
        await self._subscriptions.delete_subscriptions(list(self._subscriptions.subscriptions))

    async def end_subscriptions(self, status: int = ua.StatusCodes.BadTimeout) -> None:
        """End all subscriptions and tell the clients by a status change."""
        for number, subscription in list(self._subscriptions.subscriptions.items()):
            await subscription.enqueue_statuschange(ua.StatusCode(status))
            subscription._startup = True  # publish at the next turn
            await subscription.publish_results()
            await self._subscriptions.delete_subscriptions([number])

    @property
    def _running(self) -> Server:
        assert self._server is not None, "the server is not running"
        return self._server

    async def _put(self, node: str, value: ua.DataValue) -> None:
        """Set an attribute and tell who watches: without the checks of a client's Write."""
        node_id = self._ids[node]
        attribute = self._running.iserver.aspace[node_id].attributes[ua.AttributeIds.Value]
        attribute.value = value
        if self.nodes[node].history:
            kept = self._history._datachanges[node_id]
            kept.append(value)
            if self._history_kept is not None and len(kept) > 1.25 * self._history_kept:
                del kept[: -self._history_kept]
        for handle, callback in list(attribute.datachange_callbacks.items()):
            await callback(handle, value)

    def _take_identity(self, internal: InternalServer) -> None:
        if self.identity is None:
            hosts = sorted({self.host, "localhost"})
            name = "Pumpjack simulator"
            self.identity = (
                make_identity(name, APPLICATION_URI, hosts)
                if self._folder is None
                else kept_identity(self._folder, name, APPLICATION_URI, hosts)
            )
        internal.certificate, internal.private_key = self.identity.certificate, self.identity.key

    async def _check_client(
        self, certificate: x509.Certificate, _application: ua.ApplicationDescription
    ) -> None:
        known = {x509.load_der_x509_certificate(der) for der in self.trusted or ()}
        if self.trusted is not None and certificate not in known:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)

    async def _keep_history(self, internal: InternalServer) -> None:
        internal.history_manager.set_storage(self._history)
        for text, node in self.nodes.items():
            if node.history:
                await self._history.new_historized_node(
                    self._ids[text], datetime.timedelta(days=7), 0
                )

    async def _listen(self, server: Server) -> None:
        try:
            await server.start()
        except OSError as error:
            raise PumpjackError(
                f"cannot listen on {self.host}:{self.port} ({error.strerror}); stop the program "
                "that does, or choose another port"
            ) from error
        assert server.bserver is not None
        self.port = server.bserver.port
