"""The context of a meeting's commands: the meeting, locked, with its rules and the composition, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meeting_svc.meeting import chairing, succession
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.table import meeting as meeting_table
from meeting_svc.meeting_kind.case import kind_of
from zhengling.authority.act import Act
from zhengling.authority.chain import Attempt, Course, StepTaken
from zhengling.authority.composition import Acting, Composition, require_office
from zhengling.authority.schemas import TakeStep
from zhengling.database.session import lock
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import Chain
from zhengling.rules.conditions import Facts
from zhengling.rules.meetings import MeetingKind
from zhengling.web.call import Call


async def entrusted_chairs(call: Call) -> set[tuple[str, str]]:
    """The officials entrusted with chairing a meeting in preparation, with the meeting's kind."""
    meeting = meeting_table.c
    to = sa.type_coerce(meeting.entrustment, JSONB)["to"].astext
    given = sa.select(meeting.kind, to).where(meeting.state.in_(meetings.PREPARED), to.is_not(None))
    return {(kind, official) for kind, official in await call.session.execute(given)}


@dataclass
class MeetingCase:
    """A meeting, locked in the version that the caller saw, with its rules and the composition."""

    call: Call
    meeting: Meeting
    kind: MeetingKind
    composition: Composition

    @property
    def today(self) -> date:
        return shanghai_day(self.call.now)

    def act(self, stated: datetime | None, acting: Acting | None = None) -> Act:
        """The caller's act, at the stated time; with the role where one was required."""
        official, occurred_at = self.call.official or "", self.call.occurred(stated)
        if acting is None:
            return Act(official, occurred_at, self.call.now)
        self.call.audit_details.update(acting.behalf)
        return Act(official, occurred_at, self.call.now, acting.role, acting.on_behalf_of, acting.clause)


async def meeting_case(call: Call, meeting_id: str) -> MeetingCase:
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    return MeetingCase(call, meeting, kind_of(call, meeting), await compositions.current(call.session))


def _course(case: MeetingCase, chain: Chain, taken: list[StepTaken], facts: Facts | None = None) -> Course:
    places = succession.places(case.meeting, case.kind, case.composition, case.today)
    facts = meetings.minutes_facts(case.meeting, case.call.official) | (facts or {})
    return Course(chain, taken, facts, places.context, places.succeeded)


def require_part(case: MeetingCase, chain: Chain, taken: list[StepTaken]) -> None:
    """403 `not_the_actor` for who takes no step of one of the meeting's chains; before anything of its state is said."""
    _course(case, chain, taken).require_part(case.call.official, case.today, case.composition)


async def step_of_meeting(
    case: MeetingCase, chain: Chain, taken: list[StepTaken], body: TakeStep, facts: Facts | None = None
) -> StepTaken:
    """The next step of one of the meeting's chains, taken; `facts` are additional facts that the chain depends on."""
    call, meeting, kind = case.call, case.meeting, case.kind
    attempt = Attempt(body.step, call.official, call.occurred(body.occurred_at), call.now, body.opinion)
    step = _course(case, chain, taken, facts).take(attempt, case.composition)
    acting = Acting(step.role, step.on_behalf_of)
    chairing.require_entrusted_chair(meeting, kind, case.composition, acting, step.official)
    call.audit_details.update(step.behalf)
    return step


def organised(case: MeetingCase, act: Text) -> None:
    organised_by = case.meeting.organised_by
    meetings.require_organiser(case.kind, case.composition, case.call.official, organised_by, case.today, act)


def office(case: MeetingCase, act: Text, clause: str | None) -> None:
    require_office(case.composition, case.call.official, case.today, act, clause)


def office_act(case: MeetingCase, stated: datetime | None, act: Text, clause: str | None) -> Act:
    """An act of the office. Problem 403 `not_the_office` for anybody else."""
    office(case, act, clause)
    return case.act(stated)
