"""Payloads of the decisions of a session."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from zhengling.authority.composition import Key
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason
from zhengling.rules.vocabulary import Difficulty, DocumentKind, FollowingDocument, InNameOf, Outcome


# payloads -----------------------------------------------------------------------------------------------------------
class DecisionPayload(Payload):
    """A decision. An adopted one requires `task` and `lead`; otherwise they state what the meeting asked for."""

    outcome: Outcome
    task: Annotated[str, Field(max_length=1000, pattern=f"^$|{SAYING}", description="what is to be done")] = ""
    lead: Annotated[Key | None, Field(description="the one lead unit (牵头单位)")] = None
    co_units: Annotated[list[Key], Field(default_factory=list, max_length=30), Once()]
    due: Annotated[Day | None, Field(description="the due date, if the decision sets one")] = None
    difficulty: Difficulty = Difficulty.general
    document: FollowingDocument = FollowingDocument.none
    may_be_published: StrictBool = True
    set_at_year_start: Annotated[
        StrictBool,
        Field(description="the task was set at the year's start (年初确定): the work report, the yearly plan"),
    ] = False
    document_kind: Annotated[
        DocumentKind | None,
        Field(description="the kind of the document to be issued (文种), if the meeting decided on it"),
    ] = None
    in_name_of: Annotated[InNameOf | None, Field(description="in whose name it is to be issued")] = None


class RecordDecision(DecisionPayload):
    topic_id: Annotated[str, Field(max_length=64)]
    occurred_at: OccurredAt = None


class ReplaceDecision(DecisionPayload):
    """The whole decision, corrected, and what was wrong."""

    reason: Reason
    occurred_at: OccurredAt = None


class WithdrawDecision(Payload):
    reason: Reason
    occurred_at: OccurredAt = None
