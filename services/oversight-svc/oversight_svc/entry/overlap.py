"""Whether a new matter is like one that is open already. It is flagged with why, and never held up. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rapidfuzz import fuzz

from oversight_svc.entry.entry import Entry, Likeness, Overlap
from zhengling.events.reference import Reference

#: How many overlaps a matter shows.
MOST = 10


class Compared(NamedTuple):
    """What is compared of a matter: its texts, the code of its lead unit, the id of its topic."""

    id: str
    number: str
    title: str
    task: str
    lead: str
    topic: str | None


def compared(entry: Entry) -> Compared:
    topic = entry.topic.id if entry.topic else None
    return Compared(entry.id, entry.number, entry.title, entry.task, entry.lead.code, topic)


def overlaps(new: Compared, others: Iterable[Compared], similar: int) -> list[Overlap]:
    """The open matters that a new one is like, the most similar first: from the same topic, or of the same lead with texts that
    are `similar` percent alike by their edit distance (normalised Indel similarity, `fuzz.ratio`), the titles or the tasks."""
    found = []
    for other in others:
        same = new.topic is not None and new.topic == other.topic
        if not same and new.lead != other.lead:
            continue
        least = 0 if same else similar  # a pair that can't reach it is left early, and scores 0
        score = max(
            fuzz.ratio(new.title, other.title, score_cutoff=least), fuzz.ratio(new.task, other.task, score_cutoff=least)
        )
        if same or score >= similar:
            reference = Reference(service="oversight", noun="entry", id=other.id, number=other.number)
            found.append(Overlap(reference, Likeness.same_topic if same else Likeness.similar, round(score)))
    return sorted(found, key=lambda each: (-each.score, each.entry.id))[:MOST]
