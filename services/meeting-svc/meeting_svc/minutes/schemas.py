"""Payloads and views of minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StrictBool, model_validator

from meeting_svc.decision.decision import Effect
from meeting_svc.meeting.meeting import MeetingState
from meeting_svc.minutes.minutes import Cause, MinutesState
from zhengling.authority.composition import Key
from zhengling.authority.schemas import NextStepView, StepView
from zhengling.events.meeting import Resolution, ResolutionChange
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.errors import Unfit
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason, View
from zhengling.rules.vocabulary import Difficulty, DocumentKind, FollowingDocument, InNameOf, Outcome

WholeText = Annotated[
    str | None,
    Field(
        min_length=10,
        max_length=200_000,
        pattern=SAYING,
        description="replaces the template's text; has to contain title and sentence of every decision verbatim",
    ),
    SeveralLines,
]


Copies = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=120, pattern=SAYING)]] | None,
    Field(
        max_length=300,
        description="who gets the minutes (分送), in the template's text; by default the meeting's members and the units "
        "of its roll call, topics and tasks",
        examples=[["会议组成人员", "区财政局", "区司法局"]],
    ),
    Once(),
]


# payloads -----------------------------------------------------------------------------------------------------------
class _Text(Payload):
    """The text as it is written, or the template's with others to send it to."""

    text: WholeText = None
    copies: Copies = None

    @model_validator(mode="after")
    def _copies_are_of_the_template(self) -> Self:
        if self.text is not None and self.copies is not None:
            raise Unfit(
                "copies are for the template's text: in a text of your own write the line 分送",
                "分送对象仅用于按模板生成的文本；自行起草的，请在正文中写明分送",
            )
        return self


class DraftMinutes(_Text):
    reason: Annotated[
        Reason | None, Field(description="why they are drafted again; required from the second draft on")
    ] = None
    major: Annotated[
        StrictBool, Field(description="they concern a major matter (重大事项); some chains depend on it")
    ] = False
    occurred_at: OccurredAt = None


class ReturnMinutes(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class WaiveMinutes(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class ResolutionChanges(Payload):
    """The fields of a decision to change; omitted fields are unchanged. `null` removes the due date, the kind
    of document, or in whose name it is issued; a document that isn't to be issued any more loses the latter two."""

    outcome: Outcome | None = None
    task: Annotated[str | None, Field(min_length=2, max_length=1000, pattern=SAYING)] = None
    lead: Key | None = None
    co_units: Annotated[list[Key] | None, Field(max_length=30), Once()] = None
    due: Day | None = None
    difficulty: Difficulty | None = None
    document: FollowingDocument | None = None
    may_be_published: StrictBool | None = None
    set_at_year_start: StrictBool | None = None
    document_kind: DocumentKind | None = None
    in_name_of: InNameOf | None = None

    @model_validator(mode="after")
    def _only_what_a_decision_may_lack_is_null(self) -> Self:
        given = self.model_fields_set - {"due", "document_kind", "in_name_of"}
        if nothing := [name for name in given if getattr(self, name) is None]:
            raise ValueError(f"{', '.join(sorted(nothing))} can't be null; omit unchanged fields")
        return self


class AmendDecision(Payload):
    """Either `changes`, or `revoked`."""

    decision_id: Annotated[str, Field(max_length=64)]
    changes: ResolutionChanges | None = None
    revoked: StrictBool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.revoked == (self.changes is not None):
            raise ValueError("expected either changes or revoked: true")
        return self


class CorrectMinutes(_Text):
    reason: Reason
    amendments: Annotated[list[AmendDecision], Field(default_factory=list, max_length=200), Once(by=("decision_id",))]
    major: StrictBool = False
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class ReturnedView(View):
    official: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    on_behalf_of: str | None
    under: str | None


class AmendmentView(View):
    decision_id: str
    effect: Effect
    after: Resolution
    changes: list[ResolutionChange]


class MinutesSummary(View):
    """A version without its text."""

    id: str
    meeting_id: str
    number: Annotated[int, Field(description="number of the version, from 1")]
    cause: Cause
    reason: str
    corrects: Annotated[int | None, Field(description="the version that it corrects")]
    major: bool
    state: MinutesState
    drafted_by: str
    drafted_at: datetime
    recorded_at: datetime
    steps: list[StepView]
    returned: ReturnedView | None
    amendments: list[AmendmentView]
    issue: Annotated[str | None, Field(description="the number of the minutes, given at the signature: 〔2026〕3号")]
    digest: Annotated[str | None, Field(description="SHA-256 of the text as signed")]
    signed_by: str | None
    signed_at: datetime | None


class MinutesText(MinutesSummary):
    text: str


class MinutesView(MinutesText):
    version: Annotated[
        int, Field(description="the meeting's version, as in the ETag, for If-Match of the next command")
    ]
    meeting_state: MeetingState
    next_step: NextStepView | None = None
    warnings: Annotated[list[str], Field(description="what will be missing once these minutes are signed")]


class MinutesVersions(View):
    """All versions, the newest first, and the number of the one in force."""

    items: list[MinutesSummary]
    in_force: int | None
