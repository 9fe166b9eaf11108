"""`zhengling rulebook` and `zhengling deadlines`: check and explain a folder of rulebooks, check due dates."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from zhengling.cli.options import RulebookRoots, console, fail, loaded, rulebook_roots
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import Day, DayOrInstant
from zhengling.rules.absences import Absence
from zhengling.rules.chains import Step
from zhengling.rules.loading import RulebookError, Rulebooks, load_edition
from zhengling.rules.planning import Planning
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Supervision
from zhengling.rules.vocabulary import in_chinese

rulebook = typer.Typer(no_args_is_help=True, help="Check and explain rulebooks.")
deadlines = typer.Typer(no_args_is_help=True, help="Due dates.")


@rulebook.command("check", help="Load rulebooks strictly and list findings with file, line and key.")
def rulebook_check(folders: Annotated[list[Path] | None, typer.Argument(help="folders of rulebooks")] = None) -> None:
    if absent := [root for root in rulebook_roots(folders) if not root.is_dir()]:
        raise fail(f"no such folder: {', '.join(map(str, absent))}")
    books = Rulebooks.read(rulebook_roots(folders))
    for finding in itertools.chain(*books.faults.values()):
        console.print(finding, style="red", highlight=False, soft_wrap=True)
    for warning in itertools.chain(*books.warnings.values()):
        console.print(f"warning: {warning}", style="yellow", highlight=False, soft_wrap=True)
    for book in books.all():
        verdict = "no errors, see the warnings" if book.code in books.warnings else "sound"
        console.print(f"{book.code} {book.edition} revision {book.government.revision}: {verdict}", highlight=False)
    if books.faults:
        raise typer.Exit(1)
    if not books.all():
        raise fail("no rulebook found; expected <folder>/<government>/<YYYY-MM-DD>/")


@rulebook.command("explain", help="Print the rules of one edition's folder (<government>/<date>).")
def rulebook_explain(folder: Path) -> None:
    try:
        book = load_edition(folder)
    except RulebookError as error:
        raise fail(error) from error
    _explain(book)


def _explain(book: Rulebook) -> None:
    console.print(f"{book.government.name} ({book.code}), in force since {book.edition}", style="bold")
    for name, kind in book.meetings.items():
        console.print(f"\n{name}: {kind.name} [{kind.clause}]", highlight=False, markup=False)
        console.print(f"  members: {', '.join(kind.members)}", highlight=False)
        console.print(f"  chair: {'; '.join(_actor(a) for a in kind.chair)}", highlight=False)
        invitees = kind.invitees.steps if kind.invitees else None
        chains = {"topic": kind.topic, "agenda": kind.agenda, "minutes": kind.minutes, "invitees": invitees}
        for title, chain in chains.items():
            if chain is None:
                continue
            for step in chain.steps:
                when = f" when {_when(step.when)}" if step.when else ""
                line = f"  {title}: {_ask(step)}{when} [{step.clause or chain.clause}]"
                console.print(line, highlight=False, markup=False)
        if kind.papers and kind.papers.admit_late:
            source = kind.papers.admit_late_clause or kind.papers.clause
            line = f"  late papers: admitted by {' or '.join(kind.papers.admit_late)} [{source}]"
            console.print(line, highlight=False, markup=False)
    if book.supervision:
        _explain_supervision(book.supervision)
    if book.absence:
        _explain_absence(book.absence)
    if book.planning:
        _explain_planning(book.planning)
    for name, rule in book.deadlines.items():
        shape = rule.model_dump(mode="json", exclude_none=True, exclude={"clause"})
        terms = ", ".join(f"{k} {v}" for k, v in shape.items())
        console.print(f"  {name}: {terms} [{rule.clause}]", highlight=False, markup=False)


def _explain_supervision(rules: Supervision) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    ledger = rules.ledger
    say(f"\nledger [{ledger.clause}]")
    say(f"  number: {ledger.number} [{ledger.number_clause or ledger.clause}]")
    if deployment := ledger.deployment:
        say(f"  deployed: a meeting's decision on {deployment.meeting_decision} [{deployment.clause}]")
    for row in ledger.due:
        met_by = f", met by its {row.met_by}" if row.rule else ""
        say(f"  {_when(row.when) or 'always'} → {row.rule or 'to be set'}{met_by} [{row.clause}]")
    say(f"  dates to be set: by {', '.join(ledger.set_by)} [{ledger.set_by_clause or ledger.clause}]")
    say(
        "  course:" if rules.course else "  course: none; a matter is recorded and marked overdue, nobody reports on it"
    )
    for act, right in (rules.course or {}).items():
        timed = f", {right.rule}" if right.rule else ""
        approved = f", approved by {' or '.join(right.approval)}" if right.approval else ""
        say(f"    {act} ({in_chinese(act)}): by {' or '.join(right.by)}{approved}{timed} [{right.clause}]")
    if lights := rules.lights:
        days = f"due soon {lights.due_soon} working days before, long overdue {lights.long_overdue} working days after"
        say(f"  lights: {days} [{lights.clause}]")
    if weights := rules.weights:
        say(f"  weights, 1 otherwise [{weights.clause}]")
        for weight in weights.rows:
            say(f"    {_when(weight.when) or 'always'} → {weight.weight}")
    if focus := rules.focus:
        say(f"  focus categories [{focus.clause}]")
        for each in focus.categories:
            say(f"    {each.code}: {each.name}, {' or '.join(each.sources) or 'to be stated'}")


def _explain_absence(rules: Absence) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    say("\nabsence:")
    for row in rules.requests:
        steps = "; ".join(map(_ask, row.ask))
        notice = f", {row.notice.rule} ahead" if row.notice else ""
        say(f"  {', '.join(row.who)}: {steps or 'recorded on notification'}{notice} [{row.clause}]")
        for duty in row.duties:
            say(f"    {duty.when}: {duty.duty} [{duty.clause or row.clause}]")
    for limit in rules.limits:
        count = f" at most {limit.at_most}" if limit.at_most else ""
        say(
            f"  limit {limit.limit} of {', '.join(limit.of)}{count}, waived by {', '.join(limit.lift)} [{limit.clause}]"
        )
    for stand in rules.substitution:
        by = "the A/B partner" if stand.partner else " or ".join(stand.by)
        say(f"  for {', '.join(stand.of)} ({', '.join(stand.kinds)}): {by}, {stand.basis} [{stand.clause}]")
    if rules.research:
        say(f"  field research: {rules.research.days} days a year [{rules.research.clause}]")


def _explain_planning(rules: Planning) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    def waiver(roles: Sequence[str]) -> str:
        return f"waived by {' or '.join(roles)}" if roles else "no waiver"

    say("\nplanning:")
    for name, kind in rules.requests.items():
        say(f"  {name}: {kind.name}, asked by {' or '.join(kind.asked_by)} [{kind.clause}]")
        say(f"    {'; '.join(map(_ask, kind.ask)) or 'recorded without approval if it breaches no rule'}")
        if kind.lead:
            say(f"    {kind.lead.rule} ahead, met by the {kind.lead.met_by}, {waiver(kind.lead.admit)}")
        for quota in kind.quotas:
            say(f"    at most {quota.at_most} per {quota.per} and {quota.of}, {waiver(quota.lift)} [{quota.clause}]")
        for rule in kind.invitees:
            needs = "only with approval" if rule.needs == "approval" else f"not invited, {waiver(rule.lift)}"
            say(f"    {', '.join(rule.groups)}: {needs} [{rule.clause}]")
        if kind.in_name_of:
            names = kind.in_name_of
            say(f"    in the name of the {' or '.join(names.allowed)}, {waiver(names.lift)} [{names.clause}]")
        if kind.planned:
            say(f"    must be in the yearly plan, {waiver(kind.planned.lift)} [{kind.planned.clause}]")
    if plan := rules.yearly_plan:
        steps = "; ".join(map(_ask, plan.ask))
        say(
            f"  yearly plan of {plan.of}: by {plan.deadline}, {steps}; additions {waiver(plan.additions)} [{plan.clause}]"
        )


def _ask(ask: Step) -> str:
    by = (" and " if ask.need == "all" else " or ").join(map(_actor, ask.by))
    meeting = f"a decision of {' or '.join(ask.meeting)}" if ask.meeting else ""
    source = f" [{ask.clause}]" if ask.clause else ""
    return f"{ask.step} by {' or '.join(way for way in (by, meeting) if way)}{source}"


def _actor(actor: Any) -> str:
    return f"{actor.role}{f' when {_when(actor.when)}' if actor.when else ''}"


def _when(when: dict[str, Any]) -> str:
    return " and ".join(
        f"{fact} is {' or '.join(map(str, v)) if isinstance(v, list) else v}" for fact, v in when.items()
    )


class DeadlineCase(BaseModel):
    """One case of the file: a government's rule, its start, and the expected due date."""

    model_config = ConfigDict(extra="forbid")
    government: str
    rule: str
    from_: Annotated[DayOrInstant, Field(alias="from")]
    date: Day
    occurrence: int = 1


@deadlines.command("check", help="Compute every case of FILE and list those that differ; exit with 1 if any does.")
def deadlines_check(file: Path, rulebooks: RulebookRoots = None) -> None:
    from zhengling.dates.deadlines import compute
    from zhengling.dates.workdays import WorkdayCalendar, base_years

    books = loaded(rulebooks)
    calendar = WorkdayCalendar(base_years(), "base")
    try:
        cases = TypeAdapter(list[DeadlineCase]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValueError) as error:  # pydantic's and Unicode's errors are ValueErrors
        raise fail(f"{file} isn't a list of cases: {error}") from error
    differing = 0
    for number, case in enumerate(cases, 1):
        try:
            book = books.current(case.government, datetime.now(UTC))
            rule = book.deadline(case.rule)
            found: date | str = compute(case.rule, rule, case.from_, calendar, case.occurrence).date
        except Problem as problem:
            found = str(problem)
        if found != case.date:
            differing += 1
            line = f"case {number}: {case.government} {case.rule} from {case.from_}: expected {case.date}, computed {found}"
            console.print(line, style="red", highlight=False, soft_wrap=True)
    console.print(f"{len(cases)} cases, {differing} differ", highlight=False)
    raise typer.Exit(1 if differing else 0)
