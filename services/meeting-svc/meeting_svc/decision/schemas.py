"""Payloads and views of decisions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, HttpUrl, StrictBool

from meeting_svc.decision.decision import Effect, ExecutionKind, PublicationState, Standing
from zhengling.events.meeting import Resolution, ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Instant
from zhengling.kernel.payload import SAYING, OccurredAt, Payload, Reason, View


class PublishDecision(Payload):
    """Either the publication (`published_at`, `channel`, perhaps `url`), or `withheld` with the `reason`."""

    published_at: Annotated[Instant | None, Field(description="when it became public; never in the future")] = None
    channel: Annotated[str, Field(max_length=100, examples=["政府门户网站"])] = ""
    url: Annotated[HttpUrl | None, Field(max_length=500)] = None
    withheld: StrictBool = False
    reason: Annotated[Reason | None, Field(description="why it is withheld")] = None
    correction: Annotated[Reason | None, Field(description="what was wrong, to correct an earlier record")] = None


class FollowExecution(Payload):
    kind: ExecutionKind
    text: Annotated[
        str,
        Field(min_length=2, max_length=4000, pattern=SAYING, description="the feedback, finding or adjustment"),
        SeveralLines,
    ]
    source: Annotated[str, Field(max_length=200, description="who gave it: those concerned, an evaluator")] = ""
    occurred_at: OccurredAt = None


# views --------------------------------------------------------------------------------------------------------------
class RevisionView(View):
    minutes_version: int
    effect: Effect
    reason: str
    changes: list[ResolutionChange]
    signed_by: str
    signed_at: datetime


class PublicationView(View):
    state: PublicationState
    by: str
    recorded_at: datetime
    published_at: datetime | None
    channel: str
    url: str | None
    reason: str
    correction: Annotated[str, Field(description="what was wrong in the earlier record, for a correction")]


class ExecutionView(View):
    kind: ExecutionKind
    text: str
    source: str
    by: str
    occurred_at: datetime
    recorded_at: datetime


class DecisionView(View):
    id: str
    version: int
    meeting_id: str
    topic_id: str
    resolution: Resolution
    standing: Standing
    signed_at: datetime | None
    quorum_clause: Annotated[
        str | None, Field(description="the clause of the quorum lost when it was deferred; no correction can decide it")
    ]
    revision: Annotated[int, Field(description="increases with every signed correction of the decision")]
    revisions: list[RevisionView]
    publication: PublicationState
    publication_clause: str | None
    publication_record: PublicationView | None
    earlier_publications: Annotated[
        list[PublicationView], Field(description="records of an earlier text, or wrong ones; oldest first")
    ]
    followed_clause: Annotated[
        str | None, Field(description="the clause by which its execution is followed up, as a major decision")
    ]
    executions: Annotated[list[ExecutionView], Field(description="feedback, evaluation and adjustment recorded so far")]
    ledger_expected: Annotated[
        bool | None,
        Field(
            description="whether an adopted decision gets a ledger entry: not where the meeting's rules have no ledger"
        ),
    ] = None
    ledger_number: str | None
    ledger_due: date | None
    ledger_state: Annotated[str | None, Field(description="the state of its entry in the ledger, to its closing")]
    ledger_lead: Annotated[Unit | None, Field(description="the unit that leads it there, perhaps after a transfer")]
    entry: Annotated[Reference | None, Field(description="its entry in the supervision ledger")]
    document: Annotated[Reference | None, Field(description="the document drafted for it, also if withdrawn since")]
    modified_at: datetime


class DecisionRecorded(DecisionView):
    meeting_version: Annotated[int, Field(description="the meeting's version, for If-Match of the next command")]
