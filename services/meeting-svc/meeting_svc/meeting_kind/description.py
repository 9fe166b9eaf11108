"""The rules of a kind of meeting, or of a type of request, in words, for clerks and for authors of API calls. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from zhengling.kernel.clauses import cited, practice_of
from zhengling.kernel.errors import Text
from zhengling.rules.chains import Chain, Step
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.tables import values
from zhengling.rules.vocabulary import Role, in_chinese

Described = tuple[str, Text]


def describe_kind(kind: MeetingKind) -> list[Described]:
    """Each rule of the kind with its clause, in the order of a meeting's procedure."""
    return [*_people(kind), *_before(kind), *_session(kind), *_after(kind)]


def words(roles: tuple[Role, ...]) -> tuple[str, str]:
    return ", ".join(roles), in_chinese(*roles)


def _chain(chain: Chain) -> tuple[str, str]:
    def one(step: Step) -> tuple[str, str]:
        roles = tuple(actor.role for actor in step.by)
        source = cited(step.clause) if step.clause and practice_of(step.clause) else Text("", "")
        every = step.need == "all"
        en = f"{step.step} by {(' and ' if every else ' or ').join(roles)}"
        zh = f"{step.chinese}（{in_chinese(*roles)}{'均须办理' if every else ''}）"
        return f"{en} [{source.en}]" if source.en else en, f"{zh}〔{source.zh}〕" if source.zh else zh

    steps = [one(step) for step in chain.steps]
    return "; ".join(en for en, _ in steps), "→".join(zh for _, zh in steps)


def _people(kind: MeetingKind) -> Iterator[Described]:
    if kind.members:
        en, zh = words(kind.members)
        yield kind.clause, Text(f"Members, who count towards a quorum: {en}", f"组成人员：{zh}")
    else:
        yield kind.clause, Text("Participants: named by the call", "参会人员由召集时确定")
    if kind.attendees:
        en, zh = words(kind.attendees)
        yield kind.clause, Text(f"Standing attendees: {en}", f"固定列席：{zh}")
    en, zh = words(kind.organiser)
    yield kind.clause, Text(f"Organised by: {en}", f"会务组织：{zh}")
    for actor in kind.chair:
        entrusted = True in values(actor.when.get("entrusted"))
        by_en, by_zh = words(kind.entrusted_by)
        en = f"Chaired by: {actor.role}" + (f", once entrusted by {by_en}" if entrusted else "")
        zh = f"主持：{in_chinese(actor.role)}" + (f"（须经{by_zh}委托）" if entrusted else "")
        yield kind.clause, Text(en, zh)


def _before(kind: MeetingKind) -> Iterator[Described]:
    if kind.request:
        yield kind.clause, Text(f"Requires an approved request: {kind.request}", f"须先申请并经批准：{kind.request}")
    en, zh = _chain(kind.agenda)
    yield kind.agenda.clause, Text(f"Agenda: {en}", f"议程：{zh}")
    if kind.first_topic:
        zh = in_chinese(kind.first_topic.nature)
        yield kind.first_topic.clause, Text(f"First topic: {kind.first_topic.nature}", f"第一议题：{zh}")
    if kind.rhythm:
        zh = in_chinese(kind.rhythm.nature)
        yield kind.rhythm.clause, Text(f"Taken up regularly: {kind.rhythm.nature}", f"定期安排：{zh}议题")
    if kind.notice:
        yield kind.notice.clause, Text("Agenda and papers are sent to everybody beforehand", "议程和材料于会前送达")
    if kind.invitees:
        en, zh = _chain(kind.invitees.steps)
        yield kind.invitees.clause, Text(f"List of invitees: {en}", f"邀请名单：{zh}")
    if kind.outside_portfolio:
        en, zh = words(kind.outside_portfolio.consent)
        text = Text(
            f"Principals outside the chair's portfolio, or of towns and streets: only with the consent of {en}",
            f"邀请分管范围以外部门或镇街主要负责人参会，须经{zh}同意",
        )
        yield kind.outside_portfolio.clause, text


def _session(kind: MeetingKind) -> Iterator[Described]:
    if kind.quorum:
        rule = kind.quorum
        en = f"more than {rule.more_than}" if rule.more_than is not None else f"at least {rule.at_least}"
        zh = f"超过{rule.more_than}" if rule.more_than is not None else f"不少于{rule.at_least}"
        yield rule.clause, Text(f"Quorum: {en} of the members", f"出席人数须{zh}")
    if kind.leave:
        leaders, others = words(kind.leave.leaders), words(kind.leave.others)
        en, zh = f"others {others[0]}", f"其他人员向{others[1]}"
        if kind.leave.others_reported:
            en, zh = f"others' leave is reported to {others[0]} by the office", f"其他人员由政府办公室向{others[1]}报告"
        text = Text(f"Leave: leaders ask {leaders[0]}, {en}", f"请假：领导向{leaders[1]}、{zh}")
        yield kind.leave.clause, text
        if kind.leave.reasons:
            en, zh = ", ".join(kind.leave.reasons), in_chinese(*kind.leave.reasons)
            yield kind.leave.clause, Text(f"Reasons for leave: {en}", f"请假事由：{zh}")
    if kind.delegates:
        en, zh = words(kind.delegates.consent)
        yield kind.delegates.clause, Text(f"Delegates: only with the consent of {en}", f"替会须经{zh}同意")
    if kind.staff:
        en, zh = words(kind.staff.more_by)
        number = kind.staff.per_topic
        text = Text(
            f"Staff of a sponsor per topic: {number}; more by {en}",
            f"主办部门每议题列席工作人员{number}名，增加须经{zh}批准",
        )
        yield kind.staff.clause, text
    if kind.confidential:
        text = Text(
            "No phones or recorders; papers marked for return are collected", "设备不得带入会场，标注收回的材料须退回"
        )
        yield kind.confidential.clause, text


def _after(kind: MeetingKind) -> Iterator[Described]:
    if not kind.decides:
        yield kind.clause, Text("Takes no decisions", "不作决定")
    if kind.minutes:
        en, zh = _chain(kind.minutes)
        optional = kind.minutes.optional
        en = f"Minutes{', if the chair decides so' * optional}: {en}"
        yield kind.minutes.clause, Text(en, f"纪要{'（是否形成由主持人定）' * optional}：{zh}")
    if kind.publication:
        yield kind.publication.clause, Text("Decisions are published unless secret", "决定事项除需保密的外及时公布")
