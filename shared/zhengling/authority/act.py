"""A recorded act: the official, role, time, and for a stand-in the official acted for and the clause. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from zhengling.kernel.instants import to_the_minute
from zhengling.rules.vocabulary import Role

#: The minute in which something occurred, and when it was recorded: of what occurred in the same minute, the one recorded
#: first came first.
Moment = tuple[datetime, datetime]


@dataclass(frozen=True)
class Act:
    """Who acted, in which role and when; for a stand-in also on whose behalf and by which clause."""

    official: str
    occurred_at: datetime
    recorded_at: datetime
    role: Role | None = None
    on_behalf_of: str | None = None
    under: str | None = None

    @property
    def moment(self) -> Moment:
        return to_the_minute(self.occurred_at), self.recorded_at
