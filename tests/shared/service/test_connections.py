"""What one connection may send, and how slowly: a server with small bounds, and callers on bare sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from zhengling.local.processes import LOOPBACK, free_port
from zhengling.service import connections
from zhengling.service.connections import Bounds, bounded

HEAD, PATIENCE, CONNECTIONS = 8192, 0.4, 20


class Served:
    """A running server, what it has read, and the connections to it that a test opened."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.server: uvicorn.Server
        self.bodies: list[int] = []
        self._opened: list[asyncio.StreamWriter] = []

    async def connect(self, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        self._opened.append(writer)
        writer.write(sent)
        return reader, writer

    async def answer(self, sent: bytes) -> tuple[int, dict[str, Any]]:
        """Status and problem document of the answer to these bytes."""
        reader, _ = await self.connect(sent)
        return await answer_on(reader)

    async def lives(self) -> bool:
        reader, _ = await self.connect(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200")

    @property
    def open(self) -> int:
        return len(self.server.server_state.connections)

    async def close(self) -> None:
        for writer in self._opened:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def answer_on(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """The answer, on a connection that is then closed."""
    head, _, content = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(content)


async def closed(reader: asyncio.StreamReader, within: float = 5) -> bool:
    with suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), within)
    return True


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    app = FastAPI()
    running = Served(free_port())

    @app.get("/livez")
    async def livez() -> PlainTextResponse:
        return PlainTextResponse("alive")

    @app.get("/long")
    async def long() -> PlainTextResponse:
        return PlainTextResponse("x" * (32 << 20))

    @app.post("/body")
    async def body(request: Request) -> PlainTextResponse:
        running.bodies.append(len(await request.body()))
        return PlainTextResponse("read")

    @app.post("/refused")
    async def refused() -> PlainTextResponse:
        return PlainTextResponse("no", 413)

    protocol = bounded(Bounds(HEAD, PATIENCE, CONNECTIONS))
    config = uvicorn.Config(app, host=LOOPBACK, port=running.port, http=protocol, ws="none", log_level="critical")
    running.server = server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield running
    await running.close()
    server.should_exit = True
    await serving


# heads
async def test_a_header_without_end_is_refused_at_its_bound(served: Served) -> None:
    reader, writer = await served.connect(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ")
    sent = 0
    with suppress(ConnectionError):
        while sent < 64 << 20 and not reader.at_eof():
            writer.write(b"a" * 4096)
            await writer.drain()
            sent += 4096
    assert sent < 16 << 20  # the bound, what is read on for a while, and the buffers of the sockets
    assert await served.lives()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez?" + b"q" * HEAD + b" HTTP/1.1\r\n",
        b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * HEAD + b"\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * HEAD,
        b"GET /livez HTTP/1.1\r\n" + b"a" * HEAD + b": b\r\n",
        b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * (HEAD - 100) + b"\r\nHost: x\r\nX-Further: " + b"b" * 100 + b"\r\n",
    ],
    ids=["url", "value", "many", "name", "together"],
)
async def test_a_head_beyond_its_bound_gets_a_problem_document(served: Served, head: bytes) -> None:
    status, problem = await served.answer(head + b"\r\n")
    assert (status, problem["code"], problem["status"]) == (431, "header_too_large", 431)


async def test_a_head_within_its_bound_is_served(served: Served) -> None:
    reader, _ = await served.connect(
        b"GET /livez HTTP/1.1\r\nX-Long: " + b"a" * (HEAD - 100) + b"\r\nConnection: close\r\n\r\n"
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_what_isnt_http_gets_a_problem_document(served: Served) -> None:
    assert (await served.answer(b"\x16\x03\x01 no\r\n\r\n"))[1]["code"] == "malformed_request"


async def test_a_connection_that_sends_nothing_is_closed(served: Served) -> None:
    status, problem = await served.answer(b"")
    assert (status, problem["code"]) == (408, "request_too_slow")


async def test_a_head_sent_byte_by_byte_is_closed_in_time(served: Served) -> None:
    reader, writer = await served.connect(b"GET /livez HTTP/1.1\r\nX-Slow: ")
    answered = asyncio.create_task(answer_on(reader))
    sent = 0
    while not answered.done() and sent < 200:
        writer.write(b"a")
        sent += 1
        await asyncio.sleep(0.02)
    assert (await answered)[0] == 408
    assert sent < 60


async def test_the_second_request_of_a_connection_has_to_arrive_in_time_too(served: Served) -> None:
    reader, _ = await served.connect(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\n")
    assert (await reader.readexactly(12)).endswith(b"200")
    assert await closed(reader, 8)


# bodies
def body_of(length: int | str, path: str = "/body") -> bytes:
    size = f"Content-Length: {length}" if isinstance(length, int) else f"Transfer-Encoding: {length}"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{size}\r\n\r\n".encode()


async def test_a_body_that_stops_is_refused(served: Served) -> None:
    status, problem = await served.answer(body_of(100_000) + b"a" * 2000)
    assert (status, problem["code"]) == (408, "request_too_slow")
    assert served.bodies == []


async def test_a_body_sent_steadily_is_read_however_long_it_takes(served: Served) -> None:
    reader, writer = await served.connect(body_of(20_000))
    for _ in range(20):
        writer.write(b"a" * 1000)
        await asyncio.sleep(PATIENCE / 5)
    assert (await asyncio.wait_for(reader.readexactly(12), 5)).endswith(b"200")
    assert served.bodies == [20_000]


@pytest.mark.parametrize(
    "endless", [b"0\r\nX-Trailer: ", b"1;"], ids=["a trailer without end", "a chunk extension without end"]
)
async def test_what_surrounds_a_chunk_has_a_bound(served: Served, endless: bytes) -> None:
    reader, writer = await served.connect(body_of("chunked") + b"1\r\na\r\n")
    await asyncio.sleep(0.1)
    writer.write(endless + b"a" * (HEAD + 1))
    status, problem = await answer_on(reader)
    assert (status, problem["code"]) == (431, "header_too_large")


async def test_a_body_that_goes_on_after_its_refusal_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWERED_BYTES", 1 << 20)
    _, writer = await served.connect(body_of(1 << 30, "/refused"))
    sent = 0
    with suppress(ConnectionError):
        while sent < 64 << 20:
            writer.write(b"a" * 65_536)
            await writer.drain()
            sent += 65_536
    assert sent < 16 << 20
    assert await served.lives()


# answers and connections
async def test_an_answer_that_isnt_read_is_given_up(served: Served) -> None:
    reader, _ = await served.connect(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(PATIENCE)
    while served.open:
        await asyncio.sleep(0.05)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(32 << 20), 5)


async def test_an_answer_that_is_read_slowly_is_sent_whole(served: Served) -> None:
    reader, _ = await served.connect(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    read = 0
    while piece := await reader.read(1 << 20):
        read += len(piece)
        await asyncio.sleep(0.05)
    assert read > 32 << 20


async def test_beyond_the_number_of_connections_the_one_idle_for_longest_makes_room(served: Served) -> None:
    idle = [await served.connect() for _ in range(CONNECTIONS)]
    assert await served.lives()
    assert await closed(idle[0][0], 0.2)
    assert not idle[-1][0].at_eof()


async def test_a_thousand_half_open_connections_dont_keep_a_caller_out(served: Served) -> None:
    for _ in range(20):
        await asyncio.gather(*(served.connect(b"GET /livez HTTP/1.1\r\nX: ") for _ in range(50)))
        assert await served.lives()
