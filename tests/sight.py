"""The model of who sees what, against which the services are tested and from which docs/architecture/identity.md has its table:
which operations answer to whom, which things they show, and which kind of caller sees which kind of thing."""

from __future__ import annotations

from enum import StrEnum

from zhengling.web.sight import Sees


class Caller(StrEnum):
    """Kinds of callers, with the words of the table."""

    office = "the office"
    leader = "a leader"
    own = "a unit of the matter"
    present = "a participant"
    lead = "a lead unit"
    outsider = "another official"
    former = "a former official"
    unknown = "an unknown official"
    system = "a system"
    restricted = "a system with `restricted`"


_C = Caller
_GOVERNMENT = {_C.office, _C.leader, _C.system, _C.restricted}
_IN_OFFICE = set(Caller) - {_C.former, _C.unknown}
#: Thing → who sees it.
THINGS: dict[str, set[Caller]] = {
    "a topic in review": _GOVERNMENT | {_C.own},
    "a topic that needs secrecy": {_C.office, _C.leader, _C.restricted, _C.own},
    "a paper of a topic": _GOVERNMENT | {_C.own},
    "a file, in the list of files": {_C.office, _C.leader, _C.restricted, _C.own},
    "a meeting": _GOVERNMENT | {_C.own, _C.present},
    "minutes that aren't signed": _GOVERNMENT | {_C.own},
    "signed minutes": _GOVERNMENT | {_C.own, _C.present},
    "a decision that isn't to be published": _GOVERNMENT | {_C.own, _C.present, _C.lead},
    "a decision that may be published": _IN_OFFICE,
    "a published decision": set(Caller),
    "docflow's copy of a decision that isn't to be published": _GOVERNMENT | {_C.lead},
    "an entry of the ledger": _GOVERNMENT | {_C.lead},
    "a line of the ledger's workbook": _GOVERNMENT | {_C.lead},
    "a unit in the ledger's numbers": _GOVERNMENT | {_C.lead},
    "a document in preparation": _GOVERNMENT | {_C.own},
    "a planning request": _GOVERNMENT | {_C.own},
    "a yearly plan": _IN_OFFICE,
    "an item of a plan that isn't adopted": _GOVERNMENT | {_C.own},
    "an absence that is asked for": _GOVERNMENT | {_C.own},
    "an approved absence": _IN_OFFICE,
    "the reason of an absence": {_C.office, _C.leader, _C.restricted, _C.own},
    "a leader's days of field research": _GOVERNMENT,
    "the composition": _IN_OFFICE,
    "circulars, the cadence of meetings, changes of the calendar": _IN_OFFICE,
    "the rules and the calendar": set(Caller),
    "attendance and the register of numbers": _GOVERNMENT,
    "a proposal against a unit": _GOVERNMENT,
    "a notice of supervision that isn't signed": _GOVERNMENT,
    "a signed notice of supervision": _GOVERNMENT | {_C.lead},
    "a link to a feed": {_C.own},
    "the service's operation": set(),
    "the service's health": set(Caller),
}
NOTES = {
    "a unit of the matter": "the sponsor, those concerned, the organiser; of an absence the official",
    "a leader": "of an absence's reason only who decides on it",
    "a lead unit": "and co-units, once the decision is in force",
    "the service's operation": "failed and forged events, the audit, stored contents, previews of loads: with `<service>:admin`",
}

#: Operation → who sees what it answers. Operations of several services are named once.
OPERATIONS: dict[str, Sees] = {
    **dict.fromkeys(
        (
            "list_topics", "get_topic", "list_meetings", "get_meeting", "list_decisions", "get_decision", "get_minutes",
            "get_minutes_document", "list_minutes_versions", "get_minutes_version", "get_minutes_version_document",
            "list_planning_requests", "get_planning_request", "list_meeting_plans", "get_meeting_plan",
            "list_meeting_plan_deadlines", "get_calendar_feed", "list_files", "get_file", "list_documents", "get_document",
            "list_document_deadlines", "list_known_decisions", "get_known_decision", "list_entries", "get_entry",
            "explain_entry_due", "list_entry_deadlines", "list_entry_acts", "list_entry_pressure",
            "get_entry_numbers", "get_entries_workbook", "list_supervised_units",
            "list_supervision_notices", "get_supervision_notice", "list_supervision_notice_deadlines",
            "list_absences", "get_absence", "get_field_research",
        ),
        Sees.rows,
    ),
    **dict.fromkeys(
        (
            "list_meeting_kinds", "get_meeting_kind", "list_planning_request_types", "get_rulebook_state", "get_calendar",
            "list_days", "get_year", "list_year_versions", "list_notices", "list_closures", "get_closure", "preview_closure",
            "compute_deadlines",
        ),
        Sees.everybody,
    ),
    **dict.fromkeys(
        (
            "get_composition", "export_composition", "get_composition_template", "list_composition_versions",
            "get_composition_changes", "list_officials", "get_official", "list_posts", "get_cadence", "get_agenda_rhythm",
            "list_attendance_circulars", "list_away", "get_operation",
        ),
        Sees.in_office,
    ),
    **dict.fromkeys(
        (
            "get_attendance", "get_attendance_workbook", "list_numbers", "get_numbers_workbook", "list_proposals",
            "get_proposal",
        ),
        Sees.government,
    ),
    **dict.fromkeys(
        (
            "preview_composition", "list_failed_events", "list_denied_events", "list_poison", "verify_audit",
            "preview_notice",
        ),
        Sees.administrators,
    ),
    "list_feeds": Sees.own,
}  # fmt: skip
#: Reads that ask by themselves, with the reason.
BY_THEMSELVES = {
    "download_file": "asks twice, before and after the store, as `get_file` does",
    "verify_files": "the scope admin; reads the store between transactions",
    "get_feed_by_link": "a link without a token shows what its maker sees",
    "livez": "the process's health", "readyz": "the process's health",
}  # fmt: skip

_TOPICS = ("a topic in review", "a topic that needs secrecy")
_DECISIONS = ("a decision that isn't to be published", "a decision that may be published")
_MINUTES = ("minutes that aren't signed", "signed minutes")
_ABSENCES = ("an absence that is asked for", "an approved absence")
_FEEDS = ("a meeting", "an entry of the ledger", "a document in preparation", "the rules and the calendar")
#: Operation → the things that its answers show, each to those whom `THINGS` names. Those of several services show those of
#: the service.
SHOWS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("list_topics", "get_topic"), _TOPICS),
    **dict.fromkeys(("list_meetings", "get_meeting"), ("a meeting",)),
    **dict.fromkeys(("list_decisions", "get_decision"), _DECISIONS),
    **dict.fromkeys(
        (
            "get_minutes", "get_minutes_document", "list_minutes_versions", "get_minutes_version",
            "get_minutes_version_document",
        ),
        _MINUTES,
    ),
    **dict.fromkeys(("list_planning_requests", "get_planning_request"), ("a planning request",)),
    **dict.fromkeys(
        ("list_meeting_plans", "get_meeting_plan", "list_meeting_plan_deadlines"), ("a yearly plan",)
    ),
    **dict.fromkeys(("get_calendar_feed", "get_feed_by_link"), _FEEDS),
    "list_feeds": ("a link to a feed",),
    "list_files": ("a file, in the list of files",),
    **dict.fromkeys(("get_file", "download_file"), ("a paper of a topic",)),
    **dict.fromkeys(
        ("list_documents", "get_document", "list_document_deadlines"), ("a document in preparation",)
    ),
    **dict.fromkeys(
        ("list_known_decisions", "get_known_decision"),
        ("docflow's copy of a decision that isn't to be published", "a decision that may be published"),
    ),
    **dict.fromkeys(
        ("list_entries", "get_entry", "explain_entry_due", "list_entry_deadlines", "list_entry_acts", "list_entry_pressure"),
        ("an entry of the ledger",),
    ),
    "get_entries_workbook": ("a line of the ledger's workbook",),
    **dict.fromkeys(("get_entry_numbers", "list_supervised_units"), ("a unit in the ledger's numbers",)),
    **dict.fromkeys(("list_absences", "get_absence"), _ABSENCES),
    "list_away": ("an approved absence",),
    "get_field_research": ("a leader's days of field research",),
    **dict.fromkeys(
        (
            "get_composition", "export_composition", "get_composition_template", "list_composition_versions",
            "get_composition_changes", "list_officials", "get_official", "list_posts",
        ),
        ("the composition",),
    ),
    **dict.fromkeys(
        ("get_cadence", "get_agenda_rhythm", "list_attendance_circulars", "get_operation"),
        ("circulars, the cadence of meetings, changes of the calendar",),
    ),
    **dict.fromkeys(
        (
            "list_meeting_kinds", "get_meeting_kind", "list_planning_request_types", "get_rulebook_state", "get_calendar",
            "list_days", "get_year", "list_year_versions", "list_notices", "list_closures", "get_closure", "preview_closure",
            "compute_deadlines",
        ),
        ("the rules and the calendar",),
    ),
    **dict.fromkeys(
        ("get_attendance", "get_attendance_workbook", "list_numbers", "get_numbers_workbook"),
        ("attendance and the register of numbers",),
    ),
    **dict.fromkeys(
        ("list_supervision_notices", "get_supervision_notice", "list_supervision_notice_deadlines"),
        ("a notice of supervision that isn't signed", "a signed notice of supervision"),
    ),
    **dict.fromkeys(("list_proposals", "get_proposal"), ("a proposal against a unit",)),
    **dict.fromkeys(
        (
            "preview_composition", "list_failed_events", "list_denied_events", "list_poison", "verify_audit",
            "preview_notice", "verify_files",
        ),
        ("the service's operation",),
    ),
    **dict.fromkeys(("livez", "readyz"), ("the service's health",)),
}  # fmt: skip
#: Operations that show each thing by itself; the others answer as a whole, or refuse.
BY_ROW = {name for name, sees in OPERATIONS.items() if sees in (Sees.rows, Sees.own)} | {
    "download_file",
    "get_feed_by_link",
}
#: Operations of which nothing works for who holds no post, whatever it shows.
WITH_A_POST = {"get_feed_by_link"}


def table() -> str:
    """The matrix as Markdown."""
    lines = [f"| | {' | '.join(Caller)} |", f"|---|{':-:|' * len(Caller)}"]
    lines += [f"| {thing} | {' | '.join('✓' if c in seen else '' for c in Caller)} |" for thing, seen in THINGS.items()]
    return "\n".join(lines)
