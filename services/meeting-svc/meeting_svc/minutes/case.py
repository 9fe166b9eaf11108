"""The context of commands on minutes: the meeting, locked, with its rules, composition and newest version, each read
once; its decisions and their topics, locked in one order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.decision.table import decision as decision_table
from meeting_svc.meeting.case import MeetingCase, meeting_case
from meeting_svc.minutes.minutes import Minutes, MinutesState
from meeting_svc.topic.table import topic as topic_table
from meeting_svc.topic.topic import Topic
from zhengling.rules.meetings import Minutes as MinutesRules
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call


@dataclass
class MinutesCase(MeetingCase):
    """A meeting with its minutes; `latest` is their newest version, None before the first draft."""

    latest: Minutes | None

    @property
    def chain(self) -> MinutesRules:
        """The chain of the minutes; refusals name its clause."""
        return self.kind.minutes_chain

    @property
    def book(self) -> Rulebook:
        """The edition under which the meeting was called."""
        return self.call.service.rulebooks.edition(self.call.government, self.meeting.edition)


async def minutes_case(call: Call, meeting_id: str) -> MinutesCase:
    case = await meeting_case(call, meeting_id)
    return MinutesCase(call, case.meeting, case.kind, case.composition, await latest_of(call, meeting_id))


async def latest_of(call: Call, meeting_id: str) -> Minutes | None:
    """The newest version, locked."""
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(sa.text("number DESC")).limit(1)
    return (await call.session.execute(statement.with_for_update())).scalar_one_or_none()


async def in_force(call: Call, meeting_id: str) -> Minutes:
    """The version in force: the newest signed one, or the chair's record that there are no minutes."""
    final = (MinutesState.signed, MinutesState.waived)
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).where(sa.inspect(Minutes).columns.state.in_(final))
    return (await call.session.execute(statement.order_by(sa.text("number DESC")).limit(1))).scalar_one()


async def corrected_by(session: AsyncSession, minutes: Minutes) -> Minutes | None:
    """The version that a correction replaces; None for a version that corrects none."""
    if minutes.corrects is None:
        return None
    statement = sa.select(Minutes).filter_by(meeting_id=minutes.meeting_id, number=minutes.corrects)
    return (await session.execute(statement)).scalar_one()


async def topics_of(call: Call, ids: Iterable[str]) -> list[Topic]:
    """These topics, locked in one order: after the meeting, before the decisions."""
    statement = sa.select(Topic).where(topic_table.c.id.in_(list(ids))).order_by(topic_table.c.id).with_for_update()
    return list((await call.session.execute(statement)).scalars())


async def decisions_of(call: Call, meeting_id: str) -> list[Decision]:
    """The meeting's decisions, locked, in the agenda's order; without those withdrawn in the session."""
    standing = decision_table.c.standing != Standing.withdrawn
    statement = sa.select(Decision).filter_by(meeting_id=meeting_id).where(standing)
    statement = statement.order_by(decision_table.c.id).with_for_update()
    found = (await call.session.execute(statement)).scalars()
    return sorted(found, key=lambda decision: decision.resolution.number)
