"""The connection to Redis: order, refusals, silence, and servers that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import hiredis
import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_gateway.live import link as link_module
from pumpjack_gateway.live.link import Link, LinkLost
from tests.gateway.conftest import FeedServer

Answerer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Heard:
    """What a link told."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes]] = []
        self.ups = asyncio.Event()
        self.downs: list[str] = []
        self.down = asyncio.Event()

    def went_down(self, why: str) -> None:
        self.downs.append(why)
        self.down.set()


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[tuple[Link, Heard]]:
    heard = Heard()
    link = Link(
        url,
        on_message=lambda channel, payload: heard.messages.append((channel, payload)),
        on_up=heard.ups.set,
        on_down=heard.went_down,
    )
    running = asyncio.create_task(link.run())
    try:
        yield link, heard
    finally:
        running.cancel()


@asynccontextmanager
async def pretending(answer: Answerer) -> AsyncIterator[str]:
    """A server that says what the test wants."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.write(b"%1\r\n+server\r\n+redis\r\n")
    await reader.read(1000)
    writer.write(b"+PONG\r\n")


@pytest.mark.servers
async def test_what_is_published_before_a_hash_is_read_comes_before_it(
    feed_server: FeedServer,
) -> None:
    """The whole point of one connection: the hash has what came before, and no more."""
    async with linked(feed_server.url) as (link, heard), asyncio.timeout(20):
        await heard.ups.wait()
        await link.call("SUBSCRIBE", "c")
        async with linked(feed_server.url) as (other, ready):
            await ready.ups.wait()
            done = False

            async def publish() -> None:
                number = 0
                while not done:
                    number += 1
                    other.send("MULTI", then=ignore)
                    other.send("PUBLISH", "c", str(number), then=ignore)
                    other.send("HSET", "h", "at", str(number), then=ignore)
                    await other.call("EXEC")

            publishing = asyncio.create_task(publish())
            for _ in range(200):
                hash_, seen = await read(link, heard)
                assert int(hash_.get(b"at", 0)) == seen
            done = True
            await publishing
    assert len(heard.messages) > 10


async def read(link: Link, heard: Heard) -> tuple[dict[bytes, bytes], int]:
    """The hash, and what had been published when it came."""
    future: asyncio.Future[tuple[dict[bytes, bytes], int]] = asyncio.Future()
    link.send("HGETALL", "h", then=lambda hash_: future.set_result((hash_, last(heard))))
    return await future


def ignore(_answer: object) -> None:
    pass


def last(heard: Heard) -> int:
    return int(heard.messages[-1][1]) if heard.messages else 0


@pytest.mark.servers
async def test_a_refused_command_does_not_disturb_the_order(feed_server: FeedServer) -> None:
    async with linked(feed_server.url) as (link, heard), asyncio.timeout(60):
        await heard.ups.wait()
        await link.call("SET", "text", "x")
        with pytest.raises(hiredis.ReplyError, match="WRONGTYPE"):
            await link.call("HGETALL", "text")
        assert await link.call("GET", "text") == b"x"


@pytest.mark.servers
async def test_a_refused_subscription_takes_its_place_in_the_order(
    feed_server: FeedServer,
) -> None:
    """NOPERM comes as an answer, an accepted SUBSCRIBE as a push."""
    async with linked(feed_server.url) as (link, heard), asyncio.timeout(60):
        await heard.ups.wait()
        await link.call("ACL", "SETUSER", "narrow", "on", ">pw", "+@all", "&only", "~*")
    url = feed_server.url.replace("unix://", "unix://narrow:pw@")
    async with linked(url) as (link, heard), asyncio.timeout(60):
        await heard.ups.wait()
        answers: list[Any] = []
        link.send("SUBSCRIBE", "only", then=answers.append)
        link.send("SUBSCRIBE", "other", then=answers.append)
        assert await link.call("ECHO", "x") == b"x"
        assert answers[0][:2] == [b"subscribe", b"only"]
        assert isinstance(answers[1], hiredis.ReplyError)


@pytest.mark.servers
async def test_a_wrong_password_is_tried_again_and_never_up(feed_server: FeedServer) -> None:
    url = feed_server.url.replace("unix://", "unix://nobody:wrong@")
    async with linked(url) as (link, heard):
        await asyncio.sleep(0.2)
        assert not link.is_up
        with pytest.raises(LinkLost):
            await link.call("PING")
        assert not heard.ups.is_set()


async def test_a_server_that_still_loads_its_data_is_not_up_yet() -> None:
    attempts = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await reader.read(1000)
        writer.write(b"%1\r\n+server\r\n+redis\r\n")
        await reader.read(1000)
        writer.write(b"+PONG\r\n" if attempts > 2 else b"-LOADING the data\r\n")
        await reader.read()
        writer.close()

    async with pretending(answer) as url, linked(url) as (_, heard), asyncio.timeout(60):
        await heard.ups.wait()
        assert attempts == 3


@pytest.mark.servers
async def test_commands_that_wait_when_the_server_dies_are_answered_with_the_loss(
    feed_server: FeedServer,
) -> None:
    async with linked(feed_server.url) as (link, heard), asyncio.timeout(60):
        await heard.ups.wait()
        waiting = asyncio.create_task(link.call("BLPOP", "none", "0", limit_s=60))
        await asyncio.sleep(0.05)
        feed_server.stop()
        with pytest.raises(LinkLost):
            await waiting
        await heard.down.wait()
        assert not link.is_up
        heard.ups.clear()
        feed_server.start()
        await heard.ups.wait()
        assert await link.call("PING") == b"PONG"


@pytest.mark.parametrize("chunk", [1, 3, 1000], ids="{} bytes a read".format)
async def test_messages_and_answers_may_come_in_any_pieces(chunk: int) -> None:
    stream = (
        b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n"
        b"$4\r\nPONG\r\n"
        b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\ntwo\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hello(reader, writer)
        await reader.read(1000)
        for at in range(0, len(stream), chunk):
            writer.write(stream[at : at + chunk])
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with pretending(answer) as url, linked(url) as (link, heard), asyncio.timeout(60):
        await heard.ups.wait()
        assert await link.call("ECHO", "PONG") == b"PONG"
        while len(heard.messages) < 2:
            await asyncio.sleep(0.001)
        assert heard.messages == [(b"c", b"one"), (b"c", b"two")]


STRANGERS = {
    "no Redis at all": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an old Redis": b"-ERR unknown command 'HELLO'\r\n",
    "nothing that was asked for": b"+OK\r\n+OK\r\n+OK\r\n",
}


@pytest.mark.parametrize("text", STRANGERS.values(), ids=STRANGERS)
async def test_a_server_that_does_not_speak_resp3_is_given_up(text: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(text)
        await reader.read()
        writer.close()

    async with pretending(answer) as url, linked(url) as (link, _), asyncio.timeout(60):
        await asyncio.sleep(0.3)
        with pytest.raises(OSError):
            await link.call("PING", limit_s=0.05)


async def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "PING_S", 0.02)
    monkeypatch.setattr(link_module, "SILENT_LIMIT_S", 0.1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hello(reader, writer)
        await reader.read()
        writer.close()

    async with pretending(answer) as url, linked(url) as (_, heard), asyncio.timeout(60):
        await heard.down.wait()
        assert "said nothing" in heard.downs[0]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ManifestError, match="PUMPJACK_REDIS_URL"):
        Link("http://x", on_message=ignore2, on_up=lambda: None, on_down=ignore)


def ignore2(_channel: bytes, _payload: bytes) -> None:
    pass
