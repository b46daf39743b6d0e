"""What is shown of the workers."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from pumpjack_cli.local.status import Rejected, WorkerStatus, fetch, fetch_all, news, status_line

PLC = WorkerStatus("ops/plc", "connected", tags=3, readings_per_second=12.4)
AWAY = WorkerStatus("ops/away", "disconnected")


def test_the_line_counts_what_is_up_and_down() -> None:
    suspended = WorkerStatus("ops/off", "suspended")
    line = status_line([PLC, PLC, AWAY, suspended, None], restarts=2)
    assert line == (
        "2 connected · ✖ 2 not connected · 1 suspended · 25 readings/s · all stored · 2 restarts"
    )


def test_the_line_tells_what_waits_for_the_database() -> None:
    waiting = replace(PLC, journal_readings=700, journal_oldest_s=12.3)
    assert "journal 700 readings, oldest 12 s" in status_line([waiting], 0)


def test_a_rejected_tag_is_told_once_with_its_reason() -> None:
    refused = replace(PLC, rejected=(Rejected("flow", "a1", "illegal data address"),))
    assert news(PLC, refused) == ["ops/plc: tag flow of well a1 is not read: illegal data address"]
    assert news(refused, refused) == []


def test_a_problem_is_told_again_only_when_it_is_another() -> None:
    first = replace(PLC, problems=("the clock is 10 s ahead",))
    later = replace(PLC, problems=("the clock is 11 s ahead",))
    assert news(PLC, first) == ["ops/plc: the clock is 10 s ahead"]
    assert news(first, later) == []


def test_coming_back_is_told() -> None:
    back = replace(AWAY, state="connected")
    assert news(AWAY, back) == ["ops/away is connected again"]
    assert news(None, back) == []
    assert news(AWAY, None) == ()


ANSWERS = {
    "a status": (
        b'HTTP/1.0 200 OK\r\n\r\n{"connectionId":"ops/plc","state":"connected","more":1}',
        WorkerStatus("ops/plc", "connected"),
    ),
    "an error": (b"HTTP/1.0 500 Oops\r\n\r\n{}", None),
    "no JSON": (b"HTTP/1.0 200 OK\r\n\r\nhello", None),
    "no HTTP": (b"\x00\x01\x02", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize(("answer", "status"), ANSWERS.values(), ids=ANSWERS)
async def test_what_a_worker_answers_is_a_status_or_none(
    answer: bytes, status: WorkerStatus | None
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await fetch(port) == status
        assert await fetch_all({"ops/plc": port, "ops/gone": 9}) == {
            "ops/plc": status,
            "ops/gone": None,
        }
