"""An admission webhook that a test answers: who may refuse what the operator makes."""

from __future__ import annotations

import base64
import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.broker_certificates import BrokerCertificates

PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NAME = "policy.example.com"


class Webhook:
    """Refuses every object that it is asked about while words are set.

    words   what it says then, None to allow
    code    HTTP status of the refusal, as webhooks choose it
    refused names of the objects that it refused
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.words: str | None = None
        self.code = 403
        self.refused: list[str] = []

    def answer(self, review: dict[str, Any]) -> dict[str, Any]:
        """The answer to an AdmissionReview."""
        asked = review["request"]
        response: dict[str, Any] = {"uid": asked["uid"], "allowed": self.words is None}
        if self.words is not None:
            self.refused.append(asked["name"])
            response["status"] = {"message": self.words, "code": self.code}
        return {**review, "response": response}


@contextlib.contextmanager
def webhook(folder: Path) -> Iterator[Webhook]:
    """A webhook on the loopback address, with TLS; its authority is in folder."""
    certificates = BrokerCertificates(folder)
    found: list[Webhook] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            content = msgspec.json.encode(found[0].answer(msgspec.json.decode(asked)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server.certificate, certificates.server.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found.append(Webhook(server.server_port))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found[0]
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def asked(
    client: httpx.Client, namespace: str, resource: str, port: int, folder: Path
) -> Iterator[None]:
    """Have the API server ask a webhook at this port about a resource of a namespace."""
    group, _, plural = resource.rpartition("/")
    authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()
    one = {
        "name": NAME,
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": authority},
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": ["v1"],
                "resources": [plural],
                "operations": ["CREATE", "UPDATE"],
            }
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "timeoutSeconds": 2,
    }
    configuration = {"metadata": {"name": f"policy-of-{namespace}"}, "webhooks": [one]}
    client.post(PATH, json=configuration).raise_for_status()
    try:
        yield
    finally:
        client.delete(f"{PATH}/policy-of-{namespace}").raise_for_status()
