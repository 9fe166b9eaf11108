"""The vocabulary of all sections of a rulebook: clauses, names, roles. Pure."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from zhengling.kernel.clauses import CLAUSE, Practice, require_source


class _Stated(BaseModel):
    """A practice as a rulebook states it, in the place of a clause or beside one (`clause`)."""

    model_config = ConfigDict(extra="forbid")
    basis: Literal["practice"]
    decided_by: Annotated[str, Field(pattern=r"^[^()]{2,60}$")]
    decided_on: date
    clause: Annotated[str | None, Field(pattern=f"^{CLAUSE}$")] = None


def source(value: object) -> object:
    """The source of a value as a text (`kernel/clauses.py`), from what a rulebook states in the place of a clause."""
    if not isinstance(value, dict):
        return value
    try:
        stated = _Stated.model_validate(value)
    except ValidationError as errors:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in errors.errors()]
        raise ValueError("; ".join(found)) from None
    return str(Practice(stated.decided_by, stated.decided_on, stated.clause))


Clause = Annotated[
    str,
    BeforeValidator(source),
    AfterValidator(require_source),
    Field(description="a clause, such as ST-39, or a practice: `ST-53 (practice: who decided it, when)`"),
]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Role(StrEnum):
    """A role in a rule. The composition resolves it to officials on a day."""

    head = "head"
    executive_deputy = "executive_deputy"
    deputies = "deputies"
    deputy_in_charge = "deputy_in_charge"
    deputies_concerned = "deputies_concerned"
    party_group = "party_group"
    party_secretary = "party_secretary"
    secretary_general = "secretary_general"
    deputy_secretary_general = "deputy_secretary_general"
    office_director = "office_director"
    office_deputy_director = "office_deputy_director"
    office = "office"
    justice_organ = "justice_organ"
    supervision_office = "supervision_office"
    unit_office = "unit_office"
    sponsor = "sponsor"
    principal = "principal"
    department_principals = "department_principals"
    constituent_department_principals = "constituent_department_principals"
    unit_principals = "unit_principals"
    deputy_principals = "deputy_principals"
    town_and_street_principals = "town_and_street_principals"
    chair = "chair"
    entrusting_leader = "entrusting_leader"


def one_or_many(value: object) -> object:
    """Wraps a bare YAML value in a list."""
    return [value] if isinstance(value, (str, dict)) else value


Roles = Annotated[tuple[Role, ...], BeforeValidator(one_or_many)]


class Confirmation(StrEnum):
    """By what a gate's record is believed: by the word of who carried the check out, or by its paper, which the office saw.
    `stated` is what the sponsor says against itself."""

    carried_out = "carried_out"
    from_paper = "from_paper"
    stated = "stated"


class RaisedBy(StrEnum):
    head = "head"
    deputy = "deputy"
    department = "department"


class Outcome(StrEnum):
    """The outcome of a topic at a meeting (clauses §1.7); no majority vote: the head decides."""

    passed = "passed"
    passed_in_principle = "passed_in_principle"
    not_passed = "not_passed"
    deferred = "deferred"
    noted = "noted"

    @property
    def adopts(self) -> bool:
        return self in (Outcome.passed, Outcome.passed_in_principle)


class Difficulty(StrEnum):
    general = "general"
    complex = "complex"
    long_term = "long_term"


class FollowingDocument(StrEnum):
    none = "none"
    to_issue = "to_issue"


class DocumentKind(StrEnum):
    """The kinds of official documents (公文种类), complete, of the national regulation on their handling (2012, art. 8)."""

    resolution = "resolution"
    decision = "decision"
    order = "order"
    communique = "communique"
    announcement = "announcement"
    public_notice = "public_notice"
    opinion = "opinion"
    notice = "notice"
    circular = "circular"
    report = "report"
    request = "request"
    reply = "reply"
    bill = "bill"
    letter = "letter"
    minutes = "minutes"


class InNameOf(StrEnum):
    """In whose name a document is issued; `joint`: of several organs together."""

    government = "government"
    office = "office"
    department = "department"
    joint = "joint"


class TopicNature(StrEnum):
    """What a topic is on the agenda for; `safety` is development and safety taken up together (底线议题)."""

    deliberation = "deliberation"
    transmission = "transmission"
    study = "study"
    safety = "safety"

    @property
    def decides(self) -> bool:
        """Whether the meeting may decide on it: what is transmitted or studied is only noted (clauses §1.7)."""
        return self not in (TopicNature.transmission, TopicNature.study)


class PaperKind(StrEnum):
    flow_sheet = "flow_sheet"
    drafting_note = "drafting_note"
    main_document = "main_document"
    annex = "annex"
    legal_basis = "legal_basis"
    legality_opinion = "legality_opinion"
    interpretation = "interpretation"
    coordination_note = "coordination_note"
    topic_form = "topic_form"


class Aspect(StrEnum):
    """A declared property of a topic, which determines its gates."""

    normative_document = "normative_document"
    local_regulation = "local_regulation"
    major_decision = "major_decision"
    major_matter = "major_matter"
    personnel = "personnel"
    major_project = "major_project"
    large_funds = "large_funds"
    long_term_plan = "long_term_plan"
    budget = "budget"
    market_related = "market_related"
    public_interest = "public_interest"
    new_spending = "new_spending"
    important_draft = "important_draft"
    disputed = "disputed"
    needs_secrecy = "needs_secrecy"  # not for the public; classified content itself never enters the system
    to_be_published = "to_be_published"
    commendation = "commendation"
    funds_projects_staffing = "funds_projects_staffing"
    contract = "contract"
    congress_competence = "congress_competence"
    centrally_managed = "centrally_managed"


class Gate(StrEnum):
    """A procedure that a topic or a document must have passed."""

    legality_review = "legality_review"
    fair_competition_review = "fair_competition_review"
    stability_assessment = "stability_assessment"
    views_heard = "views_heard"
    public_participation = "public_participation"
    expert_argument = "expert_argument"
    risk_assessment = "risk_assessment"
    assessment = "assessment"
    public_consultation = "public_consultation"
    secrecy_review = "secrecy_review"
    performance_evaluation = "performance_evaluation"
    departments_consulted = "departments_consulted"
    commendation_review = "commendation_review"
    separate_approval = "separate_approval"
    legal_counsel = "legal_counsel"
    party_committee_deliberation = "party_committee_deliberation"
    party_committee_report = "party_committee_report"
    superiors_report = "superiors_report"
    peoples_congress = "peoples_congress"


class Block(StrEnum):
    """What an open gate blocks; `tracked` blocks nothing and is only shown."""

    completeness = "completeness"
    scheduling = "scheduling"
    issue = "issue"
    tracked = "tracked"


class Criterion(StrEnum):
    """A criterion by which a matter is assessed before the decision."""

    legality = "legality"
    necessity = "necessity"
    soundness = "soundness"
    feasibility = "feasibility"
    controllability = "controllability"
    consistency = "consistency"
    political = "political"
    policy = "policy"


class HearingForm(StrEnum):
    """A form in which views are heard."""

    hearing = "hearing"
    symposium = "symposium"
    online = "online"
    survey = "survey"
    visit = "visit"
    expert_meeting = "expert_meeting"


class NotePart(StrEnum):
    """A part of a drafting note (起草说明)."""

    background = "background"
    process = "process"
    consultation = "consultation"
    democratic_deliberation = "democratic_deliberation"
    main_content = "main_content"


class LeaveReason(StrEnum):
    """Kinds of reasons for leave from a meeting."""

    higher_meeting = "higher_meeting"
    official_trip = "official_trip"
    emergency = "emergency"
    health = "health"
    other = "other"


class InstructionKind(StrEnum):
    """How a leader wants an instruction handled (ST-64): at once, generally, or over a long time."""

    express = "express"
    general = "general"
    long_term = "long_term"


class EntrySource(StrEnum):
    """What a matter of the supervision ledger comes from (clauses §3, sources)."""

    meeting_decision = "meeting_decision"
    instruction = "instruction"
    work_report = "work_report"
    higher_deployment = "higher_deployment"
    campaign = "campaign"
    public_promise = "public_promise"
    key_project = "key_project"
    audit_finding = "audit_finding"
    congress_suggestion = "congress_suggestion"
    consultative_proposal = "consultative_proposal"
    petition = "petition"
    inspection_finding = "inspection_finding"
    leaders_assignment = "leaders_assignment"
    part = "part"


def glossary(*words: tuple[StrEnum, str]) -> dict[tuple[type[StrEnum], str], str]:
    """Words with their Chinese, keyed by vocabulary and word, as two vocabularies may share a spelling."""
    return {(type(word), word.value): chinese for word, chinese in words}


#: The Chinese terms of the closed vocabulary, for refusals and exports.
CHINESE = glossary(
    (Role.entrusting_leader, "委托的领导"),
    (RaisedBy.head, "政府主要负责人提出"), (RaisedBy.deputy, "副职领导提出"), (RaisedBy.department, "部门提出"),
    (DocumentKind.resolution, "决议"), (DocumentKind.decision, "决定"), (DocumentKind.order, "命令（令）"),
    (DocumentKind.communique, "公报"), (DocumentKind.announcement, "公告"), (DocumentKind.public_notice, "通告"),
    (DocumentKind.opinion, "意见"), (DocumentKind.notice, "通知"), (DocumentKind.circular, "通报"),
    (DocumentKind.report, "报告"), (DocumentKind.request, "请示"), (DocumentKind.reply, "批复"),
    (DocumentKind.bill, "议案"), (DocumentKind.letter, "函"), (DocumentKind.minutes, "纪要"),
    (InNameOf.government, "政府"), (InNameOf.office, "政府办公室"), (InNameOf.department, "部门"), (InNameOf.joint, "联合"),
    (PaperKind.legal_basis, "政策法规依据"), (PaperKind.legality_opinion, "合法性审查意见"),
    (PaperKind.interpretation, "政策解读材料"), (PaperKind.coordination_note, "协调说明"), (PaperKind.topic_form, "议题提报单"),
    (Aspect.normative_document, "规范性文件"), (Aspect.local_regulation, "地方性法规、规章草案"),
    (Aspect.major_decision, "重大决策"), (Aspect.major_matter, "重大事项"), (Aspect.personnel, "重要干部任免"),
    (Aspect.major_project, "重要项目安排"), (Aspect.large_funds, "大额资金使用"),
    (Aspect.long_term_plan, "中长期规划、重点专项规划"),
    (Aspect.budget, "预算及其调整"), (Aspect.market_related, "涉及市场主体经济活动"),
    (Aspect.public_interest, "涉及重大公共利益"),
    (Aspect.new_spending, "新增重大政策或项目支出"), (Aspect.important_draft, "重要文件草案"), (Aspect.disputed, "争议较大"),
    (Aspect.needs_secrecy, "依法需要保密"), (Aspect.to_be_published, "拟公开发布"), (Aspect.commendation, "表彰事项"),
    (Aspect.funds_projects_staffing, "涉及资金、项目、机构编制"), (Aspect.contract, "重要合同"),
    (Aspect.congress_competence, "属人大职权"), (Aspect.centrally_managed, "属党委集中管理"),
    (Gate.legality_review, "合法性审查"), (Gate.fair_competition_review, "公平竞争审查"),
    (Gate.stability_assessment, "社会稳定风险评估"), (Gate.views_heard, "多种形式听取意见"),
    (Gate.public_participation, "公众参与"), (Gate.expert_argument, "专家论证"), (Gate.risk_assessment, "风险评估"),
    (Gate.assessment, "评估论证"), (Gate.public_consultation, "公开征求意见"),
    (Gate.secrecy_review, "保密审查"), (Gate.performance_evaluation, "事前绩效评估"),
    (Gate.departments_consulted, "征求有关部门和镇街意见"), (Gate.commendation_review, "评比达标表彰工作协调小组审核"),
    (Gate.separate_approval, "资金、项目、编制的专门审批"), (Gate.legal_counsel, "听取法律顾问意见"),
    (Gate.party_committee_deliberation, "提请党委常委会审议或报告"), (Gate.party_committee_report, "向党委报告"),
    (Gate.superiors_report, "向上级党委和政府报告"), (Gate.peoples_congress, "提请人大及其常委会"),
    (Block.completeness, "材料齐备"), (Block.scheduling, "列入议程"), (Block.issue, "印发"), (Block.tracked, "跟踪"),
    (Criterion.legality, "合法性"), (Criterion.necessity, "必要性"), (Criterion.soundness, "科学性"),
    (Criterion.feasibility, "可行性"), (Criterion.controllability, "可控性"), (Criterion.consistency, "政策一致性"),
    (Criterion.political, "政治性"), (Criterion.policy, "政策性"),
    (HearingForm.hearing, "听证会"), (HearingForm.symposium, "座谈会"), (HearingForm.online, "网络征求"),
    (HearingForm.survey, "问卷"),
    (HearingForm.visit, "走访"), (HearingForm.expert_meeting, "专家会"),
    (NotePart.background, "起草背景"), (NotePart.process, "制定过程"), (NotePart.consultation, "征求意见情况"),
    (NotePart.democratic_deliberation, "民主议定情况"), (NotePart.main_content, "主要内容"),
    (EntrySource.meeting_decision, "会议议定事项"), (EntrySource.instruction, "领导批示"),
    (EntrySource.work_report, "政府工作报告任务"), (EntrySource.higher_deployment, "上级和党委部署"),
    (EntrySource.campaign, "专项行动"), (EntrySource.public_promise, "向社会承诺事项"), (EntrySource.key_project, "重点项目"),
    (EntrySource.audit_finding, "审计和监督发现问题"), (EntrySource.congress_suggestion, "人大代表建议"),
    (EntrySource.consultative_proposal, "政协提案"), (EntrySource.petition, "领导包案信访事项"),
    (EntrySource.inspection_finding, "督查发现问题"), (EntrySource.leaders_assignment, "领导交办事项"),
    (EntrySource.part, "分解任务"),
    (InstructionKind.express, "速办"), (InstructionKind.general, "一般"), (InstructionKind.long_term, "长期"),
    (LeaveReason.higher_meeting, "参加上级会议或活动"), (LeaveReason.official_trip, "因公出访或出差"),
    (LeaveReason.emergency, "处置突发事件"), (LeaveReason.health, "身体原因"), (LeaveReason.other, "其他"),
    (Role.head, "政府主要负责人"), (Role.executive_deputy, "负责常务工作的副职"), (Role.deputies, "副职领导"),
    (Role.deputy_in_charge, "分管领导"),
    (Role.deputies_concerned, "有关分管领导"), (Role.party_group, "党组成员"), (Role.party_secretary, "党组书记"),
    (Role.deputy_secretary_general, "副秘书长"), (Role.constituent_department_principals, "政府组成部门主要负责人"),
    (Role.unit_principals, "各部门、各单位主要负责人"), (Role.deputy_principals, "部门、镇街分管负责人"),
    (Role.secretary_general, "秘书长"),
    (Role.office_director, "办公室主任"), (Role.office_deputy_director, "办公室副主任"), (Role.office, "政府办公室"),
    (Role.sponsor, "主办部门"), (Role.principal, "主办部门主要负责人"), (Role.department_principals, "部门主要负责人"),
    (Role.town_and_street_principals, "镇街主要负责人"),
    (Role.justice_organ, "司法行政部门"), (Role.supervision_office, "督查机构"), (Role.unit_office, "主办部门办公室"),
    (Role.chair, "会议主持人"),
    (PaperKind.flow_sheet, "议题流转单"), (PaperKind.drafting_note, "起草说明"), (PaperKind.main_document, "正文"),
    (PaperKind.annex, "附件"),
    (TopicNature.deliberation, "审议"), (TopicNature.transmission, "传达"), (TopicNature.study, "学习"),
    (TopicNature.safety, "底线"),
)  # fmt: skip


def in_chinese(*words: StrEnum) -> str:
    """Words of the vocabulary as a Chinese enumeration. A plain string (from a row's column) gets the term of the first
    vocabulary that contains it."""
    return "、".join(_one(word) for word in words)


def _one(word: str) -> str:
    if isinstance(word, StrEnum):
        return CHINESE[type(word), word.value]
    return next(chinese for (_, spelling), chinese in CHINESE.items() if spelling == word)
