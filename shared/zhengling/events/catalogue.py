"""All events of the system, in the order of the AsyncAPI document. New events are added here."""

from __future__ import annotations

from zhengling.events.backbone import (
    EventsMissed,
    SequencesReported,
)
from zhengling.events.calendar import (
    AbsenceApproved,
    AbsenceCancelled,
    AbsenceEntrusted,
    AbsenceExtended,
    AbsenceRefused,
    AbsenceReturned,
    WorkdaysChanged,
)
from zhengling.events.docflow import (
    DocflowDeadlinesRecomputed,
    DocumentAmended,
    DocumentDrafted,
    DocumentDueMoved,
    DocumentWithdrawn,
)
from zhengling.events.event import Event
from zhengling.events.meeting import (
    CompositionChanged,
    DecisionAdopted,
    DecisionAmended,
    DecisionReplaced,
    DecisionRevoked,
    MeetingClosed,
    MeetingDeadlinesRecomputed,
    MinutesSigned,
)
from zhengling.events.oversight import (
    EntryAccepted,
    EntryAmended,
    EntryClosed,
    EntryDivided,
    EntryDueMoved,
    EntryDueSet,
    EntryExplained,
    EntryLookedBack,
    EntryMerged,
    EntryOpened,
    EntryOverdue,
    EntryProgressed,
    EntryRefused,
    EntryReopened,
    EntryReported,
    EntryReturned,
    EntryRevoked,
    EntrySeparated,
    EntryTransferred,
    EntryUrged,
    EntryVerified,
    NoticeAnswered,
    NoticeOverdue,
    NoticeRequested,
    OversightDeadlinesRecomputed,
    ProposalDecided,
    ProposalMade,
)

#: CloudEvents type → event class.
EVENTS: dict[str, type[Event]] = {
    event.type: event
    for event in (
        SequencesReported,
        EventsMissed,
        CompositionChanged,
        MeetingClosed,
        MinutesSigned,
        DecisionAdopted,
        DecisionReplaced,
        DecisionAmended,
        DecisionRevoked,
        DocumentDrafted,
        DocumentDueMoved,
        DocumentAmended,
        DocumentWithdrawn,
        EntryOpened,
        EntryDueSet,
        EntryDueMoved,
        EntryOverdue,
        EntryAmended,
        EntryRevoked,
        EntryAccepted,
        EntryRefused,
        EntryTransferred,
        EntryProgressed,
        EntryExplained,
        EntryReported,
        EntryVerified,
        EntryReturned,
        EntryClosed,
        EntryLookedBack,
        EntryReopened,
        EntryMerged,
        EntrySeparated,
        EntryDivided,
        EntryUrged,
        ProposalMade,
        ProposalDecided,
        NoticeRequested,
        NoticeAnswered,
        NoticeOverdue,
        WorkdaysChanged,
        MeetingDeadlinesRecomputed,
        DocflowDeadlinesRecomputed,
        OversightDeadlinesRecomputed,
        AbsenceApproved,
        AbsenceRefused,
        AbsenceEntrusted,
        AbsenceExtended,
        AbsenceReturned,
        AbsenceCancelled,
    )
}

#: Service with deadlines → its event that reports their recomputation.
RECOMPUTED: dict[str, type[MeetingDeadlinesRecomputed | DocflowDeadlinesRecomputed | OversightDeadlinesRecomputed]] = {
    "meeting": MeetingDeadlinesRecomputed,
    "docflow": DocflowDeadlinesRecomputed,
    "oversight": OversightDeadlinesRecomputed,
}
