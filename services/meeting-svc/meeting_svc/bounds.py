"""How much one record holds: each sort of entry is read and written with the topic or the meeting that it stands in, so
none grows without end.

Invariant: nothing is dropped to make room; what goes beyond is refused. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from zhengling.kernel.errors import Text, refusal

T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """How many entries of one sort a noun holds, and what to do with more."""

    most: int
    holder: Text
    instead: Text


_A_MEETING, _IN_THE_MINUTES = (
    Text("a meeting", "一次会议"),
    Text(
        "leave out what is on record already; what has to be known beyond stands in the text of the minutes",
        "已登记的无需重复登记；确需记载的，请写入会议纪要",
    ),
)
OF_A_TOPIC = Bound(
    300, Text("a topic", "一个议题"), Text("submit what is left as a topic of its own", "其余内容请另行提交议题")
)
OF_A_MEETING = Bound(300, _A_MEETING, _IN_THE_MINUTES)
#: Who comes, leaves, answers and is handed something: several times for each of a few hundred.
OF_THE_PEOPLE_IN_A_MEETING = Bound(2000, _A_MEETING, _IN_THE_MINUTES)
OF_A_DECISION = Bound(
    300,
    Text("a decision", "一项决定"),
    Text("sum up what is left in one entry, or report it to the ledger", "其余内容请合并登记，或在督查台账中反馈"),
)


def appended(records: list[T], *more: T, bound: Bound) -> list[T]:
    """The records with some more. Refusal `record_full` beyond the bound."""
    if len(records) + len(more) > bound.most:
        raise refusal(
            "record_full",
            None,
            f"{bound.holder.en} holds {bound.most} records of one sort",
            f"{bound.holder.zh}同类记录不超过{bound.most}条",
            bound.instead,
            most=bound.most,
        )
    return [*records, *more]
