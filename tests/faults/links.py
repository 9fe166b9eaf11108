"""Links that fail: TCP proxies between two parts, in a process of their own, each cut, slowed down or reset on demand.

A cut link passes nothing and tells nobody, like a cable that is out: what was under way arrives once it is mended. A
slow one delays every piece, both ways. A reset one ends its connections and takes no new ones until it is mended.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from zhengling.local.processes import ChildProcess, free_port

_LOOPBACK = "127.0.0.1"


class _Link:
    """One link: where it leads to (by turns, where to several), its state, and the ends of its connections."""

    def __init__(self) -> None:
        self.to: list[int] = []
        self.state = "whole"
        self.delay = 0.0
        self.mended = asyncio.Event()
        self.mended.set()
        self.ends: set[_End] = set()

    def turn(self, state: str, delay: float) -> None:
        self.state, self.delay = state, delay if state == "slow" else 0.0
        (self.mended.clear if state == "cut" else self.mended.set)()
        for end in list(self.ends):
            end.reset() if state == "reset" else end.read_or_not()

    def next(self) -> int:
        self.to.append(self.to.pop(0))
        return self.to[-1]


class _End(asyncio.Protocol):
    """One side of a connection through a link; what it reads its peer writes."""

    transport: asyncio.Transport

    def __init__(self, link: _Link, peer: _End | None = None) -> None:
        self.link = link
        self.peer = peer
        self.full = False
        self.due = 0.0  # when the last piece that is held back will be passed on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.link.ends.add(self)
        if self.peer and self.peer.transport.is_closing():
            self.reset()
        elif self.peer:
            self.peer.peer = self
            self.peer.read_or_not()
        elif self.link.state == "reset" or not self.link.to:
            self.reset()
        else:
            self.reaching = asyncio.ensure_future(self.reach())
        self.read_or_not()

    async def reach(self) -> None:
        await self.link.mended.wait()
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: _End(self.link, self), _LOOPBACK, self.link.next())
        except (OSError, IndexError):
            self.reset()

    def data_received(self, data: bytes) -> None:
        peer = self.peer
        assert peer
        self.later(lambda: peer.transport.write(data))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.link.ends.discard(self)
        if peer := self.peer:
            self.later(peer.transport.close)

    def pause_writing(self) -> None:
        self.full = True
        if self.peer:
            self.peer.read_or_not()

    def resume_writing(self) -> None:
        self.full = False
        if self.peer:
            self.peer.read_or_not()

    def later(self, act: Callable[[], None]) -> None:
        """Now, or after the link's delay, and never before what is held back already."""
        loop = asyncio.get_running_loop()
        if not self.link.delay and self.due < loop.time():
            act()
        else:
            self.due = max(loop.time() + self.link.delay, self.due + 1e-6)
            loop.call_at(self.due, act)

    def read_or_not(self) -> None:
        if self.link.state != "cut" and self.peer and not self.peer.full:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def reset(self) -> None:
        if connection := self.transport.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def _serve(control: int) -> None:
    links: dict[str, _Link] = {}
    loop = asyncio.get_running_loop()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            order = json.loads(line)
            link = links.setdefault(order["link"], _Link())
            if "listen" in order:
                await loop.create_server(partial(_End, link), _LOOPBACK, order["listen"])
            if "to" in order:
                link.to = order["to"]
            if "state" in order:
                link.turn(order["state"], order["delay"])
            writer.write(b"done\n")
            await writer.drain()

    server = await asyncio.start_server(obey, _LOOPBACK, control)
    await server.serve_forever()


class Links(ChildProcess):
    """The process with all links, and the hand on their switches."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.ports: dict[str, int] = {}
        self._control: socket.socket | None = None
        super().__init__("links", [sys.executable, str(Path(__file__)), str(self.port)], folder / "links.log")

    def stop(self) -> None:
        if self._control:
            self._control.close()
        super().stop()

    def is_ready(self) -> bool:
        try:
            self._control = self._control or socket.create_connection((_LOOPBACK, self.port), timeout=10)
        except OSError:
            return False
        return True

    def open(self, link: str, listen: int, *to: int) -> None:
        """A new link from a port of its own to these."""
        self.ports[link] = listen
        self._tell(link=link, listen=listen, to=to)

    def lead(self, link: str, to: Sequence[int]) -> None:
        """New connections lead to these ports from here on; those there are stay, as behind a Kubernetes Service."""
        self._tell(link=link, to=list(to))

    def turn(self, link: str, state: str, delay: float = 0.0) -> None:
        """`whole`, `cut`, `slow` (each piece by `delay` seconds) or `reset`."""
        self._tell(link=link, state=state, delay=delay)

    def _tell(self, **order: object) -> None:
        assert self._control
        self._control.sendall(json.dumps(order).encode() + b"\n")
        if self._control.recv(16) != b"done\n":
            raise self._failure(f"didn't obey {order}")


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
