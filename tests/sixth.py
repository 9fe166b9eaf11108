"""A sixth government, defined only in the tests: rules, people, scenario."""

from __future__ import annotations

from pathlib import Path

from demo.main_job import Scenario
from zhengling.authority.composition import Composition

CODE = "linhai"
EDITION = "2025-05-01"

FILES = {
    "government.yaml": """
        code: linhai
        name: 临海县人民政府
        level: county
        region: "990101"
        superior: 某市人民政府
        in_force: 2025-05-01
        clause: LH-1
        titles:
          {head: 县长, executive_deputy: 常务副县长, deputies: 副县长, office: 县政府办公室, office_director: 县府办主任}
    """,
    "deadlines.yaml": """
        topic-papers: {clause: LH-7, before: 3, unit: working_day, of: meeting.day}
        task-general: {clause: LH-20, within: 10, unit: working_day, of: assignment}
        task-hard: {clause: LH-20, within: 2, unit: month, of: assignment}
        paper-out: {clause: LH-9, within: 4, unit: working_day, of: meeting.closed}
        fair-request: {clause: LH-30, before: 20, unit: day, of: meeting.day}
        task-refusal: {clause: LH-22, within: 1, unit: working_day, of: assignment}
        task-news: {clause: LH-23, every: 1, unit: week, of: explanation}
        task-glance: {clause: LH-27, every: 1, unit: month, of: closing}
    """,
    "meetings.yaml": """
        weekly:
          name: 县政府周例会
          clause: LH-5
          members: [head, deputies, secretary_general]
          chair: [{role: head}, {role: executive_deputy, when: {entrusted: true}}]
          quorum: {clause: LH-6, at_least: 2/3}
          topic:
            clause: LH-7
            steps:
              - {step: propose, by: principal}
              - {step: review, by: [deputy_in_charge, executive_deputy]}
              - {step: decide, by: head, when: {raised_by: [department, deputy]}}
          papers: {clause: LH-7, required: [main_document, annex], deadline: topic-papers, admit_late: executive_deputy}
          agenda:
            clause: LH-8
            steps: [{step: arrange, by: office}, {step: review, by: secretary_general}, {step: approve, by: head}]
          minutes:
            clause: LH-9
            steps:
              - {step: draft, by: office}
              - {step: review, by: office_director}
              - {step: review, by: secretary_general}
              - {step: sign, by: chair}
          follow_up:
            - {clause: LH-9, when: {document: to_issue}, deadlines: [paper-out]}
    """,
    "planning.yaml": """
        requests:
          fair:
            name: 县级展会
            clause: LH-30
            lead: {rule: fair-request, admit: executive_deputy}
            ask:
              - {step: read, by: [deputy_in_charge, secretary_general], need: all}
              - {step: approve, by: head}
            quotas:
              - {clause: LH-31, at_most: 1, per: quarter, of: government, lift: head}
            participants: {clause: LH-32, at_most: 500, lift: executive_deputy}
    """,
    "supervision.yaml": """
        ledger:
          clause: LH-19
          number: 临督〔{year}〕{n}号
          due:
            - {clause: LH-20, when: {difficulty: general}, rule: task-general}
            - {clause: LH-20, when: {difficulty: [complex, long_term]}, rule: task-hard}
        course:
          accept: {clause: LH-21, by: principal}
          refuse: {clause: LH-22, by: principal, rule: task-refusal}
          transfer: {clause: LH-22, by: secretary_general}
          progress: {clause: LH-23, by: sponsor}
          contribute: {clause: LH-23, by: sponsor}
          explain: {clause: LH-23, by: principal, rule: task-news}
          report: {clause: LH-24, by: deputy_in_charge}
          verify: {clause: LH-25, by: office}
          send_back: {clause: LH-25, by: office_director}
          close: {clause: LH-26, by: head}
          look_back: {clause: LH-27, by: executive_deputy, rule: task-glance}
          reopen: {clause: LH-27, by: head}
          open: {clause: LH-29, by: office, approval: executive_deputy}
          merge: {clause: LH-29, by: office}
          separate: {clause: LH-29, by: office_director}
          divide: {clause: LH-29, by: office_director}
          acknowledge: {clause: LH-29, by: [head, office]}
          extend: {clause: LH-24, by: office}
          suspend: {clause: LH-24, by: office_director}
          succeed: {clause: LH-22, by: office}
          carry_over: {clause: LH-26, by: office_director}
        lights: {clause: LH-28, due_soon: 1, long_overdue: 5}
        overlap: {clause: LH-29, similar: 90}
        focus: {clause: LH-19, categories: [{code: meetings, name: 会议决定事项, sources: [meeting_decision]}]}
    """,
}


def write_sixth_government(root: Path) -> Path:
    """Write the rulebook below `root`; returns the edition's folder."""
    folder = root / CODE / EDITION
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        lines = text.strip("\n").splitlines()
        (folder / name).write_text("\n".join(line[8:] for line in lines) + "\n", encoding="utf-8")
    return folder


def _post(official: str, role: str, organisation: str) -> dict[str, str]:
    return {"official": official, "role": role, "organisation": organisation, "since": "2025-01-01"}


COMPOSITION = Composition.model_validate(
    {
        "organisations": [
            {"code": "lh", "name": "临海县人民政府", "kind": "government"},
            {"code": "lh-office", "name": "县政府办公室", "kind": "office"},
            {"code": "lh-water", "name": "县水务局", "kind": "constituent_department"},
            {"code": "lh-fish", "name": "县渔业局", "kind": "constituent_department"},
        ],
        "officials": [
            {"id": f"lh-{who}", "name": name}
            for who, name in (
                ("head", "甲一"), ("exec", "乙二"), ("dep", "丙三"), ("sg", "丁四"), ("director", "戊五"),
                ("clerk", "己六"), ("water", "庚七"), ("water-clerk", "辛八"), ("fish", "壬九"), ("fish-clerk", "癸十"),
            )
        ],
        "posts": [
            _post("lh-head", "head", "lh"),
            _post("lh-exec", "executive_deputy", "lh"),
            _post("lh-dep", "deputy", "lh"),
            _post("lh-sg", "secretary_general", "lh"),
            _post("lh-director", "office_director", "lh-office"),
            _post("lh-clerk", "staff", "lh-office"),
            _post("lh-water", "principal", "lh-water"),
            _post("lh-water-clerk", "staff", "lh-water"),
            _post("lh-fish", "principal", "lh-fish"),
            _post("lh-fish-clerk", "staff", "lh-fish"),
        ],
        "portfolios": [{"official": "lh-dep", "organisations": ["lh-water", "lh-fish"], "since": "2025-01-01"}],
    }
)  # fmt: skip

SCENARIO = Scenario.model_validate(
    {
        "kind": "weekly",
        "title": "县政府第5次周例会",
        "submitted": "2026-02-03",
        "day": "2026-02-12",
        "course": {"accepted": "2026-02-13", "reported": "2026-02-14", "verified": "2026-02-24"},
        "breach": {
            "attempt": "minutes_by_another",
            "told": "由主持人以外的人签发纪要",
            "code": "not_the_actor",
            "clause": "LH-9",
        },
        "decisions": [
            {
                "title": "关于水库除险加固的请示",
                "sponsor": "lh-water",
                "task": "完成除险加固",
                "lead": "lh-water",
                "ending": "closed",
            },
            {
                "title": "关于休渔管理办法的请示",
                "sponsor": "lh-fish",
                "task": "印发管理办法",
                "lead": "lh-fish",
                "co_units": ["lh-water"],
                "difficulty": "complex",
                "document": "to_issue",
                "ending": "returned",
            },
            {
                "title": "关于渔港扩建的请示",
                "sponsor": "lh-fish",
                "task": "另行研究",
                "lead": "lh-fish",
                "outcome": "deferred",
            },
        ],
    }
)
