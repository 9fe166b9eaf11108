"""Every event fits into a record that the broker takes, at the greatest that the API's own bounds allow."""

from __future__ import annotations

import typing
from datetime import UTC, date, datetime
from enum import Enum
from types import UnionType
from typing import Any
from uuid import uuid4

import pytest
from annotated_types import MaxLen
from pydantic import BaseModel

from calendar_svc.closure.schemas import ClosureRequest
from calendar_svc.notice.schemas import HolidayArrangement, NoticeRequest
from meeting_svc.composition.commands import MAX_EVENT_BYTES
from meeting_svc.convening.schemas import CallMeeting
from meeting_svc.meeting.record import OF_A_MEETING
from meeting_svc.minutes.schemas import CorrectMinutes
from meeting_svc.resolution.schemas import DecisionPayload, ReplaceDecision
from meeting_svc.topic.schemas import RecordGate, SubmitTopic
from oversight_svc.course.schemas import Refuse, ReportDone
from oversight_svc.entry.entry import CO_UNITS
from oversight_svc.part.schemas import Divide
from oversight_svc.pressure.pressure import MOST_RECIPIENTS
from oversight_svc.source.source import SOURCES
from zhengling.authority.composition import Organisation
from zhengling.backbone.reconciliation import CHUNK
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event
from zhengling.events.meeting import RESOLUTIONS_IN_AN_EVENT, CompositionChanged, MeetingClosed, Resolution
from zhengling.rules.supervision import Censure
from zhengling.rules.vocabulary import Aspect, Gate

#: What a producer sends at most, with the record's own overhead; Kafka's default is a mebibyte.
RECORD, OVERHEAD = 1_048_576, 4096
NOW = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
WIDE = "𠮷"  # four bytes, the most that a character takes in JSON beside those that are refused


def most(model: type[BaseModel], name: str) -> int:
    """The greatest length of a payload's text or list."""
    field = model.model_fields[name]
    found = [each.max_length for each in field.metadata if isinstance(each, MaxLen)]
    parts = [part for part in typing.get_args(field.annotation) if typing.get_origin(part) is typing.Annotated]
    found += [each.max_length for part in parts for each in _flat(part) if isinstance(each, MaxLen)]
    assert found, f"{model.__name__}.{name} has no bound"
    return max(found)


def _flat(part: Any) -> list[Any]:
    return [each for data in part.__metadata__ for each in (data, *getattr(data, "metadata", ()))]


KEY, RULE = 64, 100  # a code or id; a name, clause or code written in a rulebook
TITLE, TASK = most(SubmitTopic, "title"), most(DecisionPayload, "task")
NAME, UNITS = most(Organisation, "name"), most(DecisionPayload, "co_units")
REASON = max(most(ReplaceDecision, "reason"), most(CorrectMinutes, "reason"), most(ClosureRequest, "reason"))
#: The greatest length of each text of an event, by its name.
TEXTS = {
    **dict.fromkeys(
        ("decision_id", "topic_id", "meeting_id", "minutes_id", "document_id", "entry_id", "source_id", "absence_id",
         "government", "calendar", "code", "official", "signed_by", "on_behalf_of", "set_by", "refused_by", "decided_by",
         "candidates", "adopted_in_order", "responsible", "proposal_id", "instruction_id", "notice_id", "answered_by",
         "digest", "request", "aggregate_id", "reader", "source", "service", "noun", "id",
         "gate", "aspects", "events"), KEY),
    **dict.fromkeys(
        ("meeting_kind", "kind_name", "meeting_clause", "clause", "under", "edition", "issue", "number", "field",
         "due_rule", "source_kind", "state", "quality", "way", "censure", "among", "topic", "aggregate_type"), RULE),
    "carried_out_by": most(RecordGate, "carried_out_by"), "reference": most(RecordGate, "reference"),
    "title": TITLE, "task": TASK, "name": NAME, "reason": REASON, "meeting_title": most(CallMeeting, "title"),
    "before": max(TASK, (UNITS + 1) * (NAME + 1)), "after": max(TASK, (UNITS + 1) * (NAME + 1)),
    "text": max(most(ReportDone, "text"), most(Refuse, "reason")),
    "reason_en": REASON, "reason_zh": REASON, "channel": RULE,
    "why_en": 2 * REASON + 1000, "why_zh": 2 * REASON + 1000,
    "issuer": max(most(NoticeRequest, "issuer"), most(ClosureRequest, "ordered_by")), "notice": RULE,
    ("SpecialDay", "name"): max(most(HolidayArrangement, "name"), most(ClosureRequest, "reason")),
}  # fmt: skip
#: The greatest number of entries of each list.
LISTS = {
    "resolutions": RESOLUTIONS_IN_AN_EVENT, "co_units": CO_UNITS.most, ("Resolution", "co_units"): UNITS,
    "adopted_in_order": OF_A_MEETING.most, "changes": len(Resolution.model_fields),
    "days": 366, "notices": 366, "orders": 366, "stand_ins": 60, "vacancies": 30, "candidates": 60, "acts": 10,
    "decisions": OF_A_MEETING.most, "aspects": len(Aspect), "gates": len(Gate), "moved": 1, "missing": CHUNK, "last_seq": CHUNK,
    "sources": SOURCES.most, "parts": most(Divide, "parts"),
    "recipients": MOST_RECIPIENTS, "among": len(Censure), "received": 1, "denied": 1, "events": CHUNK,
}  # fmt: skip


def length(owner: str, name: str) -> int:
    """The greatest length of a list: of this event or part, else of any list of that name."""
    return LISTS.get((owner, name)) or LISTS[name]


def greatest(annotation: Any, owner: str, name: str) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return greatest(arguments[0], owner, name)
    if origin in (typing.Union, UnionType):
        return greatest(next(each for each in arguments if each is not type(None)), owner, name)
    if origin in (tuple, list):
        return [greatest(arguments[0], owner, name) for _ in range(length(owner, name))]
    if origin is dict:
        if arguments[0] is date:
            days = [date.fromordinal(date(2028, 1, 1).toordinal() + n) for n in range(length(owner, name))]
            return {day: greatest(arguments[1], owner, name) for day in days}
        return {f"{n:0>{KEY}}": greatest(arguments[1], owner, name) for n in range(length(owner, name))}
    if origin is typing.Literal:
        return max(arguments, key=lambda each: len(str(each)))
    if annotation is str:
        return WIDE * TEXTS.get((owner, name), TEXTS[name])  # type: ignore[call-overload]
    if annotation is bool:
        return False
    if annotation is int:
        return 2028 if name == "year" else 2**62
    if annotation in (date, datetime):
        return NOW if annotation is datetime else date(2028, 12, 31)
    if issubclass(annotation, Enum):
        return max(annotation, key=lambda each: len(each.value))
    assert issubclass(annotation, BaseModel), f"{owner}.{name}: {annotation}"
    return greatest_of(annotation)


def greatest_of(model: type[BaseModel]) -> dict[str, Any]:
    hints = typing.get_type_hints(model, include_extras=True)
    return {name: greatest(hints[name], model.__name__, name) for name in model.model_fields}


def size_of(event: Event) -> int:
    envelope = Envelope(
        id=str(uuid4()), source="/zhengling/oversight-svc", type=event.type, subject="s" * 255, time=NOW,
        government="g" * 255, aggregatetype=event.aggregate, sequence=2**62, correlationid=str(uuid4()),
        causationid=str(uuid4()), traceparent="0" * 55, data=event.model_dump(mode="json"),
    )  # fmt: skip
    return len(envelope.encode())


@pytest.mark.parametrize("event", [each for each in EVENTS.values() if each is not CompositionChanged])
def test_the_greatest_event_of_each_type_fits_into_a_record(event: type[Event]) -> None:
    size = size_of(event.model_validate(greatest_of(event)))
    assert size + OVERHEAD < RECORD, f"{event.type}: {size} bytes"


def test_a_composition_is_loaded_only_if_its_event_fits() -> None:
    """Its size is checked where it is loaded (`composition_too_large`)."""
    assert MAX_EVENT_BYTES + 2 * OVERHEAD < RECORD


def closed(resolutions: int) -> MeetingClosed:
    one = greatest_of(Resolution)
    many = [one | {"number": n, "decision_id": f"d{n}"} for n in range(1, resolutions + 1)]
    return MeetingClosed.model_validate(greatest_of(MeetingClosed) | {"resolutions": many, "part": 1, "parts": 1})


def test_the_close_of_the_longest_agenda_is_split_into_events_that_fit_and_carry_each_resolution_once() -> None:
    whole = closed(OF_A_MEETING.most)
    assert size_of(whole) > 4 * RECORD, "in one event it wouldn't fit"
    parts = whole.split()
    assert [(each.part, each.parts) for each in parts] == [(n, len(parts)) for n in range(1, len(parts) + 1)]
    assert [r.number for each in parts for r in each.resolutions] == list(range(1, OF_A_MEETING.most + 1))
    assert max(size_of(each) for each in parts) + OVERHEAD < RECORD
    assert {each.model_copy(update={"resolutions": (), "part": 1, "parts": 1}) for each in parts} == {
        whole.model_copy(update={"resolutions": ()})
    }


@pytest.mark.parametrize("resolutions", [0, 1, RESOLUTIONS_IN_AN_EVENT])
def test_the_close_of_an_ordinary_agenda_is_one_event(resolutions: int) -> None:
    whole = closed(resolutions)
    assert whole.split() == [whole]
    assert closed(RESOLUTIONS_IN_AN_EVENT + 1).split()[1].resolutions[0].number == RESOLUTIONS_IN_AN_EVENT + 1


def test_an_event_sent_before_the_close_could_be_split_is_read_as_the_only_one() -> None:
    sent = closed(1).model_dump(mode="json", exclude={"part", "parts"})
    read = MeetingClosed.model_validate(sent)
    assert (read.part, read.parts) == (1, 1)
