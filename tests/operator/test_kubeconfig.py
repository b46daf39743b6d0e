"""The files with which the operator logs in where it is no pod."""

from __future__ import annotations

import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from pumpjack_cli.local.addresses import free_ports
from pumpjack_core.errors import SetupError
from pumpjack_operator.api import Api
from pumpjack_operator.api_errors import Unavailable
from pumpjack_operator.kinds import NAMESPACE
from pumpjack_operator.kubeconfig import from_kubeconfig
from tests.broker_certificates import BrokerCertificates

CLUSTER = {"server": "https://127.0.0.1:6443"}


def written(folder: Path, cluster: dict[str, object], user: dict[str, object] | None) -> Path:
    """A kubeconfig, as kubectl config makes one."""
    file = folder / "config"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "here",
        "clusters": [{"name": "other", "cluster": {"server": "https://other"}},
                     {"name": "field", "cluster": cluster}],
        "users": [{"name": "me", "user": user}] if user is not None else [],
        "contexts": [
            {"name": "here", "context": {"cluster": "field", "namespace": "wells"}
             | ({"user": "me"} if user is not None else {})},
        ],
    }  # fmt: skip
    file.write_bytes(msgspec.yaml.encode(content))
    return file


def test_the_current_context_names_the_cluster_and_the_user(tmp_path):
    login = from_kubeconfig(written(tmp_path, CLUSTER, {"token": "t0ken"}))
    assert login.server == "https://127.0.0.1:6443"
    assert login.headers() == {"Authorization": "Bearer t0ken"}
    assert login.tls is not None and login.tls.verify_mode is ssl.CERT_REQUIRED
    assert "t0ken" not in repr(login)


def test_a_file_with_a_token_is_read_beside_the_kubeconfig_and_again_each_time(tmp_path):
    (tmp_path / "token").write_text("first\n")
    login = from_kubeconfig(written(tmp_path, CLUSTER, {"tokenFile": "token"}))
    assert login.headers() == {"Authorization": "Bearer first"}
    (tmp_path / "token").write_text("second\n")
    assert login.headers() == {"Authorization": "Bearer second"}


def test_the_server_may_be_believed_unchecked_where_the_file_says_so(tmp_path):
    cluster = {**CLUSTER, "insecure-skip-tls-verify": True}
    login = from_kubeconfig(written(tmp_path, cluster, None))
    assert login.tls is not None and login.tls.verify_mode is ssl.CERT_NONE
    assert login.headers() == {}


def test_without_tls_there_is_none(tmp_path):
    assert from_kubeconfig(written(tmp_path, {"server": "http://127.0.0.1:8001"}, None)).tls is None


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"exec": {"command": "aws"}}, "made by a program, which is not run here"),
        ({"client-certificate-data": "???"}, "is no base64"),
        ({"client-certificate": "nowhere.pem"}, "nowhere.pem: No such file or directory"),
        ({"token": 7}, "is no kubeconfig: Expected `str`, got `int`"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, user, says):
    with pytest.raises(SetupError, match=r"config ") as told:
        from_kubeconfig(written(tmp_path, CLUSTER, user))
    assert says in str(told.value)


def test_a_context_that_is_not_there_is_said_with_those_that_are(tmp_path):
    file = written(tmp_path, CLUSTER, None)
    file.write_text(file.read_text().replace("current-context: here", "current-context: there"))
    with pytest.raises(SetupError, match=r"it has no context 'there'; it has here"):
        from_kubeconfig(file)


def test_a_file_that_is_no_yaml_is_refused_without_a_word_of_what_is_in_it(tmp_path):
    file = tmp_path / "config"
    file.write_text("users: [{token: s3cret")
    with pytest.raises(SetupError, match="it is no YAML") as told:
        from_kubeconfig(file)
    assert "s3cret" not in str(told.value) and told.value.__cause__ is None
    with pytest.raises(SetupError, match="No such file"):
        from_kubeconfig(tmp_path / "nowhere")


@pytest.mark.parametrize("within", [True, False], ids=["in the file", "in files beside it"])
async def test_a_client_certificate_proves_who_it_is_to_a_server_that_is_checked(tmp_path, within):
    made = BrokerCertificates(tmp_path / "certificates")
    pems = {
        "certificate-authority": made.ca,
        "client-certificate": made.client.certificate,
        "client-key": made.client.key,
    }
    given: dict[str, object] = (
        {f"{key}-data": base64.b64encode(file.read_bytes()).decode() for key, file in pems.items()}
        if within
        else {key: str(file.relative_to(tmp_path)) for key, file in pems.items()}
    )
    async with api_that_asks_for_certificates(made) as server:
        authority = {key: given.pop(key) for key in list(given) if key.startswith("certificate")}
        login = from_kubeconfig(written(tmp_path, {"server": server, **authority}, given))
        async with Api(login) as api:
            assert await api.get(NAMESPACE, None, "any") == {"path": "/api/v1/namespaces/any"}
        nobody = from_kubeconfig(written(tmp_path, {"server": server, **authority}, {}))
        async with Api(nobody) as api:
            with pytest.raises(Unavailable):
                await api.get(NAMESPACE, None, "any")
        unchecked = from_kubeconfig(written(tmp_path, {"server": server}, given))
        async with Api(unchecked) as api:
            with pytest.raises(Unavailable, match=r"self-signed|unable to get local issuer"):
                await api.get(NAMESPACE, None, "any")


@contextlib.asynccontextmanager
async def api_that_asks_for_certificates(made: BrokerCertificates) -> AsyncIterator[str]:
    """Answers with the path, to whom the authority has signed a certificate; yields its URL."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.ca))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(made.server.certificate, made.server.key)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"path": request.path})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield f"https://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
