"""Rules that a rulebook could hold and nobody would ever ask: each is refused by file, line and key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.rulebooks.test_rulebooks import finding, write
from zhengling.rules.conditions import WHEN
from zhengling.rules.places import Place
from zhengling.rules.rulebook import Rulebook

DEADLINES = """\
back: {clause: TV-2, before: 2, unit: working_day, of: meeting.day}
back-in-hours: {clause: TV-2, before: 24, unit: hour, of: meeting.day}
issue: {clause: TV-3, within: 5, unit: working_day, of: meeting.closed}
matter: {clause: TV-7, within: 7, unit: day, of: assignment}
deployed: {clause: TV-7, within: 7, unit: day, of: deployment}
rounds: {clause: TV-7, every: 2, unit: week, of: assignment}
trip: {clause: TV-8, before: 3, unit: day, of: departure}
year: {clause: TV-9, by: {month: 11, day: 30, year: previous}, of: meeting.day}
"""
MEETING = """\
executive:
  name: 常务会议
  clause: TV-4
  members: [head, deputies]
  chair: [{role: head}, {role: executive_deputy, when: {entrusted: true}}]
  topic: {clause: TV-5, steps: [{step: decide, by: head}]}
  agenda: {clause: TV-5, steps: [{step: approve, by: head}]}
  minutes: {clause: TV-6, steps: [{step: draft, by: office}, {step: sign, by: head}]}
"""
LEDGER = """\
ledger:
  clause: TV-7
  number: 测政督〔{year}〕{n}号
"""
ABSENCE = """\
requests:
  - {clause: TV-8, who: head}
"""
PLANNING = """\
requests:
  fair: {name: 展会, clause: TV-9}
"""

#: Section, the lines added to it, the beginning of the one finding.
ADDED = {
    "a topic's step on a fact of the chair": (
        "meetings", "  topic_form: {clause: TV-5, when: {entrusted: true}}\n",
        "meetings.yaml:9: executive.topic_form.when: entrusted isn't known for a topic; known there: raised_by, nature, ",
    ),
    "a table of due dates that counts back from a departure": (
        "supervision", "  due: [{clause: TV-7, rule: trip}]\n",
        "supervision.yaml:4: ledger.due.0.rule: trip must be a rule with within or by, of deployment or assignment",
    ),
    "a due date by rounds": (
        "supervision", "  due: [{clause: TV-7, rule: rounds}]\n",
        "supervision.yaml:4: ledger.due.0.rule: rounds must be a rule with within or by",
    ),
    "a due date from a deployment that the ledger doesn't know": (
        "supervision", "  due: [{clause: TV-7, rule: deployed}]\n",
        "supervision.yaml:4: ledger.due.0.rule: deployed counts from the deployment; state ledger.deployment",
    ),
    "a deployment from which nothing counts": (
        "supervision", "  deployment: {clause: TV-7, meeting_decision: meeting.day}\n",
        "supervision.yaml:4: ledger.deployment: no row of due counts from the deployment",
    ),
    "a due date by an aspect of the topic": (
        "supervision", "  due: [{clause: TV-7, when: {large_funds: true}, rule: matter}, {clause: TV-7}]\n",
        "supervision.yaml:4: ledger.due.0.when: large_funds isn't known for an entry of the ledger; known there: source, ",
    ),
    "a table of due dates with an uncovered case": (
        "supervision", "  due: [{clause: TV-7, when: {difficulty: [general, complex]}, rule: matter}]\n",
        "supervision.yaml:4: ledger.due: no row for the case that difficulty is long_term",
    ),
    "a row that no case reaches": (
        "supervision", "  due: [{clause: TV-7}, {clause: TV-7, when: {difficulty: general}, rule: matter}]\n",
        "supervision.yaml:4: ledger.due.1: no case reaches this row",
    ),
    "a weight that no case has": (
        "supervision", "weights: {clause: TV-7, rows: [{weight: 2}, {when: {difficulty: general}, weight: 3}]}\n",
        "supervision.yaml:4: weights.rows.1: no case reaches this row",
    ),
    "a weight by an aspect of the topic": (
        "supervision", "weights: {clause: TV-7, rows: [{when: {large_funds: true}, weight: 2}]}\n",
        "supervision.yaml:4: weights.rows.0.when: large_funds isn't known for an entry of the ledger; known there: source, ",
    ),
    "due dates set by the chair of a meeting": (
        "supervision", "  set_by: chair\n",
        "supervision.yaml:4: ledger.set_by.0: nobody is chair for an entry of the ledger; known there: head, ",
    ),
    "a follow-up of what wasn't adopted": (
        "meetings", "  follow_up: [{clause: TV-3, when: {outcome: noted}, deadlines: [issue]}]\n",
        "meetings.yaml:9: executive.follow_up.0.when: outcome is never noted for a document that a decision asks for; it can",
    ),
    "a follow-up with an uncovered case": (
        "meetings", "  follow_up: [{clause: TV-3, when: {outcome: passed}, deadlines: [issue]}]\n",
        "meetings.yaml:9: executive.follow_up: no row for the case that outcome is passed_in_principle",
    ),
    "a follow-up that counts from the meeting's day": (
        "meetings", "  follow_up: [{clause: TV-3, when: {}, deadlines: [issue, back]}]\n",
        "meetings.yaml:9: executive.follow_up.0.deadlines.1: back must be a rule with within or by, of meeting.closed",
    ),
    "papers due in hours before a day": (
        "meetings", "  papers: {clause: TV-5, deadline: back-in-hours}\n",
        "meetings.yaml:9: executive.papers.deadline: back-in-hours must be a rule with before, of meeting.day; in hours",
    ),
    "late papers without a deadline": (
        "meetings", "  papers: {clause: TV-5, admit_late: head, deadline_when: {raised_by: deputy}}\n",
        "meetings.yaml:9: executive.papers: without a deadline nothing is late: drop admit_late, deadline_when",
    ),
    "a quorum of more than all": (
        "meetings", "  quorum: {clause: TV-4, more_than: 3/2}\n",
        "meetings.yaml:9: executive.quorum: more_than 3/2: more than all can't be present; expected from 0 to below 1",
    ),
    "a quorum of more than the whole": (
        "meetings", "  quorum: {clause: TV-4, more_than: 1/1}\n",
        "meetings.yaml:9: executive.quorum: more_than 1: more than all can't be present",
    ),
    "a quorum of nobody": (
        "meetings", "  quorum: {clause: TV-4, at_least: 0/2}\n",
        "meetings.yaml:9: executive.quorum: at_least 0: expected above 0, to 1",
    ),
    "leave granted by the sponsor": (
        "meetings", "  leave: {clause: TV-4, leaders: chair, others: sponsor}\n",
        "meetings.yaml:9: executive.leave.others.0: nobody is sponsor for leave from a meeting; known there: head, ",
    ),
    "invitees approved under who chaired": (
        "meetings",
        "  invitees: {clause: TV-4, steps: {clause: TV-4, steps: [{step: approve, by: {role: head, when: {chaired: true}}}]}}\n",
        "meetings.yaml:9: executive.invitees.steps.steps.0.by.0.when: chaired isn't known for the agenda; known there: major",
    ),
    "a gate without the aspects that pass it": (
        "topics", "gates: [{gate: legality_review, clause: TV-5, blocks: scheduling}]\n",
        "topics.yaml:1: gates.0: any_of: state which topics pass this gate, one or more of normative_document, ",
    ),
    "a consultation for some aspects": (
        "topics",
        "consultation: {clause: TV-5}\n"
        "gates: [{gate: departments_consulted, clause: TV-5, blocks: scheduling, any_of: [budget]}]\n",
        "topics.yaml:2: gates.0: any_of: departments are consulted on every topic that concerns them",
    ),
    "a consultation that no rule carries": (
        "topics", "gates: [{gate: departments_consulted, clause: TV-5, blocks: scheduling}]\n",
        "topics.yaml:1: gates.0.gate: departments are consulted only under a rule of consultation; add consultation",
    ),
    "more forms of hearing views than there are": (
        "topics",
        "gates: [{gate: views_heard, clause: TV-5, blocks: scheduling, any_of: [budget], forms: 2, form_among: [survey]}]\n",
        "topics.yaml:1: gates.0: forms: there are only 1 to choose from",
    ),
    "a leader in charge of a leader's absence": (
        "absence", "  - {clause: TV-8, who: deputies, ask: [deputy_in_charge]}\n",
        "absence.yaml:3: requests.1.ask.0.by.0.role: nobody is deputy_in_charge for an absence; known there: head, ",
    ),
    "notice of an absence that counts back from a meeting": (
        "absence", "  - {clause: TV-8, who: deputies, notice: {rule: back}}\n",
        "absence.yaml:3: requests.1.notice.rule: back must be a rule with before, of departure",
    ),
    "a stand-in for no kind of absence": (
        "absence", "substitution: [{clause: TV-8, of: head, by: deputies, kinds: []}]\n",
        "absence.yaml:3: substitution.0.kinds: Tuple should have at least 1 item",
    ),
    "a lead time that runs forward": (
        "planning", "  match: {name: 比赛, clause: TV-9, lead: {rule: issue}}\n",
        "planning.yaml:3: requests.match.lead.rule: issue must be a rule with before, of meeting.day",
    ),
    "a request approved by the chair": (
        "planning", "  match: {name: 比赛, clause: TV-9, ask: {step: approve, by: chair}}\n",
        "planning.yaml:3: requests.match.ask.0.by.0.role: nobody is chair for a request for a meeting; known there: head, ",
    ),
    "a record of a meeting's decision where no meeting decides": (
        "planning", "  match: {name: 比赛, clause: TV-9, ask: {step: approve, by: head, recorded_by: office}}\n",
        "planning.yaml:3: requests.match.ask.0: recorded_by is only for the decision of a meeting",
    ),
}  # fmt: skip

#: What is replaced in the meeting, by what, the beginning of the one finding.
CHANGED = {
    "a signature on the funds": (
        "{step: sign, by: head}", "{step: sign, by: [{role: head, when: {large_funds: true}}]}",
        "meetings.yaml:8: executive.minutes.steps.1.by.0.when: large_funds isn't known for the minutes; known there: chaired, ",
    ),
    "minutes that nobody signs in some case": (
        "{step: sign, by: head}", "{step: sign, by: head, when: {major: true}}",
        "meetings.yaml:8: executive.minutes.steps: nobody signs if major is false",
    ),
    "a signature for which one case has nobody": (
        "{step: sign, by: head}", "{step: sign, by: {role: executive_deputy, when: {entrusted: true}}}",
        "meetings.yaml:8: executive.minutes.steps.1.by: nobody takes this step if entrusted is false",
    ),
    "a signer who never chairs": (
        "{step: sign, by: head}",
        "{step: sign, by: [head, {role: secretary_general, when: {chaired: true}}]}",
        "meetings.yaml:8: executive.minutes.steps.1.by.1: the condition never holds: secretary_general doesn't chair this kind",
    ),
    "a head who chairs by entrustment": (
        "{step: sign, by: head}",
        "{step: sign, by: [office, {role: head, when: {chaired: true, entrusted: true}}]}",
        "meetings.yaml:8: executive.minutes.steps.1.by.1: the condition never holds: head doesn't chair this kind so",
    ),
    "an actor whose condition is never the step's": (
        "{step: sign, by: head}",
        "{step: review, by: [office, {role: head, when: {major: false}}], when: {major: true}}, {step: sign, by: head}",
        "meetings.yaml:8: executive.minutes.steps.1.by.1: the condition never holds: in this step major is True",
    ),
    "an entrustment in a kind that nobody chairs by one": (
        ", {role: executive_deputy, when: {entrusted: true}}]", "]\n  entrusted_by: [head]",
        "meetings.yaml:6: executive.entrusted_by: nobody chairs this kind by entrustment; see chair",
    ),
    "an agenda without a step in some case": (
        "{step: approve, by: head}", "{step: approve, by: head, when: {major: true}}",
        "meetings.yaml:7: executive.agenda.steps: nobody takes a step if major is false",
    ),
    "a chair of the topic's unit's leave": (
        "members: [head, deputies]", "members: [head, deputy_in_charge]",
        "meetings.yaml:4: executive.members.1: nobody is deputy_in_charge for the members of a meeting; known there: head, ",
    ),
    "a topic's step by who entrusted the chair": (
        "{step: decide, by: head}", "{step: decide, by: entrusting_leader}",
        "meetings.yaml:6: executive.topic.steps.0.by.0.role: nobody is entrusting_leader for a topic; known there: head, ",
    ),
    "a quorum of a kind without members": (
        "  members: [head, deputies]\n", "  quorum: {clause: TV-4, more_than: 1/2}\n",
        "meetings.yaml:4: executive.quorum: a kind without members has no quorum",
    ),
    "a publication of what nobody decides": (
        "  minutes: {clause: TV-6, steps: [{step: draft, by: office}, {step: sign, by: head}]}\n",
        "  decides: false\n  publication: {clause: TV-6}\n",
        "meetings.yaml:9: executive.publication: a kind that doesn't decide has nothing to publish or to follow up",
    ),
}  # fmt: skip

SECTIONS = {"meetings": MEETING, "supervision": LEDGER, "absence": ABSENCE, "planning": PLANNING, "topics": ""}


@pytest.mark.parametrize("case", ADDED)
def test_what_its_place_never_gives_is_refused_with_what_is_known_there_for(case: str, tmp_path: Path) -> None:
    section, lines, expected = ADDED[case]
    written = {"meetings": MEETING, "supervision": LEDGER, "deadlines": DEADLINES}
    edition = write(tmp_path, **written | {section: SECTIONS[section] + lines})
    assert finding(edition).startswith(expected)


@pytest.mark.parametrize("case", CHANGED)
def test_a_condition_that_never_holds_and_a_case_that_nobody_sees_to_are_refused_for(case: str, tmp_path: Path) -> None:
    old, new, expected = CHANGED[case]
    assert MEETING.count(old) == 1
    edition = write(tmp_path, meetings=MEETING.replace(old, new), supervision=LEDGER, deadlines=DEADLINES)
    assert finding(edition).startswith(expected)


def schema(model: type[BaseModel], place: Place | None, seen: frozenset[type]) -> Iterator[tuple[str, Place | None]]:
    """Every `when` below a part of the schema, with the place that is declared for it."""
    for name, info in model.model_fields.items():
        here = next((each for each in info.metadata if isinstance(each, Place)), place)
        if WHEN in info.metadata:
            yield f"{model.__name__}.{name}", here
        for inner in models(info.annotation):
            if inner not in seen:
                yield from schema(inner, here, seen | {inner})


def models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from models(inner)


def test_every_condition_of_the_schema_has_a_place() -> None:
    found = list(schema(Rulebook, None, frozenset()))
    assert len({where for where, _ in found}) >= 9
    assert [where for where, place in found if place is None] == []
