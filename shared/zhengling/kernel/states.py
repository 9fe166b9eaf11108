"""The states of a noun with their Chinese names, and the refusal of an action not possible in the current state. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from zhengling.kernel.errors import Text, refusal

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)
class States(Generic[S]):
    """Every state of a noun with its Chinese name."""

    chinese: Mapping[S, str]

    def require(self, state: S, allowed: Collection[S], noun: Text, clause: str | None = None) -> None:
        """Refusal `illegal_state` (409) unless the noun (called `noun` in the text) is in one of the allowed states. `state`
        may be a plain string from a row's column."""
        if state in allowed:
            return
        raise refusal(
            "illegal_state",
            clause,
            f"{noun.en} is {state}",
            f"{noun.zh}当前为“{self.chinese[state]}”",
            Text(
                f"it must be {' or '.join(allowed)}", f"须处于“{'”或“'.join(self.chinese[each] for each in allowed)}”"
            ),
            state=str(state),
        )
