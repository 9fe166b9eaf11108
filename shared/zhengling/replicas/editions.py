"""Records the content of each rulebook edition that this database was used with."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.database.session import enter_government
from zhengling.rules.loading import Rulebooks

_EDITION = sa.text("""
    SELECT revision, digest FROM rulebook_edition WHERE government = :government AND edition = :edition
    ORDER BY revision DESC LIMIT 1
""")
_REMEMBER_EDITION = sa.text("""
    INSERT INTO rulebook_edition (government, edition, revision, digest)
    VALUES (:government, :edition, :revision, :digest) ON CONFLICT DO NOTHING
""")


class RulebookChanged(Exception):
    """An edition's content differs from the recorded one, without a higher revision."""


async def remember_editions(session: AsyncSession, rulebooks: Rulebooks) -> None:
    """Record every edition's content. Raises `RulebookChanged` if one changed without a higher revision."""
    for book in rulebooks.all():
        await enter_government(session, book.code)
        place = {"government": book.code, "edition": book.edition}
        known = (await session.execute(_EDITION, place)).first()
        if known and known.digest != book.digest and book.government.revision <= known.revision:
            raise RulebookChanged(
                f"{book.code}/{book.edition}: the content changed but revision is still {book.government.revision}; "
                f"raise revision in government.yaml above {known.revision}, or restore the old content"
            )
        await session.execute(_REMEMBER_EDITION, place | {"revision": book.government.revision, "digest": book.digest})
