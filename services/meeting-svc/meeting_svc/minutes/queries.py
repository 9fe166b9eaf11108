"""Queries of minutes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from meeting_svc.meeting import succession
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.minutes import document
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.minutes.case import corrected_by
from meeting_svc.minutes.minutes import Minutes, MinutesState
from meeting_svc.minutes.schemas import MinutesSummary, MinutesText, MinutesVersions, MinutesView
from meeting_svc.minutes.table import minutes as minutes_table
from meeting_svc.minutes.table import minutes_document
from zhengling.authority.chain import Course
from zhengling.documents import gbt9704
from zhengling.kernel.errors import not_found
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call
from zhengling.web.sight import seen, visible
from zhengling.web.steps import next_of

_NEWEST_FIRST = sa.text("number DESC")


async def version_of(call: Call, meeting_id: str, number: int | None) -> Minutes:
    """One version that the caller sees, by default the newest. 404 if there is none."""
    statement = sa.select(Minutes).where(visible(call, Minutes)).filter_by(meeting_id=meeting_id)
    statement = statement.order_by(_NEWEST_FIRST).limit(1)
    if number is not None:
        statement = statement.filter_by(number=number)
    if minutes := (await call.session.execute(statement)).scalar_one_or_none():
        return minutes
    raise not_found("minutes", "会议纪要", meeting_id if number is None else f"{meeting_id}/{number}")


class Newest(NamedTuple):
    """Facts of a meeting's newest version: whether it waits, and whether it concerns a major matter."""

    state: MinutesState
    major: bool


async def newest_of(call: Call, meeting_ids: list[str]) -> dict[str, Newest]:
    """The newest version of each meeting that has one, by one statement, without the texts."""
    columns = minutes_table.c
    newest = sa.select(columns.meeting_id, columns.state, columns.major).where(columns.meeting_id.in_(meeting_ids))
    newest = newest.ext(distinct_on(columns.meeting_id)).order_by(columns.meeting_id, columns.number.desc())
    return {row.meeting_id: Newest(MinutesState(row.state), row.major) for row in await call.session.execute(newest)}


async def minutes_view(call: Call, minutes: Minutes, meeting: Meeting) -> MinutesView:
    """The version with the next actors while it waits for a step, and the meeting's version for the next command."""
    book = call.service.rulebooks.find(call.government, meeting.edition)
    view = MinutesView(
        **MinutesText.model_validate(minutes).model_dump(),
        version=meeting.version,
        meeting_state=meeting.state,
        warnings=[each.in_language(call.language) for each in minutes_.warnings(minutes, meeting, book)],
    )
    if minutes.state == MinutesState.draft:
        kind = kind_of(call, meeting)
        facts_of = partial(minutes_.facts_of, meeting, minutes.major)
        composition = await compositions.current(call.session)
        at = succession.places(meeting, kind, composition, shanghai_day(call.now))
        course = Course(kind.minutes_chain, minutes.steps, facts_of(meeting.chair), at.context)
        view.next_step = next_of(call, course, composition, facts_of)
    return view


async def get_minutes(call: Call, meeting_id: str, number: int | None) -> MinutesView:
    """One version, by default the newest. 404 if there is none."""
    minutes = await version_of(call, meeting_id, number)
    return await minutes_view(call, minutes, await seen(call, Meeting, meeting_id, "meeting", "会议"))


async def list_versions(call: Call, meeting_id: str) -> MinutesVersions:
    await seen(call, Meeting, meeting_id, "meeting", "会议")
    statement = (
        sa.select(Minutes).where(visible(call, Minutes)).filter_by(meeting_id=meeting_id).order_by(_NEWEST_FIRST)
    )
    found = list((await call.session.execute(statement)).scalars())
    return MinutesVersions(
        items=[MinutesSummary.model_validate(each) for each in found],
        in_force=next((each.number for each in found if each.final), None),
    )


async def document_of(call: Call, meeting_id: str, number: int | None) -> tuple[str, bytes]:
    """A version as DOCX in the layout of GB/T 9704, with its file name: the stored document of a signed version;
    generated now if it isn't signed, or was signed before documents were stored."""
    minutes = await version_of(call, meeting_id, number)
    meeting = await seen(call, Meeting, meeting_id, "meeting", "会议")
    columns = minutes_document.c
    kept: bytes | None = await call.session.scalar(sa.select(columns.content).where(columns.id == minutes.id))
    if kept is None:
        layout = document.layout(minutes, await corrected_by(call.session, minutes))
        kept = await asyncio.to_thread(gbt9704.docx, layout)
    return document.file_name(minutes, meeting.title), kept
