"""The shipped rulebooks and demo compositions, and the findings of the strict loader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from zhengling.authority.composition import Acting, Composition, OrganisationKind, PostRole, RoleContext
from zhengling.kernel.clauses import practice_of
from zhengling.kernel.instants import SHANGHAI
from zhengling.rules.chains import Actor, Chain
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.loading import RulebookError, Rulebooks, load_edition
from zhengling.rules.meetings import MeetingKind, Quorum
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Difficulty, Role

ROOT = Path(__file__).parents[2]
PREFIXES = {"dalian": "DL", "huancui": "HC", "shuangtaizi": "ST", "xigang": "XG", "zhanqian": "ZQ"}
GOVERNMENTS = sorted(PREFIXES)
DAY = date(2026, 3, 2)

BOOKS = Rulebooks.load([ROOT / "rulebooks"])


def book(government: str) -> Rulebook:
    return BOOKS.current(government, datetime(2026, 3, 2, 9, tzinfo=SHANGHAI))


def executive(government: str) -> MeetingKind:
    return book(government).kind("executive")


def composition(government: str) -> Composition:
    path = ROOT / f"demo/compositions/{government}.yaml"
    return Composition.model_validate(yaml.safe_load(path.read_text("utf-8")))


COMPOSITIONS = {government: composition(government) for government in GOVERNMENTS}


def asked(chain: Chain, **facts: object) -> list[str]:
    """`step by role/role` of the steps asked for under these facts."""
    return [f"{step.step} by {'/'.join(actor.role for actor in step.by)}" for step in chain.asked(facts)]


# A small synthetic rulebook, one line per key, for the tests of the loader. -----------------------------------------

GOVERNMENT = """\
code: testville
name: 测试区人民政府
level: district
region: "999901"
superior: 测试市人民政府
in_force: 2024-01-01
revision: 1
clause: TV-1
titles: {head: 区长, executive_deputy: 常务副区长, deputies: 副区长, office: 办公室, office_director: 主任}
"""
DEADLINES = """\
topic-papers: {clause: TV-2, before: 2, unit: working_day, of: meeting.day}
document-issue: {clause: TV-3, within: 5, unit: working_day, of: meeting.closed}
matter: {clause: TV-7, within: 7, unit: day, of: assignment}
"""
MEETINGS = """\
executive:
  name: 常务会议
  clause: TV-4
  members: [head, deputies]
  chair:
    - {role: head}
    - {role: executive_deputy, when: {entrusted: true}}
  quorum: {clause: TV-4, more_than: 1/2}
  topic: {clause: TV-5, steps: [{step: decide, by: head}]}
  papers:
    clause: TV-5
    deadline: topic-papers
  agenda: {clause: TV-5, steps: [{step: approve, by: head}]}
  minutes: {clause: TV-6, steps: [{step: draft, by: office}, {step: sign, by: head}]}
  follow_up:
    - {clause: TV-3, when: {outcome: passed}, deadlines: [document-issue]}
    - {clause: TV-3, when: {}, deadlines: []}
"""
SUPERVISION = """\
ledger:
  clause: TV-7
  number: 测政督〔{year}〕{n}号
  due:
    - {clause: TV-7, when: {difficulty: general}, rule: matter}
    - {clause: TV-7, when: {difficulty: [complex, long_term]}}
"""
SECTIONS = {"government": GOVERNMENT, "deadlines": DEADLINES, "meetings": MEETINGS, "supervision": SUPERVISION}


def write(root: Path, *, folder: str = "testville/2024-01-01", **sections: str | None) -> Path:
    """The synthetic rulebook under `root`, with some sections replaced (None: left out)."""
    edition = root / folder
    edition.mkdir(parents=True)
    for name, text in (SECTIONS | sections).items():
        if text is not None:
            (edition / f"{name}.yaml").write_text(text, encoding="utf-8")
    return edition


def finding(edition: Path) -> str:
    """The only finding of the loader, with the edition's folder taken off its front."""
    with pytest.raises(RulebookError) as refused:
        load_edition(edition)
    (line,) = refused.value.findings
    return line.removeprefix(f"{edition}/")


def swapped(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} should stand once"
    return text.replace(old, new)


# The loader -----------------------------------------------------------------------------------------------------------


def test_the_synthetic_rulebook_loads(tmp_path: Path) -> None:
    loaded = load_edition(write(tmp_path))
    assert (loaded.code, loaded.edition, loaded.kind("executive").name) == ("testville", "2024-01-01", "常务会议")


BREACHES = {
    "an unknown key": (
        "meetings", "  name: 常务会议\n", "  name: 常务会议\n  colour: red\n",
        "meetings.yaml:3: executive.colour: Extra inputs are not permitted; got 'red'",
    ),
    "an unknown key of a step": (
        "meetings", "{step: decide, by: head}", "{step: decide, by: head, whom: x}",
        "meetings.yaml:9: executive.topic.steps.0.whom: Extra inputs are not permitted; got 'x'",
    ),
    "a key written twice": (
        "meetings", "  clause: TV-4\n", "  clause: TV-4\n  clause: TV-9\n",
        "meetings.yaml:4: not readable: duplicate key 'clause'",
    ),
    "a kind written twice": (
        "deadlines", "document-issue:", "topic-papers:",
        "deadlines.yaml:2: not readable: duplicate key 'topic-papers'",
    ),
    "a missing key": ("meetings", "  name: 常务会议\n", "", "meetings.yaml:1: executive.name: Field required"),
    "a clause of the wrong form": (
        "meetings", "  clause: TV-4\n", "  clause: article 4\n",
        "meetings.yaml:3: executive.clause: expected a clause such as ST-39, or {basis: practice, decided_by: …, decided_on: …};"
        " got 'article 4'",
    ),
    "a deadline's clause of the wrong form": (
        "deadlines", "clause: TV-3", "clause: tv3",
        "deadlines.yaml:2: document-issue: expected a clause such as ST-39, or {basis: practice, ",
    ),
    "an unknown role": (
        "meetings", "{role: head}", "{role: mayor}",
        "meetings.yaml:6: executive.chair.0.role: Input should be 'head', 'executive_deputy', ",
    ),
    "an unknown step": (
        "meetings", "{step: draft, by: office}", "{step: dream, by: office}",
        "meetings.yaml:14: executive.minutes.steps.0.step: Input should be 'propose', ",
    ),
    "an unknown fact": (
        "meetings", "{entrusted: true}", "{weather: fine}",
        "meetings.yaml:7: executive.chair.1.when: unknown fact 'weather'; known: entrusted, chaired, raised_by, ",
    ),
    "a fact's wrong value": (
        "meetings", "{outcome: passed}", "{outcome: [passed, won]}",
        "meetings.yaml:16: executive.follow_up.0.when: outcome can't be 'won'; it is one of passed, ",
    ),
    "the papers' deadline that points nowhere": (
        "meetings", "deadline: topic-papers", "deadline: topic-paper",
        "meetings.yaml:12: executive.papers.deadline: no deadline rule 'topic-paper' in deadlines.yaml",
    ),
    "a follow-up's deadline that points nowhere": (
        "meetings", "[document-issue]", "[document-issued]",
        "meetings.yaml:16: executive.follow_up.0.deadlines.0: no deadline rule 'document-issued' in deadlines.yaml",
    ),
    "a due row's rule that points nowhere": (
        "supervision", "rule: matter", "rule: nothing",
        "supervision.yaml:5: ledger.due.0.rule: no deadline rule 'nothing' in deadlines.yaml",
    ),
    "minutes that nobody signs": (
        "meetings", ", {step: sign, by: head}]", "]",
        "meetings.yaml:14: executive.minutes: the minutes' chain must end with the step sign",
    ),
    "a step that occurs twice with the same role": (
        "meetings", "[{step: decide, by: head}]", "[{step: decide, by: head}, {step: decide, by: head}]",
        "meetings.yaml:9: executive.topic: the same step by the same role occurs twice",
    ),
    "a quorum with both bounds": (
        "meetings", "more_than: 1/2", "more_than: 1/2, at_least: 2/3",
        "meetings.yaml:8: executive.quorum: expected exactly one of more_than and at_least",
    ),
    "a quorum with neither bound": (
        "meetings", ", more_than: 1/2", "",
        "meetings.yaml:8: executive.quorum: expected exactly one of more_than and at_least",
    ),
    "an unreachable due row": (
        "supervision", "rule: matter}\n",
        "rule: matter}\n    - {clause: TV-7, when: {difficulty: general, set_at_year_start: true}, rule: matter}\n",
        "supervision.yaml:6: ledger.due.1: no case reaches this row",
    ),
    "an unreachable follow-up": (
        "meetings", "deadlines: [document-issue]}\n",
        "deadlines: [document-issue]}\n"
        "    - {clause: TV-3, when: {outcome: passed, document: to_issue}, deadlines: [document-issue]}\n",
        "meetings.yaml:17: executive.follow_up.1: no case reaches this row",
    ),
    "a ledger number without its year": (
        "supervision", "{year}", "2024",
        "supervision.yaml:3: ledger.number: String should match pattern ",
    ),
    "a file that isn't YAML": (
        "meetings", "members: [head, deputies]", "members: [head",
        "meetings.yaml:5: not readable: ",
    ),
    "an empty file": ("supervision", SUPERVISION, "", "supervision.yaml:1: (the whole file): Input should be a valid "),
    "a key that is no word": (
        "meetings", "  name:", "  [a, b]: 1\n  name:",
        "meetings.yaml:2: not readable: a key must be a plain scalar",
    ),
    "an in-force date that isn't the folder's": (
        "government", "in_force: 2024-01-01", "in_force: 2025-01-01",
        "government.yaml:6: in_force: the folder must be named 2025-01-01, not 2024-01-01",
    ),
    "a code that isn't the folder's": (
        "government", "code: testville", "code: elsewhere",
        "government.yaml:1: code: the parent folder must be named elsewhere, not testville",
    ),
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_the_loader_names_file_line_key_and_what_it_expected_for(breach: str, tmp_path: Path) -> None:
    section, old, new, expected = BREACHES[breach]
    edition = write(tmp_path, **{section: swapped(SECTIONS[section], old, new)})
    assert finding(edition).startswith(expected)


@pytest.mark.parametrize("value", ["010", "0o17", "1:30", "1_0", "1e1", "yes", "Off", "n", "08"])
def test_a_value_that_does_not_read_as_it_is_written_is_refused_at_its_place(value: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "deadlines.yaml").write_text(DEADLINES.replace("within: 5", f"within: {value}"), encoding="utf-8")
    with pytest.raises(RulebookError) as refused:
        load_edition(folder)
    (finding,) = refused.value.findings
    assert finding.startswith(f"{folder / 'deadlines.yaml'}:2: not readable: {value!r} is read differently")


@pytest.mark.parametrize("value", ["'5'", "0x5", "five", "1.5", "2024-01-01"])
def test_a_value_of_another_kind_is_refused_by_its_key(value: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "deadlines.yaml").write_text(DEADLINES.replace("within: 5", f"within: {value}"), encoding="utf-8")
    if value == "0x5":  # reads alike everywhere
        assert load_edition(folder).deadline("document-issue").within == 5
        return
    with pytest.raises(RulebookError, match=r"deadlines.yaml:2: document-issue"):
        load_edition(folder)


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (GOVERNMENT.encode("gbk"), "1: not readable: the file has to be UTF-8"),
        (GOVERNMENT.encode("utf-16"), "1: not readable: the file has to be UTF-8"),
        (
            GOVERNMENT.replace("测试区", "测试\x07区").encode(),
            "2: not readable: a character that no YAML may hold, U+0007",
        ),
        (b"titles: " + b"[" * 5000, "1: not readable: it is nested too deep"),
        (b"code: [", "1: not readable: "),
    ],
    ids=["GBK", "UTF-16", "a control character", "deep", "cut"],
)
def test_a_file_that_is_no_yaml_in_utf_8_is_a_finding_and_no_traceback(
    content: bytes, finding: str, tmp_path: Path
) -> None:
    folder = write(tmp_path)
    (folder / "government.yaml").write_bytes(content)
    with pytest.raises(RulebookError) as refused:
        Rulebooks.load([tmp_path])
    assert f"{folder / 'government.yaml'}:{finding}" in str(refused.value)


def test_a_byte_order_mark_before_utf_8_is_no_content(tmp_path: Path) -> None:
    folder = write(tmp_path)
    before = load_edition(folder).digest
    (folder / "government.yaml").write_text(GOVERNMENT, encoding="utf-8-sig")
    assert load_edition(folder).digest == before


def test_an_unknown_section_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    edition = write(tmp_path, weather="sunny: true\n")
    assert finding(edition) == (
        "weather.yaml:1: unknown section; known: government.yaml, deadlines.yaml, meetings.yaml, topics.yaml, "
        "supervision.yaml, absence.yaml, planning.yaml"
    )


def test_an_edition_without_government_yaml_is_refused_by_itself_and_among_others(tmp_path: Path) -> None:
    edition = write(tmp_path, government=None)
    assert finding(edition) == "government.yaml:1: missing; every edition has one"
    with pytest.raises(RulebookError, match="missing; every edition has one"):
        Rulebooks.load([tmp_path])


def test_a_root_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulebookError, match="no such folder of rulebooks"):
        Rulebooks.load([tmp_path / "nowhere"])


def test_all_findings_of_all_files_come_at_once(tmp_path: Path) -> None:
    edition = write(
        tmp_path,
        meetings=swapped(swapped(MEETINGS, "{role: head}", "{role: mayor}"), "  name: 常务会议\n", ""),
        supervision=swapped(SUPERVISION, "ledger:\n  clause: TV-7", "ledger:\n  clause: 7"),
    )
    with pytest.raises(RulebookError) as refused:
        Rulebooks.load([tmp_path])
    assert [line.removeprefix(f"{edition}/").split(": ")[0] for line in refused.value.findings] == [
        "meetings.yaml:1",
        "meetings.yaml:5",
        "supervision.yaml:2",
    ]


def test_sections_may_be_absent(tmp_path: Path) -> None:
    loaded = load_edition(write(tmp_path, deadlines=None, meetings=None, supervision=None))
    assert (loaded.deadlines, loaded.meetings, loaded.supervision) == ({}, {}, None)


def test_the_edition_in_force_is_the_latest_that_has_begun(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, folder="testville/2025-06-01", government=swapped(GOVERNMENT, "2024-01-01", "2025-06-01"))
    books = Rulebooks.load([tmp_path])
    moments = {
        datetime(2024, 1, 1, tzinfo=SHANGHAI): "2024-01-01",
        datetime(2025, 5, 31, 23, 59, tzinfo=SHANGHAI): "2024-01-01",
        datetime(2025, 5, 31, 16, tzinfo=UTC): "2025-06-01",
    }
    assert {moment: books.current("testville", moment).edition for moment in moments} == moments
    assert books.edition("testville", "2024-01-01").edition == "2024-01-01"


# The digest -----------------------------------------------------------------------------------------------------------


def digest(root: Path, **sections: str) -> str:
    return load_edition(write(root, **sections)).digest


def test_formatting_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    reordered = yaml.safe_dump(yaml.safe_load(MEETINGS), allow_unicode=True, sort_keys=True)
    assert reordered != MEETINGS
    assert digest(tmp_path / "a") == digest(tmp_path / "b", meetings="# 一条注释\n" + reordered)


def test_a_default_written_out_does_not_change_the_digest(tmp_path: Path) -> None:
    """So a field that a later version of the rules adds doesn't either."""
    written_out = DEADLINES.replace("within: 5,", "within: 5, count_start_day: false,")
    assert written_out != DEADLINES
    assert digest(tmp_path / "a") == digest(tmp_path / "b", deadlines=written_out)


def test_the_revision_does_not_change_the_digest(tmp_path: Path) -> None:
    assert digest(tmp_path / "a") == digest(
        tmp_path / "b", government=swapped(GOVERNMENT, "revision: 1", "revision: 2")
    )


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [
        ("deadlines", "within: 5", "within: 6"),
        ("deadlines", "clause: TV-3", "clause: TV-8"),
        ("meetings", "more_than: 1/2", "at_least: 1/2"),
        ("meetings", "{entrusted: true}", "{entrusted: false}"),
        ("meetings", "    deadline: topic-papers\n", ""),
        ("supervision", "{difficulty: general}, rule: matter", "{difficulty: general}"),
        ("government", "name: 测试区", "name: 试验区"),
    ],
)
def test_a_change_of_meaning_changes_the_digest(section: str, old: str, new: str, tmp_path: Path) -> None:
    assert digest(tmp_path / "a") != digest(tmp_path / "b", **{section: swapped(SECTIONS[section], old, new)})


# Tables and chains ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("members", "needed"), [(9, 5), (8, 5), (1, 1), (2, 2)])
def test_more_than_half_of_the_members_is_needed(members: int, needed: int) -> None:
    assert Quorum.model_validate({"clause": "TV-4", "more_than": "1/2"}).needed(members) == needed


@pytest.mark.parametrize(("members", "needed"), [(9, 6), (10, 7), (8, 6), (3, 2)])
def test_at_least_two_thirds_of_the_members_is_needed(members: int, needed: int) -> None:
    assert Quorum.model_validate({"clause": "TV-4", "at_least": "2/3"}).needed(members) == needed


@pytest.mark.parametrize(
    ("when", "facts", "expected"),
    [
        ({}, {}, True),
        ({}, {"entrusted": True}, True),
        ({"entrusted": True}, {"entrusted": True}, True),
        ({"entrusted": True}, {"entrusted": False}, False),
        ({"entrusted": True}, {}, False),
        ({"difficulty": ["general", "complex"]}, {"difficulty": Difficulty.complex}, True),
        ({"difficulty": ["general", "complex"]}, {"difficulty": Difficulty.long_term}, False),
        ({"outcome": "passed", "document": "to_issue"}, {"outcome": "passed", "document": "to_issue"}, True),
        ({"outcome": "passed", "document": "to_issue"}, {"outcome": "passed", "document": "none"}, False),
    ],
)
def test_a_row_matches_where_every_fact_it_names_has_a_wanted_value(
    when: dict[str, bool | str | list[bool | str]], facts: Facts, expected: bool
) -> None:
    assert matches(when, facts) is expected


def test_a_chain_asks_only_for_the_steps_that_the_facts_call_for() -> None:
    chain = Chain.model_validate(
        {
            "clause": "TV-5",
            "steps": [
                {"step": "collect", "by": "office", "when": {"raised_by": ["deputy", "department"]}},
                {"step": "decide", "by": ["head", "executive_deputy"]},
            ],
        }
    )
    assert asked(chain, raised_by="department") == ["collect by office", "decide by head/executive_deputy"]
    assert asked(chain, raised_by="head") == ["decide by head/executive_deputy"]


# The five governments -------------------------------------------------------------------------------------------------


def test_the_five_governments_load_with_meetings_deadlines_and_a_ledger() -> None:
    assert BOOKS.governments == GOVERNMENTS
    for government in GOVERNMENTS:
        loaded = book(government)
        assert loaded.deadlines, government
        assert loaded.meetings, government
        assert loaded.supervision, government


def cited(value: object) -> Iterator[str]:
    """Every `clause` in a dumped rulebook."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "clause" and inner is not None:
                practice = practice_of(inner)
                yield practice.clause or "" if practice else inner
            else:
                yield from cited(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from cited(inner)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_every_clause_cited_is_one_of_the_governments_own(government: str) -> None:
    clauses = list(cited(book(government).model_dump(mode="json")))
    assert len(clauses) > 8
    assert [clause for clause in clauses if not re.fullmatch(rf"{PREFIXES[government]}-[1-9]\d*(¶\d+)?", clause)] == []


def test_a_topic_takes_the_steps_of_its_government() -> None:
    topic: Facts = {"raised_by": "department", "nature": "deliberation"}
    assert {government: asked(executive(government).topic, **topic) for government in GOVERNMENTS} == {
        "dalian": [
            "collect by office",
            "review by secretary_general",
            "endorse by executive_deputy",
            "decide by head",
            "approve_papers by head/executive_deputy",
        ],
        "huancui": ["review_papers by office", "approve_papers by deputy_in_charge"],
        "shuangtaizi": [
            "review by deputy_in_charge",
            "collect by office",
            "decide by head",
            "review_papers by office",
            "approve_papers by head",
        ],
        "xigang": [
            "review by deputy_in_charge",
            "collect by office",
            "review by office_director",
            "endorse by executive_deputy",
            "decide by head",
            "review_papers by office_director",
            "approve_papers by head/executive_deputy",
        ],
        "zhanqian": [
            "propose by deputy_in_charge",
            "collect by office",
            "decide by head",
            "review_papers by office",
            "approve_papers by head",
        ],
    }


def test_in_xigang_a_topic_of_the_head_needs_only_its_papers_approved() -> None:
    assert asked(executive("xigang").topic, raised_by="head", nature="deliberation") == [
        "review_papers by office_director",
        "approve_papers by head/executive_deputy",
    ]


def test_in_xigang_a_topic_for_transmission_goes_without_the_deputys_special_meeting() -> None:
    assert asked(executive("xigang").topic, raised_by="department", nature="transmission")[0] == "collect by office"


@pytest.mark.parametrize("government", GOVERNMENTS)
@pytest.mark.parametrize("raised_by", ["head", "deputy", "department"])
@pytest.mark.parametrize("nature", ["deliberation", "transmission", "study", "safety"])
def test_no_case_leaves_a_topic_without_a_step(government: str, raised_by: str, nature: str) -> None:
    assert executive(government).topic.asked({"raised_by": raised_by, "nature": nature})


def test_the_minutes_take_the_steps_of_their_government() -> None:
    assert {government: asked(executive(government).minutes) for government in GOVERNMENTS} == {
        "dalian": ["draft by office", "sign by head"],
        "huancui": [
            "draft by office",
            "review by office_director",
            "review by office_deputy_director",
            "sign by chair",
        ],
        "shuangtaizi": ["draft by office", "sign by head"],
        "xigang": ["draft by office", "sign by head/executive_deputy"],
        "zhanqian": ["draft by office", "sign by head"],
    }


def test_the_agenda_takes_the_steps_of_its_government() -> None:
    office_and_head = ["arrange by office", "approve by head"]
    assert {government: asked(executive(government).agenda) for government in GOVERNMENTS} == {
        **dict.fromkeys(GOVERNMENTS, office_and_head),
        "huancui": ["propose by office", "review by office_director", "decide by head"],
    }


@pytest.mark.parametrize(
    ("entrusted", "chaired", "may"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_in_xigang_the_executive_deputy_signs_the_minutes_only_of_a_meeting_chaired_by_entrustment(
    entrusted: bool, chaired: bool, may: bool
) -> None:
    sign = executive("xigang").minutes.steps[-1]
    facts: Facts = {"entrusted": entrusted, "chaired": chaired}
    expected = Acting(Role.executive_deputy) if may else None
    assert COMPOSITIONS["xigang"].may_act("xg-exec", sign.by, DAY, facts) == expected
    assert COMPOSITIONS["xigang"].may_act("xg-head", sign.by, DAY, facts) == Acting(Role.head)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_the_executive_deputy_chairs_only_when_entrusted_and_in_dalian_never(government: str) -> None:
    people, chair = COMPOSITIONS[government], executive(government).chair
    (deputy,) = people.with_post([PostRole.executive_deputy], DAY)
    (other, *_) = people.with_post([PostRole.deputy], DAY)
    assert people.may_act(deputy, chair, DAY, {"entrusted": False}) is None
    assert people.may_act(other, chair, DAY, {"entrusted": True}) is None
    expected = None if government == "dalian" else Acting(Role.executive_deputy)
    assert people.may_act(deputy, chair, DAY, {"entrusted": True}) == expected


def test_only_huancui_has_a_quorum_and_a_first_topic() -> None:
    assert [government for government in GOVERNMENTS if executive(government).quorum] == ["huancui"]
    assert [government for government in GOVERNMENTS if executive(government).first_topic] == ["huancui"]


def test_papers_are_due_before_the_meeting_in_huancui_and_xigang_alone() -> None:
    due = {government: executive(government).papers for government in GOVERNMENTS}
    assert [government for government, papers in due.items() if papers and papers.deadline] == ["huancui", "xigang"]
    assert [government for government, papers in due.items() if papers and papers.admit_late] == ["huancui", "xigang"]


@pytest.mark.parametrize("outcome", ["passed", "passed_in_principle", "not_passed", "deferred", "noted"])
@pytest.mark.parametrize("document", ["to_issue", "none"])
def test_a_document_to_issue_falls_due_where_the_rules_say_so(outcome: str, document: str) -> None:
    due = {
        government: [
            rule
            for row in executive(government).follow_up
            if matches(row.when, {"outcome": outcome, "document": document})
            for rule in row.deadlines
        ]
        for government in GOVERNMENTS
    }
    adopted = outcome in ("passed", "passed_in_principle") and document == "to_issue"
    assert due == {
        **{government: [] for government in GOVERNMENTS},
        "shuangtaizi": ["document-issue"] if adopted else [],
        "zhanqian": ["document-filing", "document-issue"] if adopted else [],
    }


@pytest.mark.parametrize(
    ("difficulty", "set_at_year_start", "rule"),
    [
        ("general", False, "matter-general"),
        ("complex", False, "matter-complex"),
        ("long_term", False, None),
        ("long_term", True, "matter-annual"),
        ("general", True, "matter-annual"),
    ],
)
def test_only_shuangtaizi_gives_a_matter_its_due_date(
    difficulty: str, set_at_year_start: bool, rule: str | None
) -> None:
    rows = {}
    for government in GOVERNMENTS:
        supervision = book(government).supervision
        assert supervision
        row = supervision.ledger.due_row({"difficulty": difficulty, "set_at_year_start": set_at_year_start})
        rows[government] = (row.rule, row.clause) if row else None
    assert rows == {**dict.fromkeys(GOVERNMENTS), "shuangtaizi": (rule, "ST-55") if rule else None}


# The demo compositions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_every_organisation_has_exactly_one_deputy_in_charge(government: str) -> None:
    people = COMPOSITIONS[government]
    units = [unit.code for unit in people.organisations if unit.kind != OrganisationKind.government]
    assert len(units) >= 10
    in_charge = {unit: people.holders(Role.deputy_in_charge, DAY, context=RoleContext(sponsor=unit)) for unit in units}
    assert {unit: holders for unit, holders in in_charge.items() if len(holders) != 1} == {}
    deputies = set(people.holders(Role.deputies, DAY))
    assert {holder for holders in in_charge.values() for holder in holders} == deputies


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_every_organisation_has_a_principal_and_a_clerk(government: str) -> None:
    people = COMPOSITIONS[government]
    for unit in people.organisations:
        if unit.kind != OrganisationKind.government:
            posts = Counter(post.role for post in people.posts if post.organisation == unit.code)
            assert posts[PostRole.principal] == 1, unit.code
            assert posts[PostRole.staff] >= (2 if unit.kind == OrganisationKind.office else 1), unit.code


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_every_step_of_a_meeting_has_somebody_who_may_take_it(government: str) -> None:
    people, kind = COMPOSITIONS[government], executive(government)
    (head,) = people.holders(Role.head, DAY)
    sponsor = next(unit.code for unit in people.organisations if unit.kind == OrganisationKind.constituent_department)
    actors: list[Actor] = [*kind.chair]
    for chain in (kind.topic, kind.agenda, kind.minutes):
        actors += [actor for step in chain.steps for actor in step.by]
    nobody = [
        actor.role
        for actor in actors
        if not people.holders(actor.role, DAY, context=RoleContext(sponsor=sponsor, chair=head))
    ]
    assert nobody == []


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_a_leader_does_not_count_as_the_office(government: str) -> None:
    people = COMPOSITIONS[government]
    leaders = people.members([Role.head, Role.deputies, Role.party_group, Role.secretary_general], DAY)
    assert set(leaders) & set(people.holders(Role.office, DAY)) == set()


def test_the_executive_meeting_of_huancui_has_nine_members_and_five_are_a_quorum() -> None:
    kind = executive("huancui")
    members = COMPOSITIONS["huancui"].members(kind.members, DAY)
    assert len(members) == 9
    assert kind.quorum
    assert kind.quorum.needed(len(members)) == 5


def test_no_name_stands_for_two_people() -> None:
    names = Counter(official.name for people in COMPOSITIONS.values() for official in people.officials)
    assert [name for name, count in names.items() if count > 1] == []


# No government is named in code ---------------------------------------------------------------------------------------

NAMED = re.compile(r"dalian|xigang|shuangtaizi|huancui|zhanqian|大连|西岗|双台子|环翠|站前", re.IGNORECASE)


def named_in(*roots: Path) -> list[str]:
    """`file:line: text` of every line of Python or SQL under the roots that names one of the five governments."""
    return [
        f"{path}:{number}: {line.strip()}"
        for root in roots
        for path in sorted(root.rglob("*"))
        if path.suffix in (".py", ".sql")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if NAMED.search(line)
    ]


def test_no_government_is_named_in_code() -> None:
    library, services = ROOT / "shared/zhengling", ROOT / "services"
    assert list(library.rglob("*.py"))
    assert list(services.rglob("*.py"))
    assert named_in(library, services) == []


@pytest.mark.parametrize(
    "line", ['if government == "xigang":', "# as 双台子区 does", "class DalianRules:", "WHERE g = 'huancui'"]
)
def test_a_government_named_in_code_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/planted.py").write_text(f"x = 1\n{line}\n", encoding="utf-8")
    assert named_in(tmp_path) == [f"{tmp_path}/deep/planted.py:2: {line}"]


def test_the_five_governments_are_the_ones_looked_for() -> None:
    for government in GOVERNMENTS:
        assert NAMED.search(government)
        assert NAMED.search(book(government).government.name)
