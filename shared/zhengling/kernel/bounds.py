"""Limits on the entries of one record: entries are read and written with their topic or meeting, so their number is bounded.

Invariant: an entry beyond the limit is refused; none is dropped to make room. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from zhengling.kernel.errors import Text, refusal

T = TypeVar("T")


@dataclass(frozen=True)
class Bound:
    """The maximum number of entries of one kind in a noun, and what to do instead of adding more."""

    most: int
    holder: Text
    instead: Text


def appended(records: list[T], *more: T, bound: Bound) -> list[T]:
    """The records with `more` appended. Refusal `record_full` beyond the bound."""
    if len(records) + len(more) > bound.most:
        raise refusal(
            "record_full",
            None,
            f"{bound.holder.en} holds at most {bound.most} records of one kind",
            f"{bound.holder.zh}同类记录不超过{bound.most}条",
            bound.instead,
            most=bound.most,
        )
    return [*records, *more]
