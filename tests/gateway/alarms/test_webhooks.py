"""A webhook that takes events, one that does not, and one that must not be reached."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pumpjack_cli.stores import EmbeddedValkey
from pumpjack_core.errors import ManifestError
from pumpjack_gateway.alarms import couriers
from pumpjack_gateway.alarms.delivery import NotTaken, post
from pumpjack_gateway.alarms.webhooks import Webhook, parse_webhooks
from pumpjack_gateway.main import Gateway
from tests.gateway.alarms.api import person
from tests.gateway.alarms.field import Field
from tests.gateway.conftest import running
from tests.gateway.databases import Database

SECRET = "the secret of a webhook, long enough"
WAIT_S = 30.0


class Pager:
    """An HTTP server that takes what it is told to take."""

    def __init__(self) -> None:
        self.status = 204
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.came = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hooks/pj?key=abc"

    async def __aenter__(self) -> Pager:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        headers["request"] = head[0]
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, body))
        writer.write(b"HTTP/1.1 %d Fine\r\nContent-Length: 0\r\n\r\n" % self.status)
        await writer.drain()
        writer.close()
        self.came.set()

    async def until(self, number: int) -> None:
        """Until so many requests came."""
        async with asyncio.timeout(WAIT_S):
            while len(self.requests) < number:
                self.came.clear()
                await self.came.wait()

    async def events(self, number: int) -> list[dict[str, Any]]:
        """The first events that were sent, once there are so many; repeated ones once."""
        async with asyncio.timeout(WAIT_S):
            while True:
                found: dict[int, dict[str, Any]] = {}
                for _, body in self.requests:
                    for event in json.loads(body)["events"]:
                        found.setdefault(event["eventNo"], event)
                if len(found) >= number:
                    return list(found.values())
                self.came.clear()
                await self.came.wait()


def hook(url: str, tenant: str = "permian", **changes: Any) -> dict[str, Any]:
    given = {
        "tenant": tenant,
        "name": "pager",
        "url": url,
        "secret": SECRET,
        "networks": ["127.0.0.0/8"],
    }
    return given | changes


@asynccontextmanager
async def sending(
    field: Field, valkey: EmbeddedValkey, *hooks: dict[str, Any]
) -> AsyncIterator[Gateway]:
    """A gateway whose webhooks have begun: what happens from now on is sent."""
    text = json.dumps(hooks)
    async with running(valkey.url, field.database.gateway_url, webhooks=text) as gateway:
        async with asyncio.timeout(WAIT_S):
            while len(
                await field.database.ask(
                    "SELECT FROM pumpjack.webhook WHERE tenant_id = $1", field.tenant
                )
            ) < len(hooks):
                await asyncio.sleep(0.05)
        yield gateway


@pytest.mark.servers
async def test_events_are_sent_signed_in_order_with_the_words_of_their_alarm(
    field: Field, valkey: EmbeddedValkey
) -> None:
    await field.set(True, "hihi")  # before there was a webhook
    async with Pager() as pager, sending(field, valkey, hook(pager.url, field.tenant)) as gateway:
        alarm = await field.set(True, "hi")
        async with person(gateway, field.tenant) as ann:
            await ann.act("acknowledge", alarm, comment="seen")
            await ann.act("shelve", alarm, reason="not of its kinds", minutes=5)
        await field.set(False, "hihi")
        events = await pager.events(3)
        kinds = [(one["eventNo"], one["kind"]) for one in events]
        assert kinds == [(2, "raised"), (3, "acknowledged"), (5, "returned")]
        assert events[0]["message"] == "Tubing pressure high"
        assert (events[0]["consequence"], events[0]["unit"]) == ("The valve lifts", "psi")
        assert (events[1]["actor"], events[1]["comment"]) == ("ann", "seen")
        headers, body = pager.requests[0]
        assert headers["request"] == "POST /hooks/pj?key=abc HTTP/1.1"
        told = json.loads(body)
        assert (told["tenantId"], told["webhook"]) == (field.tenant, "pager")
        at, mac = (part.split("=")[1] for part in headers["pumpjack-signature"].split(","))
        expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        assert mac == expected


@pytest.mark.servers
async def test_a_webhook_that_is_down_gets_everything_later_in_order_also_after_a_restart(
    field: Field, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "RETRY_MOST_S", 0.2)
    async with Pager() as pager:
        pager.status = 503
        async with sending(field, valkey, hook(pager.url, field.tenant)) as gateway:
            for active in (True, False, True):
                await field.set(active)
            await pager.until(3)
            text = gateway.metrics.text().decode()
            assert f'reason="http_503",tenant_id="{field.tenant}",webhook="pager"' in text
            assert f'scada_webhook_events_total{{tenant_id="{field.tenant}"' not in text
        refused = len(pager.requests)
        pager.status = 200
        async with sending(field, valkey, hook(pager.url, field.tenant)):
            await pager.until(refused + 1)
            del pager.requests[:refused]
            assert [one["eventNo"] for one in await pager.events(3)] == [1, 2, 3]
            await field.set(False)
            assert [one["eventNo"] for one in await pager.events(4)] == [1, 2, 3, 4]


@pytest.mark.servers
async def test_a_webhook_is_told_of_its_priorities_and_kinds_only(
    field: Field, valkey: EmbeddedValkey
) -> None:
    async with Pager() as pager:
        few = hook(pager.url, field.tenant, priorities=[1], kinds=["raised"])
        async with sending(field, valkey, few):
            await field.set(True, "hi")
            await field.set(True, "hihi")
            await field.set(False, "hihi")
            await field.set(True, "hihi")
            events = await pager.events(2)
            assert [(one["eventNo"], one["condition"]) for one in events] == [
                (2, "hihi"),
                (4, "hihi"),
            ]


@pytest.mark.servers
async def test_of_two_replicas_one_sends(
    field: Field, valkey: EmbeddedValkey, alarm_database: Database
) -> None:
    async with Pager() as pager:
        mine = hook(pager.url, field.tenant)
        text = json.dumps([mine])
        async with (
            sending(field, valkey, mine),
            running(valkey.url, alarm_database.gateway_url, webhooks=text),
        ):
            for active in (True, False, True, False):
                await field.set(active)
            await pager.events(4)
            sent = [
                event["eventNo"]
                for _, body in pager.requests
                for event in json.loads(body)["events"]
            ]
            assert sent == [1, 2, 3, 4]


async def test_a_private_address_is_only_reached_when_the_webhook_names_its_network() -> None:
    async with Pager() as pager:
        (outside,) = parse_webhooks(
            json.dumps([hook(pager.url.replace("http:", "https:"), networks=[])])
        )
        with pytest.raises(NotTaken, match="no public address") as refused:
            await post(outside, b"{}", 1)
        assert refused.value.reason == "address"
        (elsewhere,) = parse_webhooks(json.dumps([hook(pager.url, networks=["10.0.0.0/8"])]))
        with pytest.raises(NotTaken, match="no public address"):
            await post(elsewhere, b"{}", 1)
        assert pager.requests == []
        (inside,) = parse_webhooks(json.dumps([hook(pager.url)]))
        await post(inside, b"{}", 1)
        assert len(pager.requests) == 1


async def test_redirects_are_not_followed_and_garbage_is_no_answer() -> None:
    async with Pager() as pager:
        (inside,) = parse_webhooks(json.dumps([hook(pager.url)]))
        pager.status = 302
        with pytest.raises(NotTaken, match="answered 302") as refused:
            await post(inside, b"{}", 1)
        assert refused.value.reason == "http_302"

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (babbling,) = parse_webhooks(json.dumps([hook(f"http://127.0.0.1:{port}/")]))
    with pytest.raises(NotTaken) as refused:
        await post(babbling, b"{}", 1)
    assert refused.value.reason == "unreachable"
    server.close()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nonsense", "malformed"),
        ([hook("https://a/", secret="short")], "length >= 16"),
        ([hook("ftp://a/")], "https://host/path"),
        ([hook("https://me:pw@a/")], "without a login"),
        ([hook("http://a/", networks=[])], "not https"),
        ([hook("https://a/", networks=["10.0.0.1/8"])], "has host bits set"),
        ([hook("https://a/ b")], "other characters"),
        ([hook("https://a/"), hook("https://b/")], "twice"),
        ([hook("https://a/", priorities=[5])], "<= 4"),
        ([hook("https://a/", kind=["raised"])], "unknown field"),
        ([hook("https://a/", name="Pager!")], "regex"),
    ],
)
def test_a_configuration_that_is_wrong_says_where_and_never_the_secret(
    given: object, words: str
) -> None:
    text = given if isinstance(given, str) else json.dumps(given)
    with pytest.raises(ManifestError, match=words) as error:
        parse_webhooks(text)
    assert SECRET not in str(error.value)


def test_a_webhook_does_not_show_its_secret_nor_its_path() -> None:
    (one,) = parse_webhooks(json.dumps([hook("https://a.example/hooks/T0K3N")]))
    assert isinstance(one, Webhook)
    assert repr(one) == "Webhook(permian, pager, a.example)"
