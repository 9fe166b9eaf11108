"""The act: who did something, in which role and when, for whom and under which clause. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from zhengling.rules.vocabulary import Role


@dataclass(frozen=True)
class Act:
    """Who did something, in which role, and when; for somebody who is away, on whose behalf and by which clause."""

    official: str
    occurred_at: datetime
    recorded_at: datetime
    role: Role | None = None
    on_behalf_of: str | None = None
    under: str | None = None
