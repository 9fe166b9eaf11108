"""How many requests a person and a government may send: a share of one process, so that nobody uses all of it.

A bucket for each (token bucket): full, it holds a minute's requests; it fills evenly. Kept in this process: it is the process
that is protected, and a row in the database for each request would cost more than many requests do. With n replicas a person may
send up to n times as much. Pure but for the clock.
"""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from zhengling.kernel.errors import Problem, Text

KEPT = 20_000
"""How many callers are remembered; one who is forgotten begins with a full bucket."""
Caller: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Limits:
    """Requests a minute of a person and of a government, and of a person at a time; 0: no limit."""

    person: int
    government: int
    at_once: int


class Rates:
    """The requests of all callers of this process."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._limits = limits
        self._clock = clock
        self._buckets: OrderedDict[Caller, tuple[float, float]] = OrderedDict()  # what is left, and when it was counted
        self._in_progress: Counter[Caller] = Counter()

    def enter(self, government: str, person: str) -> Callable[[], None]:
        """Count a request that begins; the result is called when it has ended. 429 `too_many_requests` with Retry-After."""
        limits, caller = self._limits, (government, person)
        if limits.at_once and self._in_progress[caller] >= limits.at_once:
            raise _too_many(
                1, f"at most {limits.at_once} requests at a time", f"同时处理的请求不得超过{limits.at_once}个"
            )
        self._take(caller, limits.person, "a person", "每人")
        self._take((government, ""), limits.government, "a government", "本级政府")
        self._in_progress[caller] += 1

        def leave() -> None:
            self._in_progress[caller] -= 1
            if not self._in_progress[caller]:
                del self._in_progress[caller]

        return leave

    def _take(self, caller: Caller, a_minute: int, whose: str, whose_zh: str) -> None:
        if not a_minute:
            return
        now, rate = self._clock(), a_minute / 60
        left, counted = self._buckets.pop(caller, (float(a_minute), now))
        left = min(a_minute, left + (now - counted) * rate)
        self._buckets[caller] = (left - 1 if left >= 1 else left), now
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        if left < 1:
            said = f"{whose} may send {a_minute} requests a minute", f"{whose_zh}每分钟最多{a_minute}个请求"
            raise _too_many(math.ceil((1 - left) / rate), *said)


def _too_many(seconds: int, en: str, zh: str) -> Problem:
    later = Text(f"try again in {seconds} s", f"请在{seconds}秒后重试")
    return Problem(429, "too_many_requests", Text(en, zh), later, headers={"Retry-After": str(seconds)})
