"""One authorised request in its transaction, as passed to commands and queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.authority.composition import holds_no_post
from zhengling.database.session import now
from zhengling.dates.workdays import FIRST_YEAR
from zhengling.kernel.errors import Language, Problem, Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.rulebook import Rulebook
from zhengling.service.auth import Principal
from zhengling.service.service import Service

#: Keys that a service adds for those who don't see the whole government: the meetings that somebody takes part in.
MoreKeys = Callable[["Call", frozenset[str]], Awaitable[frozenset[str]]]


@dataclass
class Call:
    """One authorised request in its transaction: the caller, the session and the rules in force. `by_post` if it is an act of
    office, which takes a post beside the scope."""

    principal: Principal
    session: AsyncSession
    service: Service
    language: Language
    if_match: int | None = None
    stale: Problem | None = None
    by_post: bool = False
    audit_details: dict[str, object] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()  # by which rows show themselves to the caller
    more: MoreKeys | None = None  # what the service adds to them

    @property
    def government(self) -> str:
        return self.principal.government

    @property
    def official(self) -> str | None:
        return self.principal.official

    @property
    def now(self) -> datetime:
        """Business time."""
        return now(self.session)

    @property
    def rulebook(self) -> Rulebook:
        """The edition in force today for the caller's government."""
        return self.service.rulebooks.current(self.government, self.now)

    def says(self, text: Text) -> str:
        """A text in the caller's language; in Chinese with this government's titles of roles."""
        said = text.in_language(self.language)
        if self.language != "zh":
            return said
        return self.service.rulebooks.in_own_titles(self.government, self.now, said)

    def occurred(self, stated: datetime | None) -> datetime:
        """The instant at which a fact occurred: as stated by the caller, else now. 422 if it is in the future or before the
        calendar's first year."""
        if stated is not None and stated > self.now:
            raise invalid(
                "occurred_in_the_future",
                f"occurred_at {stated.isoformat()} is in the future; now is {self.now.isoformat()}",
                "发生时间不能晚于当前时间",
            )
        if stated is not None and shanghai_day(stated).year < FIRST_YEAR:
            raise invalid(
                "occurred_too_long_ago",
                f"occurred_at {stated.isoformat()} is before {FIRST_YEAR}, the calendar's first year",
                f"发生时间早于工作日历起始年份{FIRST_YEAR}年",
            )
        return stated or self.now

    def check_version(self, version: int) -> None:
        """Note problem 412 unless If-Match is this version of the resource to change. The route answers it whatever becomes of
        the command, unless the caller may not give it: who may not change something isn't told its state. Nothing of a
        command on another version is kept."""
        if self.if_match != version:
            self.stale = stale(version)


async def require_post(call: Call) -> None:
    """403 `holds_no_post` unless the caller acts for an official who holds a post today. 409 `no_composition`."""
    composition, official = await compositions.current(call.session), call.official
    if official is None or not composition.serves(official, shanghai_day(call.now)):
        lawful = Text("have an official do it who holds a post with this right", "请由有权办理的在职人员办理")
        raise holds_no_post(official, lawful)


def stale(current: int) -> Problem:
    """412: the caller's version isn't the current one."""
    return Problem(
        412,
        "stale_etag",
        Text(f"it has changed: version {current} is current", f"内容已变更，当前版本为 {current}"),
        Text("read it again and repeat the change on the current version", "请重新读取当前版本后再修改"),
        extra={"current": current},
    )
