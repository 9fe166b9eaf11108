"""What a run did and how long that took, from the databases' own timestamps: for people to read, never to assert on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.faults.invariants import Books, ask


@dataclass
class Figures:
    """One row of the summary."""

    row: str
    books: Books
    decisions: int = 0
    did: Counter[str] = field(default_factory=Counter)  # kills, freezes, …: what really happened
    latencies: Sequence[float] = ()
    drained: float = 0.0
    began: float = field(default_factory=time.monotonic)
    took: float = 0.0
    records: int = 0
    duplicates: int = 0
    held: bool = False

    async def begin(self) -> None:
        await self.books.read_log()
        self._pos = (await ask(self.books.stack, "meeting", "SELECT coalesce(max(pos), 0) FROM outbox"))[0][0]
        self._records, self._duplicates = self.books.records, self.books.duplicates

    async def end(self) -> None:
        """From the decision's event in the outbox to the event in the ledger's inbox, by the server's one clock."""
        stack = self.books.stack
        sent = await ask(
            stack, "meeting",
            "SELECT event_id, created_at FROM outbox WHERE pos > $1 AND event_type = 'zhengling.meeting.decision.adopted.v1'",
            self._pos,
        )  # fmt: skip
        applied = await ask(
            stack, "oversight",
            "SELECT event_id, applied_at FROM inbox WHERE status = 'applied' AND event_id = ANY($1)",
            [row["event_id"] for row in sent],
        )  # fmt: skip
        moment = {row["event_id"]: row["applied_at"] for row in applied}
        self.latencies = sorted(
            (moment[row["event_id"]] - row["created_at"]).total_seconds() for row in sent if row["event_id"] in moment
        )
        self.decisions = len(self.latencies)
        self.records = self.books.records - self._records
        self.duplicates = self.books.duplicates - self._duplicates
        self.took = time.monotonic() - self.began
        self.held = True

    def quantile(self, q: float) -> str:
        if not self.latencies:
            return "–"
        seconds = self.latencies[int(q * (len(self.latencies) - 1))]
        return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"

    def cells(self) -> list[str]:
        faults = ", ".join(f"{count} {what}" for what, count in self.did.items()) or "–"
        return [
            self.row, f"{self.decisions}", faults, f"{self.duplicates} of {self.records}", self.quantile(0.5),
            self.quantile(0.99), f"{self.drained:.1f} s", f"{self.took:.0f} s", "held" if self.held else "**broken**",
        ]  # fmt: skip


HEADINGS = (
    "row", "decisions", "faults", "twice on the wire", "commit → entry p50", "p99", "drained in", "took", "invariants",
)  # fmt: skip


def markdown(cells: Sequence[Sequence[str]]) -> list[str]:
    rows = [HEADINGS, ["---"] * len(HEADINGS), *cells]
    return [f"| {' | '.join(row)} |" for row in rows]
