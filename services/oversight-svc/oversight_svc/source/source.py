"""A source of a matter: the decision, instruction, task or finding that it comes from (来源).

Invariant: a source belongs to one matter at a time; a matter has one or several, and lives as long as one of them stands.
Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from zhengling.events.reference import Reference
from zhengling.kernel.bounds import Bound
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.states import States
from zhengling.rules.vocabulary import EntrySource, InstructionKind


class Standing(StrEnum):
    standing = "standing"
    withdrawn = "withdrawn"
    revoked = "revoked"


STANDINGS = States({Standing.standing: "有效", Standing.withdrawn: "已撤回", Standing.revoked: "已撤销"})


@dataclass
class Source:
    """`recorded_for` is the matter that it opened or was added to; `entry_id` the one that it belongs to now, after merging.
    `reference` is what it is in another service, `paper` the number or name by which it is cited otherwise. `approved_by` and
    `approval` are who approved that the matter is supervised, and by which paper, where the rules ask for it. Of an instruction
    `given_by` is the official who gave it, None for a leader from outside, `giver` the name; `seen_at` when
    the result was seen, `handling` how the leader wants it handled."""

    id: str
    government: str
    entry_id: str
    recorded_for: str
    kind: EntrySource
    reference: Reference | None
    ref_id: str
    title: str
    paper: str
    dated: date | None
    added_by: str
    added_at: datetime
    approved_by: str | None = None
    approval: str = ""
    standing: Standing = Standing.standing
    ended_at: datetime | None = None
    ended_reason: str = ""
    given_by: str | None = None
    giver: str = ""
    seen_at: datetime | None = None
    handling: InstructionKind | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def cited(self) -> Reference:
        """The source as events point at it."""
        return self.reference or Reference(service="oversight", noun="source", id=self.id, number=self.paper or None)


#: How many sources a matter has at most: they are read and told with it.
SOURCES = Bound(
    50,
    Text("a matter of the ledger", "一项督查事项"),
    Text("open a matter of its own for it", "请另行立项"),
)


def unseen(sources: Iterable[Source]) -> list[Source]:
    """The instructions that stand, and whose result their leaders haven't seen."""
    return [each for each in instructions(sources) if each.seen_at is None]


def instructions(sources: Iterable[Source]) -> list[Source]:
    """The instructions that stand."""
    return [each for each in sources if each.kind == EntrySource.instruction and each.standing == Standing.standing]


def require_seen(sources: Iterable[Source], clause: str) -> None:
    """409 `result_not_seen`: what an instruction opened is finished when its leader has seen the result."""
    if waiting := unseen(sources):
        names = [each.giver for each in waiting]
        raise refusal(
            "result_not_seen",
            clause,
            f"{', '.join(names)} gave the instruction, and hasn't seen the result",
            f"批示领导{'、'.join(names)}尚未审阅办理结果",
            Text("have the leader see the result first", "请先报批示领导审阅办理结果"),
        )


def end(source: Source, standing: Standing, reason: str, moment: datetime) -> None:
    """The source stands no longer. 409 `illegal_state` where it doesn't."""
    STANDINGS.require(source.standing, (Standing.standing,), Text("the source", "该来源"))
    source.standing, source.ended_at, source.ended_reason = standing, moment, reason


def require_by_hand(source: Source, clause: str) -> None:
    """409 `source_follows_events` for a source that another service's events follow: nobody withdraws it here."""
    if source.reference and source.reference.service != "oversight":
        raise refusal(
            "source_follows_events",
            clause,
            f"this source follows the events of {source.reference.service}-svc",
            "该来源由其他系统事件更新，不能在此撤回",
            Text("have it revoked or withdrawn where it was made", "请在原系统撤销或撤回"),
        )
