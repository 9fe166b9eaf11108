"""How many requests a person, a government, a calendar link and those whom nobody knows may send: a share of one process, so that
nobody uses all of it.

A bucket for each (token bucket): full, it holds a minute's requests; it fills evenly. Kept in this process: it is the process
that is protected, and a row in the database for each request would cost more than many requests do. With n replicas a person may
send up to n times as much. Pure but for the clock.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from zhengling.kernel.errors import Problem, Text

KEPT = 20_000
"""How many callers are remembered, and how many links; one who is forgotten begins with a full bucket."""
DELAY = 1.0
"""Seconds by which a refusal to an unknown caller is delayed beyond the rate: a connection then gets one a second."""
Caller: TypeAlias = tuple[str, str]
#: Buckets that aren't of a person or a government, whose names are never empty.
_UNKNOWN_CALLERS, _UNKNOWN_LINKS = ("", "callers"), ("", "links")


@dataclass(frozen=True)
class Limits:
    """Requests a minute of a person and of a government, and of a person at a time; requests a minute by a calendar link, and of
    all unknown callers and links together; 0: no limit. `delayed` refusals to unknown callers at a time, a part of the
    connections of the process."""

    person: int = 0
    government: int = 0
    at_once: int = 0
    link: int = 0
    unknown: int = 0
    delayed: int = 0


class Rates:
    """The requests of all callers of this process."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._limits = limits
        self._clock = clock
        self._buckets: OrderedDict[Caller, tuple[float, float]] = OrderedDict()  # what is left, and when it was counted
        self._links: OrderedDict[str, None] = OrderedDict()  # that were valid when they were last used
        self._in_progress: Counter[Caller] = Counter()
        self._delayed = 0

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

    def enter_by_link(self, link: str) -> None:
        """Count a request by the link with this hash, before it is looked up. Links that aren't known to be valid share one rate,
        so that whoever tries secrets uses up no valid link's. 429 `too_many_requests` with Retry-After."""
        if link in self._links:
            self._take(("", link), self._limits.link, "a calendar link", "每个订阅链接")
        else:
            self._take(_UNKNOWN_LINKS, self._limits.unknown, "calendar links not used before", "未用过的订阅链接合计")

    def know_link(self, link: str) -> None:
        """The link is valid; from now on it has a rate of its own."""
        self._links[link] = None
        self._links.move_to_end(link)
        if len(self._links) > KEPT:
            self._links.popitem(last=False)

    async def refusal(self, problem: Problem) -> Problem:
        """The answer to a request of a caller whom nobody knows: `problem`, beyond the rate after a delay, so that a connection
        that sends nothing else has little of the processor; 429 and the connection's end while many are delayed. A valid token
        is never refused or delayed for them."""
        seconds = self._wait(_UNKNOWN_CALLERS, self._limits.unknown)
        if not seconds:
            return problem
        if self._delayed >= self._limits.delayed:
            refused = _too_many(math.ceil(seconds), "too many requests without a valid token", "无有效令牌的请求过多")
            refused.headers["Connection"] = "close"
            return refused
        self._delayed += 1
        try:
            await asyncio.sleep(DELAY)
        finally:
            self._delayed -= 1
        return problem

    def _take(self, caller: Caller, a_minute: int, whose: str, whose_zh: str) -> None:
        if seconds := self._wait(caller, a_minute):
            said = f"{whose} may send {a_minute} requests a minute", f"{whose_zh}每分钟最多{a_minute}个请求"
            raise _too_many(math.ceil(seconds), *said)

    def _wait(self, caller: Caller, a_minute: int) -> float:
        """Take one request out of the caller's bucket; if it is empty, the seconds until it has one."""
        if not a_minute:
            return 0.0
        now, rate = self._clock(), a_minute / 60
        left, counted = self._buckets.pop(caller, (float(a_minute), now))
        left = min(a_minute, left + (now - counted) * rate)
        self._buckets[caller] = (left - 1 if left >= 1 else left), now
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / rate


def _too_many(seconds: int, en: str, zh: str) -> Problem:
    later = Text(f"try again in {seconds} s", f"请在{seconds}秒后重试")
    return Problem(429, "too_many_requests", Text(en, zh), later, headers={"Retry-After": str(seconds)})
