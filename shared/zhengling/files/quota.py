"""How many bytes a person and a government may upload a day (Asia/Shanghai, real time).

Invariant: bytes are claimed in a transaction of their own before they are read, so uploads at the same time, on any replica,
don't exceed a quota together; what a claim didn't use is given back. A process that dies keeps its claims until the day is over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.session import Database, backbone
from zhengling.kernel.errors import Problem, Text

_DAY = "(clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date"
_CLAIM = sa.text(f"""
    INSERT INTO upload_quota AS quota (government, person, day, bytes)
    SELECT current_government(), CAST(:person AS text), {_DAY}, CAST(:bytes AS bigint)
    WHERE CAST(:bytes AS bigint) <= CAST(:most AS bigint)
    ON CONFLICT (government, person, day) DO UPDATE SET bytes = quota.bytes + excluded.bytes
    WHERE quota.bytes + excluded.bytes <= CAST(:most AS bigint)
    RETURNING day
""")
_GIVE_BACK = sa.text("""
    UPDATE upload_quota SET bytes = greatest(bytes - CAST(:bytes AS bigint), 0)
    WHERE government = current_government() AND person IN (CAST(:person AS text), '') AND day = CAST(:day AS date)
""")
_LEFT = sa.text(
    f"SELECT ceil(extract(epoch FROM ({_DAY} + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' - clock_timestamp()))::int"
)
_FORGET = sa.text(f"DELETE FROM upload_quota WHERE government = current_government() AND day < {_DAY}")


@dataclass(frozen=True)
class Quota:
    """Bytes a day of one person and of one government; 0: no limit."""

    person: int
    government: int


@dataclass
class Claim:
    """The bytes claimed for one upload, and those that were read."""

    bytes: int
    used: int = 0


@asynccontextmanager
async def claimed(database: Database, government: str, person: str, size: int, quota: Quota) -> AsyncIterator[Claim]:
    """Claim `size` bytes of a person's and the government's quota for the block's time; afterwards what it didn't use is
    given back. 429 `upload_quota_used_up`, with Retry-After the rest of the day."""
    claim = Claim(size)
    limits = {name: most for name, most in ((person, quota.person), ("", quota.government)) if most}
    if not limits:
        yield claim
        return
    async with database.transaction(government) as session:
        for name, most in sorted(limits.items()):  # the government's row first, always
            day = await _claim(session, name, size, most)
    try:
        yield claim
    finally:
        if claim.used < size:
            async with database.transaction(government) as session:
                await backbone(session, _GIVE_BACK, {"bytes": size - claim.used, "person": person, "day": day})


async def _claim(session: AsyncSession, name: str, size: int, most: int) -> object:
    if day := (await backbone(session, _CLAIM, {"person": name, "bytes": size, "most": most})).scalar():
        return day
    whose, whose_zh = ("one person", "每人") if name else ("one government", "本级政府")
    seconds = (await backbone(session, _LEFT, {})).scalar_one()
    raise Problem(
        429,
        "upload_quota_used_up",
        Text(f"{whose} may upload {most} bytes a day", f"{whose_zh}每日上传不得超过{most}字节"),
        Text("go on tomorrow, or have the quota raised", "请次日再传，或申请提高限额"),
        extra={"limit": most},
        headers={"Retry-After": str(seconds)},
    )


async def forget(session: AsyncSession) -> None:
    """Delete the rows of past days, of the transaction's government."""
    await backbone(session, _FORGET, {})
