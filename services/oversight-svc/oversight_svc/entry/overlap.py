"""Whether a new matter is like one that is open already. It is flagged with why, and never held up. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz

from oversight_svc.entry.entry import Entry, Likeness, Overlap
from zhengling.events.reference import Reference

#: How many overlaps a matter shows.
MOST = 10


def overlaps(entry: Entry, others: Iterable[Entry], similar: int) -> list[Overlap]:
    """The open matters that this one is like, the most similar first. Texts of the same lead are compared by their edit distance
    (normalised Indel similarity, `fuzz.ratio`), the titles and the tasks each."""
    found = []
    for other in others:
        score = round(max(fuzz.ratio(entry.title, other.title), fuzz.ratio(entry.task, other.task)))
        same = entry.topic is not None and other.topic is not None and entry.topic.id == other.topic.id
        if same or (score >= similar and entry.lead.code == other.lead.code):
            reference = Reference(service="oversight", noun="entry", id=other.id, number=other.number)
            found.append(Overlap(reference, Likeness.same_topic if same else Likeness.similar, score))
    return sorted(found, key=lambda each: (-each.score, each.entry.id))[:MOST]
