"""Every kind of meeting as transcribed from the articles, compared with the shipped data."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from zhengling.rules.chains import Chain
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.loading import load_edition
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.rulebook import Rulebook

BOOKS: dict[str, Rulebook] = {
    folder.name: load_edition(next(folder.iterdir())) for folder in (ROOT / "rulebooks").iterdir() if folder.is_dir()
}
DEPARTMENT: Facts = {"raised_by": "department", "nature": "deliberation", "specially_urgent": False, "major": False}

#: kind → its clause, members, who chairs (* where entrusted), cadence (every n units, at least m), chain of a department's
#: topic for deliberation, chain of the minutes; "–" where the article says nothing.
KINDS = {
    "dalian party-group": (
        "DL-36", "party_group", "party_secretary", "–",
        "decide party_secretary, approve_papers party_secretary", "draft office, sign party_secretary",
    ),
    "dalian plenary": (
        "DL-37", "head deputies secretary_general constituent_department_principals", "head", "3 month 1",
        "propose office, review secretary_general, decide head, approve_papers head", "draft office, sign head",
    ),
    "dalian executive": (
        "DL-38", "head deputies secretary_general", "head", "1 month 1",
        "collect office, review secretary_general, endorse executive_deputy, decide head, "
        "approve_papers head/executive_deputy", "draft office, sign head",
    ),
    "dalian head-office": (
        "DL-39", "–", "head deputies", "–",
        "review office, review secretary_general, decide deputy_in_charge/head, approve_papers chair",
        "draft office, sign chair",
    ),
    "dalian business": (
        "DL-40", "–", "secretary_general* deputy_secretary_general*", "–",
        "review office, review secretary_general, decide deputy_in_charge/head",
        "draft office, review chair, sign entrusting_leader",
    ),
    "xigang plenary": (
        "XG-31", "head deputies unit_principals", "head", "6 month 1",
        "review deputy_in_charge, decide head", "draft office, sign head",
    ),
    "xigang executive": (
        "XG-32", "head deputies", "head executive_deputy*", "1 month 2",
        "review deputy_in_charge, collect office, review office_director, endorse executive_deputy, decide head, "
        "review_papers office_director, approve_papers head/executive_deputy", "draft office, sign head/executive_deputy",
    ),
    "xigang head-office": ("XG-33", "–", "head", "–", "decide head", "draft office, sign head"),
    "xigang special": (
        "XG-33", "–", "deputies* deputy_in_charge", "–", "decide deputy_in_charge", "draft sponsor/office, sign chair",
    ),
    "xigang study": ("XG-38", "head deputies unit_principals", "head", "2 month 1", "decide head", "–"),
    "shuangtaizi plenary": (
        "ST-37", "head deputies constituent_department_principals", "head", "6 month 1",
        "review deputy_in_charge, collect office, decide head, review_papers office, approve_papers head",
        "draft office, sign head",
    ),
    "shuangtaizi executive": (
        "ST-38", "head deputies party_group", "head executive_deputy*", "2 week 1",
        "review deputy_in_charge, collect office, decide head, review_papers office, approve_papers head",
        "draft office, sign head",
    ),
    "shuangtaizi head-office": (
        "ST-40", "–", "head deputies*", "–", "propose head", "draft office, sign chair",
    ),
    "shuangtaizi business": ("ST-41", "–", "deputy_in_charge", "–", "propose chair", "draft office, sign chair"),
    "huancui plenary": (
        "HC-42", "head deputies party_group department_principals", "head", "–", "decide head",
        "draft office, review office_director, review office_deputy_director, sign chair",
    ),
    "huancui executive": (
        "HC-43", "head deputies party_group", "head executive_deputy*", "2 week 1",
        "review_papers office, approve_papers deputy_in_charge",
        "draft office, review office_director, review office_deputy_director, sign chair",
    ),
    "huancui head-office": (
        "HC-44", "head deputies", "head", "–", "review_papers office, approve_papers deputy_in_charge",
        "draft office, review office_director, review office_deputy_director, sign chair",
    ),
    "huancui special": (
        "HC-45", "–", "head deputies office_director* office_deputy_director*", "–", "decide chair",
        "draft office, sign chair",
    ),
    "huancui work-1": (
        "HC-46", "deputies office_director department_principals town_and_street_principals", "head", "–",
        "decide head", "–",
    ),
    "huancui work-2": ("HC-46", "deputy_principals", "deputy_in_charge", "–", "decide chair", "–"),
    "zhanqian plenary": (
        "ZQ-19", "head deputies constituent_department_principals", "head", "6 month 1",
        "propose deputy_in_charge, collect office, decide head, review_papers office, approve_papers head",
        "draft office, sign head",
    ),
    "zhanqian executive": (
        "ZQ-20", "head deputies", "head executive_deputy*", "2 week 1",
        "propose deputy_in_charge, collect office, decide head, review_papers office, approve_papers head",
        "draft office, sign head",
    ),
    "zhanqian head-office": (
        "ZQ-23", "–", "head", "–", "propose deputy_in_charge, decide head", "draft office, sign head",
    ),
    "zhanqian special": ("ZQ-23", "–", "deputies* deputy_in_charge", "–", "decide chair", "draft office, sign chair"),
    "zhanqian study": ("ZQ-26", "head deputies department_principals", "head", "2 month 1", "decide head", "–"),
}  # fmt: skip
#: Leave (leaders, others), and what else goes with a kind; absent where the article says nothing.
LEAVE = {"dalian": "head secretary_general", "shuangtaizi": "head head"} | dict.fromkeys(
    ("xigang", "huancui", "zhanqian"), "chair chair"
)
NO_LEAVE = {"shuangtaizi head-office", "shuangtaizi business", "huancui special", "huancui work-1", "huancui work-2"}
EXTRAS = {
    "notice": {"DL-41": {f"dalian {k}" for k in ("party-group", "plenary", "executive", "head-office", "business")},
               "ST-39": {"shuangtaizi plenary", "shuangtaizi executive"},
               "ZQ-21": {"zhanqian plenary", "zhanqian executive"}},
    "invitees": {"DL-37": {"dalian plenary"}, "DL-38": {"dalian executive"}, "XG-31": {"xigang plenary"}},
    "quorum": {"HC-43": {"huancui executive"}},
    "first_topic": {"HC-47": {"huancui plenary", "huancui executive", "huancui head-office"}},
    "rhythm": {"HC-47": {"huancui executive"}},
    "confidential": {"HC-52": {"huancui executive", "huancui head-office"}},
    "staff": {"HC-51": {"huancui plenary", "huancui executive", "huancui head-office"}},
    "topic_form": {"HC-49": {f"huancui {k}" for k in ("plenary", "executive", "head-office", "special")}},
    "prior_meeting": {"XG-34": {"xigang plenary", "xigang executive"}},
    "outside_portfolio": {"ST-43": {"shuangtaizi business"}},
    "delegates": {"DL-42": {f"dalian {k}" for k in ("party-group", "plenary", "executive", "head-office", "business")}},
    "publication": {
        "DL-27": {f"dalian {k}" for k in ("plenary", "executive", "head-office", "business")},
        "XG-20": {"xigang plenary", "xigang executive"},
        "ST-27": {"shuangtaizi plenary", "shuangtaizi executive"},
        "HC-30": {"huancui plenary", "huancui executive"},
        "ZQ-22": {"zhanqian plenary", "zhanqian executive"},
    },
}  # fmt: skip


def kind_of(name: str) -> MeetingKind:
    government, kind = name.split()
    return BOOKS[government].kind(kind)


def steps_of(chain: Chain | None) -> str:
    if chain is None:
        return "–"
    return ", ".join(f"{s.step} {'/'.join(actor.role for actor in s.by)}" for s in chain.asked(DEPARTMENT))


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_as_its_article_says(name: str) -> None:
    kind = kind_of(name)
    chair = " ".join(f"{actor.role}{'*' * bool(actor.when)}" for actor in kind.chair)
    cadence = f"{kind.cadence.every} {kind.cadence.unit} {kind.cadence.at_least}" if kind.cadence else "–"
    found = (kind.clause, " ".join(kind.members) or "–", chair, cadence, steps_of(kind.topic), steps_of(kind.minutes))
    assert found == KINDS[name]


def test_no_kind_is_left_out() -> None:
    assert {f"{government} {kind}" for government, book in BOOKS.items() for kind in book.meetings} == set(KINDS)


@pytest.mark.parametrize("rule", EXTRAS)
def test_a_rule_stands_with_the_kinds_that_its_article_names_and_no_other(rule: str) -> None:
    found: dict[str, set[str]] = {}
    for name in KINDS:
        if section := getattr(kind_of(name), rule):
            found.setdefault(section.clause, set()).add(name)
    assert found == EXTRAS[rule]


@pytest.mark.parametrize("name", KINDS)
def test_leave_goes_to_whom_the_rules_name(name: str) -> None:
    leave = kind_of(name).leave
    reported = leave is not None and leave.others_reported
    assert reported == (leave is not None and leave.clause in ("ST-39", "HC-51")), "the others' leave is only reported"
    assert (f"{leave.leaders[0]} {leave.others[0]}" if leave else None) == (
        None if name in NO_LEAVE else LEAVE[name.split()[0]]
    )


def test_what_a_leader_raises_asks_for_no_step_that_only_departments_topics_need() -> None:
    by_head = DEPARTMENT | {"raised_by": "head"}
    asked = {name: ", ".join(str(s.step) for s in kind_of(name).topic.asked(by_head)) for name in KINDS}
    assert asked["xigang executive"] == "review_papers, approve_papers"
    assert asked["xigang plenary"] == asked["xigang head-office"] == asked["zhanqian head-office"] == ""
    assert asked["dalian head-office"] == "approve_papers"
    assert asked["zhanqian executive"] == "collect, decide, review_papers, approve_papers"


def test_major_matters_of_a_special_meeting_go_to_the_head_before_its_minutes_are_signed() -> None:
    for name in ("xigang special", "zhanqian special"):
        chain = kind_of(name).minutes
        assert chain
        steps = [(s.step, s.by[0].role) for s in chain.asked(DEPARTMENT | {"major": True})][1:]
        assert steps == [("approve", "head"), ("sign", "chair")]


def test_who_was_entrusted_with_a_special_meeting_has_its_minutes_approved_by_the_entrusting_leader() -> None:
    chain = kind_of("huancui special").minutes
    assert chain
    assert [s.by[0].role for s in chain.asked({"entrusted": True})] == ["office", "entrusting_leader", "chair"]
    assert kind_of("huancui plenary").minutes_chain.optional
    assert not kind_of("huancui executive").minutes_chain.optional


def test_lead_times_stand_where_the_articles_set_them() -> None:
    found = {name: kind.papers.deadline for name in KINDS if (kind := kind_of(name)).papers and kind.papers.deadline}
    assert found == {
        "dalian head-office": "meeting-request", "dalian business": "meeting-request",
        "xigang plenary": "topic-papers", "xigang executive": "topic-papers", "xigang head-office": "topic-papers",
        "huancui executive": "topic-papers", "huancui head-office": "topic-papers",
    }  # fmt: skip
    papers = kind_of("dalian head-office").papers
    assert papers
    assert matches(papers.deadline_when, DEPARTMENT)
    assert not matches(papers.deadline_when, DEPARTMENT | {"specially_urgent": True})
    assert not matches(papers.deadline_when, DEPARTMENT | {"raised_by": "deputy"})
