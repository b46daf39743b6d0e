"""`python -m pumpjack_gateway`, as whoever runs it sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pumpjack_cli.local.addresses import free_ports
from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_gateway.main import main
from tests.gateway.conftest import NO_DATABASE
from tests.gateway.screens import SECRET, token

pytestmark = pytest.mark.servers


def environment(redis_url: str) -> dict[str, str]:
    return {
        "PUMPJACK_DATABASE_URL": NO_DATABASE,
        "PUMPJACK_REDIS_URL": redis_url,
        "PUMPJACK_JWT_SECRET": SECRET,
        "PUMPJACK_REST_ADDRESS": "127.0.0.1:0",
        "PUMPJACK_WS_ADDRESS": "127.0.0.1:0",
    }


@asynccontextmanager
async def program(valkey: EmbeddedValkey, **changes: str) -> AsyncIterator[Process]:
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("PUMPJACK_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pumpjack_gateway",
        env=inherited | environment(valkey.url) | changes,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: Process, words: str) -> str:
    """Everything on stderr up to a line with these words."""
    assert process.stderr is not None
    text = ""
    async with asyncio.timeout(30):
        while words not in text and (line := await process.stderr.readline()):
            text += line.decode()
    return text


async def ended(process: Process) -> tuple[int, str]:
    """Exit code and everything on stderr."""
    async with asyncio.timeout(30):
        _, text = await process.communicate()
    assert process.returncode is not None
    return process.returncode, text.decode()


@pytest.mark.parametrize("variable", ["PUMPJACK_REST_ADDRESS", "PUMPJACK_WS_ADDRESS"])
async def test_a_busy_port_is_a_sentence_and_exit_code_1(
    valkey: EmbeddedValkey, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        async with program(valkey, **{variable: where}) as process:
            code, text = await ended(process)
    assert code == 1
    assert f"cannot listen on {where}" in text
    assert "Traceback" not in text


WRONG = {
    "a misspelt setting": ({"PUMPJACK_WS_ADRESS": "x:1"}, "is PUMPJACK_WS_ADDRESS meant"),
    "a short secret": ({"PUMPJACK_JWT_SECRET": "short"}, "at least 32"),
    "a Redis that is none": ({"PUMPJACK_REDIS_URL": "http://x"}, "PUMPJACK_REDIS_URL"),
    "a certificate that is not there": (
        {"PUMPJACK_TLS_CERT_FILE": "/none", "PUMPJACK_TLS_KEY_FILE": "/none"},
        "PUMPJACK_TLS_CERT_FILE",
    ),
    "a database that is none": ({"PUMPJACK_DATABASE_URL": "mysql://x"}, "PUMPJACK_DATABASE_URL"),
    "a level of logs that is none": ({"PUMPJACK_LOG_LEVEL": "LOUD"}, "PUMPJACK_LOG_LEVEL"),
}


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_a_sentence_and_exit_code_1(
    changes: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith("PUMPJACK_")]:
        monkeypatch.delenv(name)
    for name, value in (environment("unix:///nowhere") | changes).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("pumpjack_core.log.configure", lambda **_: None)
    assert main() == 1
    text = capsys.readouterr().err
    assert text.startswith("pumpjack gateway: ")
    assert words in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_told_to_stop_it_closes_its_clients_and_ends_well(
    valkey: EmbeddedValkey, number: signal.Signals
) -> None:
    port = free_ports(1)[0]
    async with program(valkey, PUMPJACK_WS_ADDRESS=f"127.0.0.1:{port}") as process:
        assert "serving" in await said(process, "serving")
        headers = {"Authorization": f"Bearer {token()}"}
        async with connect(f"ws://127.0.0.1:{port}", additional_headers=headers) as client:
            await client.recv()
            process.send_signal(number)
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        code, text = await ended(process)
    assert code == 0
    assert "Traceback" not in text


async def test_no_token_is_in_the_log(valkey: EmbeddedValkey) -> None:
    port = free_ports(1)[0]
    secret = token()
    changes = {
        "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{port}",
        "PUMPJACK_LOG_LEVEL": "DEBUG",
        "PUMPJACK_TOKEN_IN_URL": "true",
    }
    async with program(valkey, **changes) as process:
        await said(process, "serving")
        async with connect(f"ws://127.0.0.1:{port}/?token={secret}") as client:
            await client.recv()
        process.send_signal(signal.SIGTERM)
        _, text = await ended(process)
    for part in secret.split("."):
        assert part not in text


async def test_with_a_certificate_it_serves_wss_and_https(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    import httpx

    certificate, key = self_signed(tmp_path)
    live, rest = free_ports(2)
    changes = {
        "PUMPJACK_WS_ADDRESS": f"127.0.0.1:{live}",
        "PUMPJACK_REST_ADDRESS": f"127.0.0.1:{rest}",
        "PUMPJACK_TLS_CERT_FILE": str(certificate),
        "PUMPJACK_TLS_KEY_FILE": str(key),
    }
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with program(valkey, **changes) as process:
        await said(process, "serving")
        headers = {"Authorization": f"Bearer {token()}"}
        async with connect(
            f"wss://localhost:{live}", ssl=trusting, additional_headers=headers
        ) as client:
            assert '"connected"' in str(await client.recv())
        async with httpx.AsyncClient(verify=trusting, timeout=60) as browser:
            answer = await browser.get(f"https://localhost:{rest}/healthz")
            assert answer.json() == {"ok": True}
            assert "strict-transport-security" in answer.headers


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


async def test_no_log_holds_a_token_that_came_in_an_address(valkey: EmbeddedValkey) -> None:
    (port,) = free_ports(1)
    secret = token()
    here = {"PUMPJACK_REST_ADDRESS": f"127.0.0.1:{port}", "PUMPJACK_LOG_LEVEL": "DEBUG"}
    async with program(valkey, **here) as process:
        text = await said(process, "serving")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await until_it_answers(client)
            for path in ("/", "/sign-in", "/wells/x", "/nothing.txt", "/api/scada/me"):
                await client.get(path, params={"token": secret, "code": secret})
            await client.get("/api/scada/me", headers={"Authorization": f"Bearer {secret}x"})
        process.send_signal(signal.SIGTERM)
        code, rest = await ended(process)
    assert code == 0
    assert secret not in text + rest


async def until_it_answers(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await client.get("/healthz")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
