"""One row of the matrix being run: decisions are committed while faults happen, then everything has to settle."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx

from tests.conftest import composition_of
from tests.faults.figures import Figures
from tests.faults.invariants import Attempt
from tests.faults.rows import FULL, SEED, counts_of
from tests.faults.stand import LATER, Stand
from zhengling.local.apache_kafka import ApacheKafka
from zhengling.local.client import Api
from zhengling.local.processes import ChildProcess

#: What the runs of this session came to; printed at its end.
FIGURES: list[Figures] = []
LONGEST = 8.0 if FULL else 3.0  # seconds that something is frozen, away or cut off


@dataclass(frozen=True)
class Fault:
    """Something that happens to one part: what is written into the summary, to whom, and how."""

    what: str
    target: str
    happen: Callable[[], Awaitable[None]]


class Run:
    """A row of the matrix on a stand. The seed and the row's name decide everything that is drawn."""

    def __init__(self, stand: Stand, row: str) -> None:
        self.stand = stand
        self.counts = counts_of(row)
        self.random = random.Random(f"{SEED} {row}")
        self.figures = Figures(row, stand.books)
        self.committed = 0
        self._done = 0  # faults
        self._batch = uuid4().hex[:8]

    # faults ---------------------------------------------------------------------------------------------------------

    def kills(self, count: int, *kinds: str) -> list[Fault]:
        """kill -9 at a random moment, of a process that is at work; it is started again at once."""
        return [self._kill(self.random.choice(self.stand.names(*kinds))) for _ in range(count)]

    def _kill(self, name: str) -> Fault:
        moment = self.random.uniform(0, 0.5)

        async def happen() -> None:
            await self.stand.until_ready(name)
            await asyncio.sleep(moment)
            await asyncio.to_thread(self.stand.process(name).kill)
            self.stand.process(name).start()

        return Fault("kills", name, happen)

    def freezes(self, count: int, *kinds: str, shortest: float = 1.0) -> list[Fault]:
        """SIGSTOP for some seconds."""
        return [
            self._freeze("freezes", name, self.stand.process(name), self.random.uniform(shortest, max(LONGEST, shortest + 1)))
            for name in (self.random.choice(self.stand.names(*kinds)) for _ in range(count))
        ]  # fmt: skip

    def _freeze(self, what: str, name: str, process: ChildProcess, seconds: float) -> Fault:
        async def happen() -> None:
            await asyncio.to_thread(process.freeze)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.thaw()

        return Fault(what, name, happen)

    def away(self, what: str, name: str, part: ChildProcess | ApacheKafka, count: int) -> list[Fault]:
        """kill -9 of a server that keeps its data; it is back after some seconds."""
        return [self._away(what, name, part, self.random.uniform(0.2, LONGEST / 2)) for _ in range(count)]

    def _away(self, what: str, name: str, part: ChildProcess | ApacheKafka, seconds: float) -> Fault:
        async def happen() -> None:
            await asyncio.to_thread(part.kill)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(part.start)
            await asyncio.to_thread(part.wait_ready, 120)

        return Fault(what, name, happen)

    def broker_away(self, count: int) -> list[Fault]:
        """The broker gone for a while with its log kept: the embedded one, which keeps it in memory, is frozen."""
        broker = self.stand.stack.broker
        if isinstance(broker, ApacheKafka):
            return self.away("broker kills", "broker", broker, count)
        assert isinstance(broker, ChildProcess)
        return [self._freeze("broker freezes", "broker", broker, self.random.uniform(1, LONGEST)) for _ in range(count)]

    def link_faults(self, count: int) -> list[Fault]:
        """Each kind so often on each link; the API's alone is never cut for long, as a client would rather go away."""
        links = self.stand.stack.links
        return [
            self._link_fault(link, state)
            for link in links.ports
            for state in ("cut", "slow", "reset")
            for _ in range(count)
        ]

    def _link_fault(self, link: str, state: str) -> Fault:
        links, seconds = self.stand.stack.links, self.random.uniform(0.1, LONGEST / 2)
        delay = self.random.uniform(0.02, 0.2)

        async def happen() -> None:
            links.turn(link, state, delay)
            try:
                await asyncio.sleep(seconds)
            finally:
                links.turn(link, "whole")

        return Fault(f"links {state}", link, happen)

    def shuffled(self, faults: Sequence[Fault]) -> list[Fault]:
        return self.random.sample(faults, len(faults))

    # load -----------------------------------------------------------------------------------------------------------

    async def under_load(self, faults: Sequence[Fault] = (), *, abreast: int = 1, clients: int = 1) -> None:
        """Commit the row's decisions while the faults happen one after another (`abreast`: so many at a time), spread
        evenly: neither runs ahead of the other. Clients send commands meanwhile, and repeat what isn't answered."""
        async with self.clients(clients), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit(len(faults), abreast))
            tasks.create_task(self._befall(faults, abreast))

    @asynccontextmanager
    async def clients(self, count: int) -> AsyncIterator[None]:
        """So many clients beside the block; each gets the answer to its last command before the block is left."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for n in range(count):
                tasks.create_task(self._client(n, over))
            try:
                yield
            finally:
                over.set()

    async def _commit(self, faults: int, abreast: int) -> None:
        count, meetings = self.counts.decisions, self.counts.meetings
        began = asyncio.get_running_loop().time()
        numbers = iter(range(count))

        async def committer() -> None:
            for n in numbers:
                while n * faults > (self._done + abreast) * count:
                    await asyncio.sleep(0.02)
                if self.counts.rate:
                    due = began + n / self.counts.rate
                    await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
                await self.decide(n % meetings, roll_back=n % 10 == 9)
                self.committed = max(self.committed, n + 1)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(committer())

    async def decide(self, meeting: int, roll_back: bool = False) -> str | None:
        if roll_back:
            await self.stand.decide(f"{self._batch}-{meeting}", meeting, roll_back=True)
        return await self.stand.decide(f"{self._batch}-{meeting}", meeting, LATER)

    async def _befall(self, faults: Sequence[Fault], abreast: int) -> None:
        numbered = iter(enumerate(faults))

        async def fate() -> None:
            for n, fault in numbered:
                while self.committed * len(faults) < n * self.counts.decisions:
                    await asyncio.sleep(0.02)
                async with self.stand.busy(fault.target):
                    await fault.happen()
                self.figures.did[fault.what] += 1
                self._done += 1

        async with asyncio.TaskGroup() as tasks:
            for _ in range(abreast):
                tasks.create_task(fate())

    async def _client(self, n: int, over: asyncio.Event, government: str = "huancui") -> None:
        """Load the government's composition over and over, on the version known here: repeat under the same key until
        there is an answer, now and then after it too, and now and then try a version that is over."""
        attempts, choose = self.stand.books.attempts, random.Random(f"{SEED} {self.figures.row} {n}")
        url = f"http://127.0.0.1:{self.stand.stack.links.ports['clients-api']}/v1/composition"
        body = composition_of(government).model_dump(mode="json")
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(timeout=10, limits=limits, trust_env=False) as http:
            token = Api({}, self.stand.stack.issuer, government, http).token(None)
            self.stand.books.secrets.add(token)
            while not over.is_set():
                known = max((a.version or 0 for a in attempts if a.government == government), default=0)
                version = known - 1 if known > 1 and choose.random() < 0.2 else known
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
                if version:
                    headers["If-Match"] = f'"{version}"'
                for _ in range(2 if choose.random() < 0.3 else 1):
                    answer = await self._answered(http, url, body, headers)
                    found = answer.json()
                    attempts.append(
                        Attempt(
                            government,
                            headers["Idempotency-Key"],
                            version or None,
                            known,
                            answer.status_code,
                            found.get("version") if answer.is_success else found.get("current"),
                            answer.headers.get("Idempotent-Replayed") == "true",
                        )
                    )
                await asyncio.sleep(choose.uniform(0, 0.3))

    async def _answered(
        self, http: httpx.AsyncClient, url: str, body: dict[str, object], headers: dict[str, str]
    ) -> httpx.Response:
        """What the service answers in the end: a 503, a key still in flight and a broken connection are tried again."""
        for attempt in itertools.count():
            try:
                answer = await http.put(url, json=body, headers=headers)
            except httpx.TransportError:
                self.figures.did["requests without an answer"] += 1
            else:
                if answer.is_success or answer.status_code in (412, 428):
                    return answer
                self.figures.did[f"answers {answer.status_code}"] += 1
                if answer.status_code not in (409, 503):
                    raise AssertionError(f"{answer.status_code} {answer.text}")
            await asyncio.sleep(min(0.05 * 2**attempt, 1.0))
        raise AssertionError("unreachable")


@asynccontextmanager
async def row(stand: Stand, name: str, **replicas: int) -> AsyncIterator[Run]:
    """Run a row: the block brings the faults, whose end has everything whole again; then every invariant has to hold."""
    await stand.scale(**replicas)
    run = Run(stand, name)
    FIGURES.append(run.figures)
    await run.figures.begin()
    async with stand.restarting():
        yield run
        loop = asyncio.get_running_loop()
        ended = loop.time()
        await stand.until_drained()
        run.figures.drained = loop.time() - ended
        await stand.until_settled()
    await run.figures.end()
    assert run.figures.records >= run.figures.decisions > 0, "the log or the ledger wasn't read"
