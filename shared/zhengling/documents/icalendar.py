"""iCalendar (RFC 5545): renders events as a calendar that programs subscribe to. Pure."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from icalendar import Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from zhengling.kernel.errors import Language, Text
from zhengling.kernel.instants import shanghai_day

log = logging.getLogger(__name__)
PRODID = "-//Zhengling//Calendar feeds 1.0//ZH"
REFRESH = timedelta(hours=1)


_LINE_BREAK = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


# events, pure -------------------------------------------------------------------------------------------------------
class Status(StrEnum):
    tentative = "TENTATIVE"
    confirmed = "CONFIRMED"
    cancelled = "CANCELLED"


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a feed: whole days from `start` to `end`, both included, or from one instant to another.

    `uid` is stable, `sequence` counts the changes and `modified` is the last one; `path` is the event's path below the
    service's address. ValueError for a day with an instant, an end before the start, an instant without an offset.
    """

    uid: str
    summary: Text
    start: date
    end: date
    modified: datetime
    sequence: int = 0
    description: Text | None = None
    status: Status = Status.confirmed
    categories: tuple[Text, ...] = ()
    path: str | None = None
    location: str = ""

    def __post_init__(self) -> None:
        instants = [isinstance(moment, datetime) for moment in (self.start, self.end)]
        if any(instants) and not all(instants):
            raise ValueError(f"{self.uid}: start and end must both be days or both instants")
        given = [moment for moment in (self.start, self.end, self.modified) if isinstance(moment, datetime)]
        if not all(moment.tzinfo for moment in given):
            raise ValueError(f"{self.uid}: an instant needs its offset")
        if self.end < self.start:
            raise ValueError(f"{self.uid}: it ends before it starts")

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)


@lru_cache(maxsize=64)  # programs poll hourly and events seldom change; rendering 1,000 takes half a second
def render(name: str, domain: str, events: tuple[FeedEvent, ...], language: Language, address: str = "") -> bytes:
    """The iCalendar stream of these events in one language, under the calendar's name. The same events give the same
    bytes: an event's DTSTAMP is its last change (RFC 5545, 3.8.7.2). `domain` makes each uid globally unique; `address` is
    the service's, for an event's URL. Instants are in UTC, which needs no VTIMEZONE. An event that can't be rendered (its
    end is beyond the last year that iCalendar has) is logged and left out, and the others are rendered.
    """
    calendar = Calendar.new(prodid=PRODID, name=_clean(name), uid=f"feed@{domain}")
    calendar.add("REFRESH-INTERVAL", vDuration(REFRESH), {"VALUE": "DURATION"})  # RFC 7986, 5.7
    calendar.add("X-PUBLISHED-TTL", vDuration(REFRESH))
    calendar.add("X-WR-TIMEZONE", "Asia/Shanghai")
    rendered: list[tuple[date, str, Event]] = []
    for event in events:
        try:
            rendered.append((shanghai_day(event.start), event.uid, _component(event, domain, language, address)))
        except (OverflowError, ValueError):
            log.exception("%s is left out of the calendar: it can't be rendered", event.uid)
    for _, _, component in sorted(rendered, key=lambda each: each[:2]):
        calendar.add_component(component)
    return bytes(calendar.to_ical())


def _component(event: FeedEvent, domain: str, language: Language, address: str) -> Event:
    modified = event.modified.astimezone(UTC)
    component = Event.new(
        uid=f"{event.uid}@{domain}",
        stamp=modified,
        last_modified=modified,
        sequence=event.sequence,
        summary=_clean(event.summary.in_language(language)),
        description=_clean(event.description.in_language(language)) if event.description else None,
        start=event.start.astimezone(UTC) if isinstance(event.start, datetime) else event.start,
        end=event.end.astimezone(UTC) if isinstance(event.end, datetime) else event.end + timedelta(days=1),
        status=STATUS(event.status),
        transparency=TRANSP.TRANSPARENT if event.all_day else TRANSP.OPAQUE,
        url=f"{address}{event.path}" if address and event.path else None,
        location=_clean(event.location) or None,
    )
    if event.categories:
        component.categories = [_clean(category.in_language(language)) for category in event.categories]
    return component


def _clean(text: str) -> str:
    """Text that can't break out of its property: every character some reader takes for a line end becomes a line break,
    which is escaped; control characters, which RFC 5545 forbids, are removed."""
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", text))
