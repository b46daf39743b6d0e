"""Getting in: security, certificates, trust, users, and what is said of them."""

from __future__ import annotations

import copy
import datetime
import logging
import shutil
import stat
import struct
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from asyncua.crypto import uacrypto
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pumpjack_core.errors import NotConnected
from pumpjack_core.tags import Tag
from pumpjack_worker.adapters.contract import Step, Surroundings
from pumpjack_worker.adapters.opcua import certificates, channel
from pumpjack_worker.adapters.opcua.certificates import (
    Identity,
    kept_identity,
    make_identity,
    private_pem,
    thumbprint,
)
from pumpjack_worker.adapters.opcua.endpoints import NO_POLICY
from pumpjack_worker.adapters.opcua.simulated_server import APPLICATION_URI, SimulatedServer
from tests.faults import FaultProxy
from tests.workers.adapters.opcua.reading import read_until, read_until_lost, reconnect
from tests.workers.adapters.opcua.rig import INTERVAL_S, SimulatedRig

NODE = "ns=2;s=well-1.pressure"
TAG = Tag("w1", "pressure", NODE, "float64", INTERVAL_S)
USER, PASSWORD = "field-operator", "pa55-w0rd-of-the-pad"
HOSTS = ("127.0.0.1", "localhost")
POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")

Serve = Callable[..., AbstractAsyncContextManager[SimulatedRig]]


@pytest.fixture(scope="module")
def identity() -> Identity:
    return make_identity("PLC of pad 7", APPLICATION_URI, HOSTS)


@pytest.fixture
def serve(tmp_path: Path, identity: Identity) -> Serve:
    """A server behind a proxy; the Secret and the state are folders of tmp_path."""

    @asynccontextmanager
    async def serving(**how: Any) -> AsyncIterator[SimulatedRig]:
        how = {"identity": identity, "security": ("None",), **how}
        secrets = tmp_path / "secret"
        secrets.mkdir(exist_ok=True)
        async with SimulatedServer({NODE: ("float64", 812.0)}, **how) as server:
            async with FaultProxy(("127.0.0.1", server.port)) as proxy:
                rig = SimulatedRig(server, proxy, Surroundings(secrets, tmp_path / "state"))
                yield rig

    return serving


def secret(rig: SimulatedRig, **files: str | bytes) -> None:
    """Put files into the Secret; a dot is written __."""
    assert rig.surroundings.secrets is not None
    for name, content in files.items():
        path = rig.surroundings.secrets / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def pki(rig: SimulatedRig) -> Path:
    assert rig.surroundings.state is not None
    return rig.surroundings.state / "pki"


async def read_one(rig: SimulatedRig, **settings: Any) -> tuple[float, tuple[str, ...]]:
    """The value of the tag, and the problems."""
    adapter = rig.make(TAG, connection=rig.connection(**settings))
    try:
        await adapter.connect()
        seen = await read_until(adapter, lambda seen: bool(seen.rows))
        return seen.rows[0].value, adapter.problems
    finally:
        await adapter.close()


async def refused(rig: SimulatedRig, **settings: Any) -> NotConnected:
    """Why it cannot connect."""
    adapter = rig.make(TAG, connection=rig.connection(**settings))
    with pytest.raises(NotConnected) as caught:
        await adapter.connect()
    await adapter.close()
    assert str(rig.proxy.port) in str(caught.value)
    return caught.value


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_every_security_is_spoken(
    serve: Serve, identity: Identity, mode: str, policy: str
) -> None:
    async with serve(security=(mode,), policy=policy, users={USER: PASSWORD}) as rig:
        secret(rig, ca__crt=pem(identity.certificate), username=USER, password=PASSWORD + "\n")
        value, problems = await read_one(rig, security=mode, security_policy=policy)
    assert value == 812.0
    assert problems == ()


async def test_values_are_not_readable_on_the_wire_when_they_are_encrypted(
    serve: Serve, identity: Identity
) -> None:
    async with serve(security=("SignAndEncrypt",)) as rig:
        secret(rig, ca__crt=pem(identity.certificate))
        seen = bytearray()
        original = rig.proxy._carry

        async def carry(source: Any, sink: Any, *, answers: bool) -> None:
            read = source.read

            async def spying(limit: int) -> bytes:
                piece: bytes = await read(limit)
                seen.extend(piece)
                return piece

            source.read = spying
            await original(source, sink, answers=answers)

        rig.proxy._carry = carry  # type: ignore[method-assign]
        await read_one(rig, security="SignAndEncrypt")
    assert b"Basic256Sha256" in seen
    assert b"pressure" not in seen


async def test_an_unknown_server_is_refused_kept_and_can_be_trusted(
    serve: Serve, identity: Identity
) -> None:
    async with serve(security=("Sign",)) as rig:
        error = await refused(rig, security="Sign")
        shown = pki(rig) / "rejected" / f"{thumbprint(identity.der)}.der"
        assert error.reason == "Untrusted"
        for told in ("PLC of pad 7", thumbprint(identity.der), "SHA-256", str(shown), "ca.crt"):
            assert told in str(error)
        assert shown.read_bytes() == identity.der
        shutil.move(shown, pki(rig) / "trusted")
        assert (await read_one(rig, security="Sign"))[0] == 812.0


async def test_a_server_is_trusted_by_its_authority(serve: Serve) -> None:
    authority, issued = issued_identity()
    async with serve(security=("Sign",), identity=issued) as rig:
        secret(rig, ca__crt=pem(authority.certificate))
        assert (await read_one(rig, security="Sign"))[0] == 812.0


async def test_an_authority_of_the_same_name_is_not_the_same_authority(serve: Serve) -> None:
    _authority, issued = issued_identity()
    impostor, _ = issued_identity()
    async with serve(security=("Sign",), identity=issued) as rig:
        secret(rig, ca__crt=pem(impostor.certificate))
        assert (await refused(rig, security="Sign")).reason == "Untrusted"


async def test_a_certificate_that_is_no_authority_cannot_make_another_trusted(
    serve: Serve,
) -> None:
    authority, issued = issued_identity(is_authority=False)
    async with serve(security=("Sign",), identity=issued) as rig:
        secret(rig, ca__crt=pem(authority.certificate))
        assert (await refused(rig, security="Sign")).reason == "Untrusted"


@pytest.mark.parametrize("begins_in_days", [-30, 10], ids=["expired", "not valid yet"])
async def test_a_server_certificate_that_is_not_valid_now_is_told(
    serve: Serve, begins_in_days: int
) -> None:
    begins = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=begins_in_days)
    old = make_identity("PLC", APPLICATION_URI, HOSTS, valid_from=begins, days=20)
    async with serve(security=("Sign",), identity=old) as rig:
        secret(rig, ca__crt=pem(old.certificate))
        error = await refused(rig, security="Sign")
    assert error.reason == "Expired"
    assert f"{old.certificate.not_valid_after_utc:%Y-%m-%d}" in str(error)


async def test_what_is_odd_about_a_trusted_certificate_is_a_problem_to_be_told(
    serve: Serve,
) -> None:
    odd = make_identity("PLC", "urn:somebody:else", ("plc-9.example",), days=10)
    async with serve(security=("Sign",), identity=odd) as rig:
        secret(rig, ca__crt=pem(odd.certificate))
        value, problems = await read_one(rig, security="Sign")
    assert value == 812.0
    told = "\n".join(problems)
    assert "expires on" in told
    assert "another application" in told
    assert "plc-9.example" in told


async def test_a_server_that_does_not_trust_us_is_told_with_the_way_out(
    serve: Serve, identity: Identity
) -> None:
    async with serve(security=("Sign",), trusted=[]) as rig:
        secret(rig, ca__crt=pem(identity.certificate))
        error = await refused(rig, security="Sign")
        own = pki(rig) / "own.pem"
        ours = x509.load_pem_x509_certificate(own.read_bytes()).public_bytes(Encoding.DER)
        assert error.reason == "Untrusted"
        assert str(own) in str(error)
        assert thumbprint(ours) in str(error)
        rig.server.trusted = [ours]
        assert (await read_one(rig, security="Sign"))[0] == 812.0


async def test_our_own_certificate_is_made_once_and_its_key_is_ours_alone(
    serve: Serve, identity: Identity
) -> None:
    async with serve(security=("Sign",)) as rig:
        secret(rig, ca__crt=pem(identity.certificate))
        await read_one(rig, security="Sign")
        first = (pki(rig) / "own.pem").read_bytes()
        await read_one(rig, security="Sign")
        assert (pki(rig) / "own.pem").read_bytes() == first
        assert stat.S_IMODE((pki(rig) / "own.key").stat().st_mode) == 0o600


async def test_a_certificate_of_the_secret_is_used_instead_of_our_own(
    serve: Serve, identity: Identity
) -> None:
    given = make_identity("pumpjack", "urn:operator:pumpjack")
    async with serve(security=("SignAndEncrypt",), trusted=[given.der]) as rig:
        secret(
            rig,
            ca__crt=pem(identity.certificate),
            tls__crt=pem(given.certificate),
            tls__key=private_pem(given.key),
        )
        value, _ = await read_one(rig, security="SignAndEncrypt")
        assert value == 812.0
        assert not (pki(rig) / "own.key").exists()


async def test_a_security_that_is_not_offered_is_told_with_those_that_are(serve: Serve) -> None:
    async with serve(security=("None", "Sign")) as rig:
        error = await refused(rig, security="SignAndEncrypt")
    assert error.reason == "NoEndpoint"
    assert "SignAndEncrypt with Basic256Sha256" in str(error)
    assert "None, Sign with Basic256Sha256" in str(error)


@pytest.mark.parametrize(
    ("username", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (None, None)]
)
async def test_a_refused_login_is_told(
    serve: Serve, username: str | None, password: str | None
) -> None:
    async with serve(security=("None", "SignAndEncrypt"), users={USER: PASSWORD}) as rig:
        if username is not None:
            secret(rig, username=username, password=password or "")
        error = await refused(rig, security="None")
    assert error.reason == "LoginRefused"
    assert "Secret" in str(error)


async def test_a_login_that_the_server_does_not_take_is_told(serve: Serve) -> None:
    async with serve() as rig:
        secret(rig, username=USER, password=PASSWORD)
        error = await refused(rig, security="None")
    assert error.reason == "LoginRefused"
    assert PASSWORD not in str(error)


async def test_a_password_that_goes_unencrypted_is_a_problem_to_be_told(serve: Serve) -> None:
    async with serve(users={USER: PASSWORD}) as rig:
        secret(rig, username=USER, password=PASSWORD)
        value, problems = await read_one(rig, security="None")
    assert value == 812.0
    assert any("unencrypted" in one for one in problems)


async def test_a_password_is_encrypted_with_the_servers_certificate_without_a_secure_channel(
    serve: Serve,
) -> None:
    async with serve(security=("None", "SignAndEncrypt"), users={USER: PASSWORD}) as rig:
        secret(rig, username=USER, password=PASSWORD)
        value, problems = await read_one(rig, security="None")
    assert value == 812.0
    assert problems == ()


@pytest.mark.parametrize("security", ["None", "SignAndEncrypt"])
async def test_no_credentials_are_logged(
    serve: Serve, identity: Identity, caplog: pytest.LogCaptureFixture, security: str
) -> None:
    """Neither by us nor by asyncua, even when everything is logged."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("asyncua"):
            caplog.set_level(logging.DEBUG, logger=name)
    async with serve(security=("None", "SignAndEncrypt"), users={USER: PASSWORD}) as rig:
        secret(rig, ca__crt=pem(identity.certificate), username=USER, password=PASSWORD)
        with structlog.testing.capture_logs() as ours:
            await read_one(rig, security=security)
            secret(rig, password="wr0ng-" + PASSWORD)
            error = await refused(rig, security=security)
        own_key = (pki(rig) / "own.key").read_text() if security != "None" else ""
    client = [r.getMessage() for r in caplog.records if not r.name.startswith("asyncua.server")]
    everything = "\n".join((*client, str(ours), str(error)))
    assert PASSWORD not in everything
    if own_key:
        assert own_key.splitlines()[1] not in everything


async def test_each_step_of_connecting_is_told_in_its_order(
    serve: Serve, identity: Identity
) -> None:
    steps: list[Step] = []
    async with serve(security=("Sign",)) as rig:
        secret(rig, ca__crt=pem(identity.certificate))
        told = Surroundings(rig.surroundings.secrets, rig.surroundings.state, on_step=steps.append)
        rig._surroundings = told
        await read_one(rig, security="Sign")
    assert steps == ["resolve", "connect", "secure", "login", "subscribe"]


async def test_a_half_secret_is_told(serve: Serve) -> None:
    async with serve() as rig:
        secret(rig, tls__crt=b"-----BEGIN CERTIFICATE-----")
        adapter = rig.make(TAG)
        with pytest.raises(NotConnected) as caught:
            await adapter.connect()
        await adapter.close()
    assert caught.value.reason == "Credentials"


@pytest.mark.parametrize("whose", ["the server's", "ours"])
async def test_a_key_that_is_too_short_is_refused(
    serve: Serve, identity: Identity, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "KEY_BITS", 1_024)
        weak = make_identity("PLC of 2005", APPLICATION_URI, HOSTS)
    theirs = weak if whose == "the server's" else identity
    async with serve(security=("SignAndEncrypt",), identity=theirs) as rig:
        secret(rig, ca__crt=pem(theirs.certificate))
        if whose == "ours":
            secret(rig, tls__crt=pem(weak.certificate), tls__key=private_pem(weak.key))
        adapter = rig.make(TAG, connection=rig.connection(security="SignAndEncrypt"))
        with pytest.raises(NotConnected, match="1024 bits") as caught:
            await adapter.connect()
        await adapter.close()
    assert caught.value.reason == ("Untrusted" if theirs is weak else "Credentials")


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_password_longer_than_a_block_of_rsa_is_encrypted_in_several(
    serve: Serve, identity: Identity, policy: str
) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9." * 25
    async with serve(security=("Sign",), policy=policy, users={USER: token}) as rig:
        decrypt_in_blocks(rig.server)
        secret(rig, ca__crt=pem(identity.certificate), username=USER, password=token)
        value, _ = await read_one(rig, security="Sign", security_policy=policy)
    assert value == 812.0


def spy(rig: SimulatedRig, change: Callable[[bytes, bool], bytes]) -> None:
    """What goes over the wire, by piece and whether the server sent it, as somebody changes it."""
    original = rig.proxy._carry

    async def carry(source: Any, sink: Any, *, answers: bool) -> None:
        read = source.read

        async def changed(limit: int) -> bytes:
            return change(await read(limit), answers)

        source.read = changed
        await original(source, sink, answers=answers)

    rig.proxy._carry = carry  # type: ignore[method-assign]


async def test_nobody_on_the_way_can_have_the_password_sent_in_plain(
    serve: Serve, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What GetEndpoints answers is not signed: it is compared with what the session says."""
    async with serve(security=("Sign",), users={USER: PASSWORD}) as rig:
        internal = rig.server._running.iserver
        honest = internal.get_endpoints
        asked = 0

        async def lying(*args: Any, **more: Any) -> Any:
            nonlocal asked
            asked += 1
            offered = copy.deepcopy(await honest(*args, **more))
            if asked == 1:
                for endpoint in offered:
                    for way in endpoint.UserIdentityTokens:
                        way.SecurityPolicyUri = NO_POLICY.URI
            return offered

        monkeypatch.setattr(internal, "get_endpoints", lying)
        sent = bytearray()

        def listen(piece: bytes, is_answer: bool) -> bytes:
            sent.extend(b"" if is_answer else piece)
            return piece

        spy(rig, listen)
        secret(rig, ca__crt=pem(identity.certificate), username=USER, password=PASSWORD)
        value, problems = await read_one(rig, security="Sign")
    assert asked == 2
    assert value == 812.0
    assert USER.encode() in sent
    assert PASSWORD.encode() not in sent
    assert problems == ()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_a_value_that_was_changed_on_the_way_is_not_believed(
    serve: Serve, identity: Identity, mode: str, policy: str
) -> None:
    real, forged = struct.pack("<d", 813.25), struct.pack("<d", 99.5)
    changed = 0

    async with serve(security=(mode,), policy=policy) as rig:
        forging = False

        def forge(piece: bytes, is_answer: bool) -> bytes:
            nonlocal changed
            if not (forging and is_answer and piece):
                return piece
            if mode == "Sign" and real not in piece:
                return piece
            changed += 1
            if mode == "Sign":
                return piece.replace(real, forged)
            return piece[:-60] + bytes([piece[-60] ^ 1]) + piece[-59:]

        spy(rig, forge)
        secret(rig, ca__crt=pem(identity.certificate))
        adapter = rig.make(TAG, connection=rig.connection(security=mode, security_policy=policy))
        await adapter.connect()
        seen = await read_until(adapter, lambda seen: bool(seen.rows))
        forging = True
        await rig.server.write(NODE, 813.25)
        error = await read_until_lost(adapter, seen)
        await adapter.close()
    assert changed
    assert error.reason == "Garbled"
    assert seen.values("pressure") == [812.0]


def test_workers_that_share_a_state_folder_share_one_certificate(tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def begin() -> Identity:
        start.wait()
        return kept_identity(tmp_path / "pki", "worker", "urn:worker")

    with ThreadPoolExecutor(4) as pool:
        made = [one.result() for one in [pool.submit(begin) for _ in range(4)]]
    kept = kept_identity(tmp_path / "pki", "worker", "urn:worker")
    assert {one.der for one in made} == {kept.der}


def test_what_a_crash_left_behind_does_not_open_the_new_key_to_others(tmp_path: Path) -> None:
    left = tmp_path / "own.key.part"
    left.write_bytes(b"half")
    left.chmod(0o644)
    kept_identity(tmp_path, "worker", "urn:worker")
    assert stat.S_IMODE((tmp_path / "own.key").stat().st_mode) == 0o600


def decrypt_in_blocks(server: SimulatedServer) -> None:
    """asyncua's server (2.1) reads a password of one block only."""
    internal = server._running.iserver

    def decrypted(_session: Any, token: Any, *_: Any) -> tuple[str, str]:
        assert internal.private_key is not None
        sha256 = "Aes256" in server._policy
        open_block = uacrypto.decrypt_rsa_oaep_sha256 if sha256 else uacrypto.decrypt_rsa_oaep
        raw = b"".join(
            open_block(internal.private_key, token.Password[at : at + 256])
            for at in range(0, len(token.Password), 256)
        )
        length = int.from_bytes(raw[:4], "little") - 32
        return token.UserName, raw[4 : 4 + length].decode()

    internal.decrypt_user_token = decrypted


def issued_identity(*, is_authority: bool = True) -> tuple[Identity, Identity]:
    """An authority, and a server's identity that it issued."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the field")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = Identity(certificate, key)
    template = make_identity("PLC", APPLICATION_URI, HOSTS)
    builder = (
        x509.CertificateBuilder()
        .subject_name(template.certificate.subject)
        .issuer_name(name)
        .public_key(template.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=200))
    )
    for extension in template.certificate.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, extension.critical)
    return authority, Identity(builder.sign(key, hashes.SHA256()), template.key)


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_new_keys_take_over_without_losing_a_value(
    serve: Serve, identity: Identity, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(channel, "LIFETIME_MS", 400)
    renewals: list[None] = []
    renew = channel.Channel.renew

    async def counting(self: channel.Channel) -> None:
        await renew(self)
        renewals.append(None)

    monkeypatch.setattr(channel.Channel, "renew", counting)
    async with serve(security=(mode,)) as rig:
        secret(rig, ca__crt=pem(identity.certificate))
        adapter = rig.make(TAG, connection=rig.connection(security=mode))
        await adapter.connect()
        seen = await read_until(adapter, lambda seen: bool(seen.rows))
        value = 812.0
        while len(renewals) < 3:
            value += 1.0
            await rig.server.write(NODE, value)
            await read_until(adapter, lambda seen, value=value: seen.has("pressure", value), seen)
        await adapter.close()
    assert seen.values("pressure") == [float(at) for at in range(812, int(value) + 1)]


@pytest.mark.parametrize("security", ["None", "SignAndEncrypt"])
async def test_a_server_that_was_replaced_is_found_and_read_again(
    serve: Serve, identity: Identity, security: str
) -> None:
    """Its new certificate is trusted too; the old session means nothing to it."""
    renewed = make_identity("PLC of pad 7, renewed", APPLICATION_URI, HOSTS)
    async with serve(security=(security,)) as rig:
        secret(rig, ca__crt=pem(identity.certificate) + pem(renewed.certificate))
        quick = {**rig.quick, "timeout": "2s"}
        adapter = rig.make(TAG, connection=rig.connection(**quick, security=security))
        await adapter.connect()
        await read_until(adapter, lambda seen: bool(seen.rows))
        port = rig.server.port
        await rig.server.__aexit__()
        await read_until_lost(adapter)
        replaced = SimulatedServer(
            {NODE: ("float64", 55.0)}, port=port, security=(security,), identity=renewed
        )
        async with replaced:
            await reconnect(adapter)
            seen = await read_until(adapter, lambda seen: seen.has("pressure", 55.0))
            await adapter.close()
    assert seen.values("pressure") == [55.0]
