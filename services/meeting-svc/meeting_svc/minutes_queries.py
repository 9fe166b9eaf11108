"""Reads of minutes."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from meeting_svc import minutes as minutes_
from meeting_svc import succession, tables
from meeting_svc.commands import kind_of
from meeting_svc.meeting import Meeting
from meeting_svc.minutes import Minutes, MinutesState
from meeting_svc.minutes_schemas import MinutesSummary, MinutesVersions, MinutesView
from meeting_svc.queries import next_of
from meeting_svc.step import next_step
from zhengling import gbt9704, references
from zhengling.db import load
from zhengling.deadlines import shanghai_day
from zhengling.errors import not_found
from zhengling.service import Call

_NEWEST_FIRST = sa.text("number DESC")


async def version_of(call: Call, meeting_id: str, number: int | None) -> Minutes:
    """One version, or the newest where none is named. 404 where there is none."""
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(_NEWEST_FIRST).limit(1)
    if number is not None:
        statement = statement.filter_by(number=number)
    if minutes := (await call.session.execute(statement)).scalar_one_or_none():
        return minutes
    raise not_found("minutes", "会议纪要", meeting_id if number is None else f"{meeting_id}/{number}")


async def major_of(call: Call, meeting_ids: list[str]) -> dict[str, bool]:
    """For meetings with minutes: whether the newest version says that it touches a major matter. One statement, without
    the texts."""
    columns = tables.minutes.c
    newest = sa.select(columns.meeting_id, columns.major).where(columns.meeting_id.in_(meeting_ids))
    newest = newest.ext(distinct_on(columns.meeting_id)).order_by(columns.meeting_id, columns.number.desc())
    return {row.meeting_id: row.major for row in await call.session.execute(newest)}


async def minutes_view(call: Call, minutes: Minutes) -> MinutesView:
    """The version with who is next while it waits for a step."""
    view = MinutesView.model_validate(minutes)
    if minutes.state == MinutesState.draft:
        meeting = await load(call.session, Meeting, minutes.meeting_id, "meeting", "会议")
        kind = kind_of(call, meeting)
        chain = kind.minutes_chain
        facts_of = partial(minutes_.facts_of, meeting, minutes.major)
        if step := next_step(chain, minutes.steps, facts_of(meeting.chair)):
            composition = await references.composition(call.session)
            at = succession.places(meeting, kind, composition, shanghai_day(call.now))
            view.next_step = next_of(call, chain, step, composition, facts_of, **at.context)
    return view


async def list_versions(call: Call, meeting_id: str) -> MinutesVersions:
    await load(call.session, Meeting, meeting_id, "meeting", "会议")
    statement = sa.select(Minutes).filter_by(meeting_id=meeting_id).order_by(_NEWEST_FIRST)
    found = list((await call.session.execute(statement)).scalars())
    return MinutesVersions(
        items=[MinutesSummary.model_validate(each) for each in found],
        in_force=next((each.number for each in found if each.final), None),
    )


async def document_of(call: Call, meeting_id: str, number: int | None) -> tuple[Minutes, bytes]:
    """A version as DOCX in the layout of GB/T 9704: as it was signed; laid out now where it isn't signed, or was before
    documents were kept."""
    minutes = await version_of(call, meeting_id, number)
    columns = tables.minutes_document.c
    kept: bytes | None = await call.session.scalar(sa.select(columns.content).where(columns.id == minutes.id))
    return minutes, kept or gbt9704.docx(minutes_.layout(minutes))
