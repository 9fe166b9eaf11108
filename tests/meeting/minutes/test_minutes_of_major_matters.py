"""Minutes that touch a major matter, over rows in memory: the head sees them whatever the meeting made of the matter."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from meeting_svc.meeting.meeting import AgendaItem, Attendance, Meeting, MeetingState
from meeting_svc.minutes.commands import draft_minutes, take_minutes_step
from meeting_svc.minutes.schemas import DraftMinutes
from tests.conftest import composition_of
from tests.meeting.examples import CALENDAR, book
from tests.meeting.in_memory import Rows, commands_in_memory, versions
from tests.meeting.lawful import SHANGHAI
from zhengling.authority.schemas import TakeStep
from zhengling.kernel.errors import Problem
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import TopicNature

CLOSED_AT = datetime(2026, 3, 6, 11, tzinfo=SHANGHAI)


def test_minutes_of_a_meeting_that_deferred_a_major_matter_go_to_the_head_before_the_chair_signs_them() -> None:
    rows = Rows(book("xigang"), composition_of("xigang"), CALENDAR, CLOSED_AT + timedelta(hours=1))
    item = AgendaItem("deferred", "重大事项", TopicNature.deliberation, "xg-czj", major=True)
    meeting = Meeting(
        "m1", "xigang", book("xigang").edition, "special", "专题会议", CLOSED_AT.date(), "xg-czj-clerk",
        organised_by="xg-czj", state=MeetingState.closed, agenda=[item], chair="xg-exec",
        attendance=[Attendance("xg-exec", True)], opened_at=CLOSED_AT - timedelta(hours=1), closed_at=CLOSED_AT,
    )  # fmt: skip
    rows.add(meeting)
    sign, approve = TakeStep(step=StepName.sign), TakeStep(step=StepName.approve)
    with commands_in_memory():
        rows.run(draft_minutes, "xg-czj-clerk", "m1", DraftMinutes())
        with pytest.raises(Problem) as refused:
            rows.run(take_minutes_step, "xg-exec", "m1", sign)
        assert (refused.value.code, refused.value.extra["next_step"]) == ("step_out_of_order", "approve")
        rows.run(take_minutes_step, "xg-head", "m1", approve)
        rows.run(take_minutes_step, "xg-exec", "m1", sign)
    assert (meeting.state, versions(rows, "m1")[-1].signed_by) == (MeetingState.signed, "xg-exec")
