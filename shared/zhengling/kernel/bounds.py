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
