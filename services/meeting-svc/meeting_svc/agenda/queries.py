"""Queries of how regularly agendas take up their periodic topic."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meeting_svc.agenda.schemas import AgendaRhythmView, Rhythms
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.table import meeting as meeting_table
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import TopicNature
from zhengling.web.call import Call
from zhengling.web.sight import visible


async def get_agenda_rhythm(call: Call) -> Rhythms:
    """For each kind with a periodic topic: the last session that took it up, and the number of sessions since. Which meeting it
    was is for those who see it."""
    items = []
    for name, kind in call.rulebook.meetings.items():
        if kind.rhythm:
            items.append(await _rhythm(call, name, kind, kind.rhythm.nature, kind.rhythm.clause))
    return Rhythms(items=items)


async def _rhythm(call: Call, name: str, kind: MeetingKind, nature: TopicNature, clause: str) -> AgendaRhythmView:
    columns = meeting_table.c
    held = sa.and_(columns.kind == name, columns.opened_at.is_not(None))
    with_it = held & sa.cast(columns.agenda, JSONB).contains(sa.cast([{"nature": nature.value}], JSONB))
    shown = visible(call, Meeting).label("shown")
    newest = sa.select(columns.id, columns.title, columns.day, columns.opened_at, shown).where(with_it)
    last = (await call.session.execute(newest.order_by(columns.opened_at.desc()).limit(1))).first()
    since = held & (columns.opened_at > last.opened_at) if last else held
    count = await call.session.scalar(sa.select(sa.func.count()).select_from(meeting_table).where(since))
    return AgendaRhythmView(
        kind=name,
        name=kind.name,
        nature=nature,
        clause=clause,
        last_held=last.day if last else None,
        meeting_id=last.id if last and last.shown else None,
        title=last.title if last and last.shown else None,
        sessions_since=count or 0,
    )
