"""Records the content of each rulebook edition that this database was used with.

Invariant: a database is used with one content of an edition's revision. A government whose content changed under the same
revision is stopped; the others go on.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.session import enter_government
from zhengling.rules.loading import Rulebooks

log = logging.getLogger(__name__)
UNUSABLE = Gauge("zhengling_rulebook_unusable", "Governments stopped by their rulebook: 1, else 0", ["government"])

_EDITION = sa.text("""
    SELECT revision, digest FROM rulebook_edition WHERE government = :government AND edition = :edition
    ORDER BY revision DESC LIMIT 1
""")
_REMEMBER_EDITION = sa.text("""
    INSERT INTO rulebook_edition (government, edition, revision, digest)
    VALUES (:government, :edition, :revision, :digest) ON CONFLICT DO NOTHING
""")


async def remember_editions(session: AsyncSession, rulebooks: Rulebooks) -> None:
    """Record every edition's content, and stop each government of which one changed without a higher revision. Called
    once at the start of a process; sets the metric of all governments."""
    for government in rulebooks.governments:
        await enter_government(session, government)
        for book in rulebooks.editions(government):
            place = {"government": government, "edition": book.edition}
            known = (await session.execute(_EDITION, place)).first()
            if known and known.digest != book.digest and book.government.revision <= known.revision:
                rulebooks.stop(
                    government,
                    f"{government}/{book.edition}: the content changed but revision is still {book.government.revision}; "
                    f"raise revision in government.yaml above {known.revision}, or restore the old content",
                )
                continue
            row = place | {"revision": book.government.revision, "digest": book.digest}
            await session.execute(_REMEMBER_EDITION, row)
        findings = rulebooks.faults.get(government, [])
        for finding in findings:
            log.error("the rulebook of %s can't be used: %s", government, finding)
        UNUSABLE.labels(government).set(1 if findings else 0)
