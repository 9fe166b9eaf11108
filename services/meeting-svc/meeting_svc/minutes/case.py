"""What commands on minutes work on: the versions of a meeting's minutes, its topics and decisions."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.decision.decision import Amendment, Decision, Standing
from meeting_svc.decision.table import decision as decision_table
from meeting_svc.minutes.minutes import Minutes, MinutesState
from meeting_svc.topic.table import topic as topic_table
from meeting_svc.topic.topic import Topic
from zhengling.web.call import Call


# versions -----------------------------------------------------------------------------------------------------------
async def latest_of(call: Call, meeting_id: str) -> Minutes | None:
    """The newest version, locked."""
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(sa.text("number DESC")).limit(1)
    return (await call.session.execute(statement.with_for_update())).scalar_one_or_none()


async def in_force(call: Call, meeting_id: str) -> Minutes:
    """The version in force: the newest that is signed, or the chair's record that there are none."""
    final = (MinutesState.signed, MinutesState.waived)
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).where(sa.inspect(Minutes).columns.state.in_(final))
    return (await call.session.execute(statement.order_by(sa.text("number DESC")).limit(1))).scalar_one()


async def topics_of(call: Call, amendments: list[Amendment]) -> list[Topic]:
    """The topics of the decisions that change, locked in one order: after the meeting, before the decisions."""
    ids = [made.before.topic_id for made in amendments]
    statement = sa.select(Topic).where(topic_table.c.id.in_(ids)).order_by(topic_table.c.id).with_for_update()
    return list((await call.session.execute(statement)).scalars())


# the signature ------------------------------------------------------------------------------------------------------
async def decisions_of(call: Call, meeting_id: str) -> list[Decision]:
    """The meeting's decisions, locked, in the agenda's order; without what was taken back in the session."""
    standing = decision_table.c.standing != Standing.withdrawn
    statement = sa.select(Decision).filter_by(meeting_id=meeting_id).where(standing)
    statement = statement.order_by(decision_table.c.id).with_for_update()
    found = (await call.session.execute(statement)).scalars()
    return sorted(found, key=lambda decision: decision.resolution.number)
