"""`zhengling`: the stack, the demo, tokens, rulebooks, deadlines, events and the audit from the command line.

Exit codes: 0 done; 1 the thing checked isn't right; 2 it couldn't be done (wrong arguments, nobody answers).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from rich.console import Console
from rich.table import Table

from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import Day, DayOrInstant
from zhengling.local.issuer import LocalIssuer
from zhengling.main_job import SERVICES
from zhengling.rules.absences import Absence
from zhengling.rules.loading import RulebookError, Rulebooks, load_edition
from zhengling.rules.planning import Ask, Planning
from zhengling.rules.rulebook import Rulebook

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
stack = typer.Typer(no_args_is_help=True, help="The embedded stack: PostgreSQL, broker, four services.")
database = typer.Typer(no_args_is_help=True, help="Databases and roles on a PostgreSQL of yours.")
rulebook = typer.Typer(no_args_is_help=True, help="Rulebooks: check and explain a folder anyone writes.")
deadlines = typer.Typer(no_args_is_help=True, help="Due dates.")
calendar = typer.Typer(no_args_is_help=True, help="The working-day calendar of a running calendar-svc.")
composition = typer.Typer(no_args_is_help=True, help="The composition of a government in a running meeting-svc.")
events = typer.Typer(no_args_is_help=True, help="The event backbone of running services.")
audit = typer.Typer(no_args_is_help=True, help="The sealed audit chain of running services.")
files = typer.Typer(no_args_is_help=True, help="The files of running services.")
schemas = typer.Typer(no_args_is_help=True, help="The documents of the APIs and events.")
for name, group in (
    ("stack", stack), ("database", database), ("rulebook", rulebook), ("deadlines", deadlines), ("calendar", calendar),
    ("composition", composition), ("events", events), ("audit", audit), ("files", files), ("schemas", schemas),
):  # fmt: skip
    app.add_typer(group, name=name)

console = Console(width=None if sys.stdout.isatty() else 150)  # a pipe has no width of its own
errors = Console(stderr=True)
HERE = Path(__file__).resolve().parents[3]
RulebookRoots = Annotated[
    list[Path] | None, typer.Option("--rulebooks", help="folders of rulebooks; else RULEBOOKS, else the five shipped")
]
Token = Annotated[str, typer.Option(envvar="ZHENGLING_TOKEN", help="a bearer token")]
ServiceUrl = Annotated[str, typer.Option("--url", help="where the service answers")]
ALL_SCOPES = [
    *(f"{service}:{right}" for service in SERVICES for right in ("read", "write", "admin")),
    "calendar:national",
    "events:replay",
]


def rulebook_roots(given: list[Path] | None = None) -> list[Path]:
    if given:
        return given
    if named := os.environ.get("RULEBOOKS"):
        return [Path(part) for part in named.split(os.pathsep) if part]
    return [HERE / "rulebooks"]


def fail(text: object) -> typer.Exit:
    errors.print(str(text), style="red", highlight=False, markup=False, soft_wrap=True)
    return typer.Exit(2)


def loaded(roots: list[Path] | None) -> Rulebooks:
    try:
        return Rulebooks.load(rulebook_roots(roots))
    except RulebookError as error:
        raise fail(error) from error


# stack and demo -----------------------------------------------------------------------------------------------------
@stack.command("up", help="Leave the stack running, with its addresses and a token; Ctrl-C stops all of it.")
def stack_up(
    folder: Annotated[Path | None, typer.Option(help="keep data, keys and logs here; else they are temporary")] = None,
    government: Annotated[str | None, typer.Option(help="whose token is printed; else the first rulebook's")] = None,
    official: Annotated[str | None, typer.Option(help="the official whom the token is for")] = None,
    people: Annotated[
        Path | None,
        typer.Option(help="load the compositions <government>.yaml of this folder; a token is an office clerk's"),
    ] = None,
    rulebooks: RulebookRoots = None,
    database_admin_url: Annotated[
        str | None, typer.Option(envvar="DATABASE_ADMIN_URL", help="use this PostgreSQL instead of the embedded one")
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="use this Kafka instead of the embedded broker")
    ] = None,
) -> None:
    from zhengling.local.processes import StackError
    from zhengling.local.stack import EmbeddedStack

    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    government = government or loaded(rulebooks).governments[0]
    done = threading.Event()
    try:
        with EmbeddedStack(
            folder,
            rulebooks=rulebook_roots(rulebooks),
            database_admin_url=database_admin_url,
            kafka_bootstrap_servers=kafka,
            progress=lambda line: console.print(f"[dim]{line}[/dim]", highlight=False),
        ) as running:
            signal.signal(signal.SIGINT, lambda *_: done.set())
            signal.signal(signal.SIGTERM, lambda *_: done.set())
            table = Table(title="Zhengling is running", show_header=False)
            for service, url in running.addresses().items():
                table.add_row(f"{service}-svc", url, f"{url}/docs")
            table.add_row("Kafka", running.kafka_bootstrap_servers, "")
            table.add_row("logs", str(running.folder / "logs"), "")
            console.print(table)
            if people:
                clerks = asyncio.run(_load_people(people, running.addresses(), running.issuer))
                official = official or clerks.get(government)
                console.print(f"compositions loaded: {', '.join(clerks)}", highlight=False)
            token = running.issuer.token(
                official or f"{government}-operator", government, official=official, scopes=ALL_SCOPES, lifetime=86_400
            )
            console.print(f"token of {official or 'an operator'} of {government}, good for a day:", highlight=False)
            print(token, flush=True)
            more = f"{sys.argv[0]} token --folder {running.folder} --government {government} --official ID"
            console.print(f"another person's: {more}", highlight=False, soft_wrap=True)
            console.print("Ctrl-C stops all of it.")
            done.wait()
    except StackError as error:
        raise fail(error) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _load_people(folder: Path, addresses: dict[str, str], issuer: LocalIssuer) -> dict[str, str]:
    """Load every composition of the folder; returns an office clerk of each government."""
    from zhengling.main_job import Api, load_composition, office_clerk

    clerks: dict[str, str] = {}
    async with httpx.AsyncClient(timeout=30) as client:
        for government, composition in _compositions(folder).items():
            await load_composition(Api(addresses, issuer, government, client), composition)
            clerks[government] = office_clerk(composition)
    return clerks


def _compositions(folder: Path) -> dict[str, Composition]:
    return {
        path.stem: Composition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    }


@app.command("demo", help="The main job for five governments on a stack of its own, over the REST API only.")
def demo() -> None:
    from zhengling.local.processes import StackError
    from zhengling.local.stack import EmbeddedStack

    try:
        with EmbeddedStack(
            rulebooks=[HERE / "rulebooks"],
            progress=lambda line: console.print(f"[dim]{line}[/dim]", highlight=False),
        ) as running:
            sound = asyncio.run(_demo(running.addresses(), running.issuer))
    except StackError as error:
        raise fail(error) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if sound else 1)


async def _demo(addresses: dict[str, str], issuer: LocalIssuer) -> bool:
    from zhengling.main_job import Api, MainJob, Report, Scenario

    folder = HERE / "deploy" / "demo"
    scenarios = yaml.safe_load((folder / "scenarios.yaml").read_text(encoding="utf-8"))
    people = _compositions(folder / "compositions")
    books = Rulebooks.load([HERE / "rulebooks"])
    console.print("\nThe demo moves business time by the services' test clock; real time runs on.", style="yellow")
    reports: list[Report] = []
    async with httpx.AsyncClient(timeout=30) as client:
        for government, content in scenarios.items():
            name = books.current(government, datetime.now(UTC)).government.name
            console.rule(f"{name} ({government})")
            scenario = Scenario.model_validate(content)
            console.print(f"  business time: {scenario.submitted}, then {scenario.day}", highlight=False)
            api = Api(addresses, issuer, government, client)
            job = MainJob(api, people[government], scenario, lambda line: console.print(f"  {line}", highlight=False))
            reports.append(await job.run())
        _show_breaches(reports, scenarios)
        _show_ledger(reports)
        await _show_explanation(reports, Api(addresses, issuer, "", client))
    return all(report.landed and report.refused for report in reports)


def _show_breaches(reports: list[Any], scenarios: dict[str, Any]) -> None:
    table = Table(title="One breach per government, refused with its clause", show_lines=True)
    for column in ("government", "what was tried", "answer", "clause", "what would satisfy it"):
        table.add_column(column, overflow="fold")
    for report in reports:
        problem = report.refused
        told = scenarios[report.government]["breach"]["told"]
        answer = f"{problem['status']} {problem['code']}: {problem['detail']}"
        table.add_row(report.government, told, answer, problem["clause"], problem["satisfy"])
    console.print(table)


def _show_ledger(reports: list[Any]) -> None:
    table = Table(title="Decisions of signed minutes in the supervision ledger", show_lines=True)
    for column in ("government", "decision", "ledger number", "lead unit", "due", "clause", "signature → entry"):
        table.add_column(column, overflow="fold")
    for report in reports:
        for landed in report.landed:
            entry = landed.entry
            due = (
                f"{entry['due']} ({entry['due_clause'] or entry['due_basis']})"
                if entry["due"]
                else "to be set by the office"
            )
            table.add_row(
                report.government, entry["title"], entry["number"], entry["lead"]["name"], due, entry["clause"],
                f"{landed.seconds * 1000:.0f} ms",
            )  # fmt: skip
    console.print(table)


async def _show_explanation(reports: list[Any], api: Any) -> None:
    """The first due date that a rule gave, explained day by day."""
    for report in reports:
        for landed in report.landed:
            if landed.entry["due_basis"] == "rule":
                api.government = report.government
                found = await api.get("oversight", f"/v1/entries/{landed.entry['id']}/due")
                console.print(f"\nWhy {landed.entry['number']} is due on {found['date']}:", style="bold")
                console.print(f"  {found['explanation']}", highlight=False)
                for step in found["trace"]:
                    console.print(f"  {step['date'] or '':10}  {step['effect']:8}  {step['text']}", highlight=False)
                return


@app.command("token", help="A token of the local issuer that `stack up --folder` keeps its key in.")
def token(
    folder: Annotated[Path, typer.Option(help="the stack's folder")],
    government: Annotated[str, typer.Option()],
    official: Annotated[str | None, typer.Option()] = None,
    scope: Annotated[list[str] | None, typer.Option(help="repeat for several; else all")] = None,
    hours: Annotated[int, typer.Option(min=1, max=24)] = 8,
) -> None:
    from zhengling.local.issuer import LocalIssuer

    if not (folder / "issuer").is_dir():
        raise fail(f"{folder} is no folder of a stack: it has no issuer/")
    issuer = LocalIssuer(folder / "issuer")
    subject = official or f"{government}-operator"
    print(issuer.token(subject, government, official=official, scopes=scope or ALL_SCOPES, lifetime=hours * 3600))


# databases ----------------------------------------------------------------------------------------------------------
@database.command("create", help="Create one service's database and its three roles; running it again mends them.")
def database_create(
    service: Annotated[str, typer.Argument(help="meeting, docflow, oversight or calendar")],
    admin_url: Annotated[str, typer.Option(envvar="DATABASE_ADMIN_URL", help="who may create roles and databases")],
    owner_password: Annotated[str, typer.Option(envvar="OWNER_PASSWORD", prompt=True, hide_input=True)],
    app_password: Annotated[str, typer.Option(envvar="APP_PASSWORD", prompt=True, hide_input=True)],
    worker_password: Annotated[str, typer.Option(envvar="WORKER_PASSWORD", prompt=True, hide_input=True)],
) -> None:
    from asyncpg import PostgresError

    from zhengling.database.bootstrap import Passwords, bootstrap_database

    if service not in SERVICES:
        raise fail(f"{service} is none of {', '.join(SERVICES)}")
    try:
        passwords = Passwords(owner_password, app_password, worker_password)
        asyncio.run(bootstrap_database(admin_url, service, passwords))
    except (OSError, ValueError, PostgresError) as error:
        raise fail(f"the database wasn't created: {error}") from error
    console.print(f"database {service} with the roles {service}_owner, {service}_app and {service}_worker")


# rulebooks ----------------------------------------------------------------------------------------------------------
@rulebook.command("check", help="Load rulebooks strictly; every finding names its file, line and key.")
def rulebook_check(folders: Annotated[list[Path] | None, typer.Argument(help="roots of rulebooks")] = None) -> None:
    if absent := [root for root in rulebook_roots(folders) if not root.is_dir()]:
        raise fail(f"no such folder: {', '.join(map(str, absent))}")
    try:
        books = Rulebooks.load(rulebook_roots(folders))
    except RulebookError as error:
        for finding in error.findings:
            console.print(finding, style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    for book in books.all():
        console.print(f"{book.code} {book.edition} revision {book.government.revision}: sound", highlight=False)
    if not books.all():
        raise fail("no rulebook found: one stands in <folder>/<government>/<YYYY-MM-DD>/")


@rulebook.command("explain", help="Tell what an edition's folder (<government>/<date>) asks for.")
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
        for title, chain in (("topic", kind.topic), ("agenda", kind.agenda), ("minutes", kind.minutes)):
            if chain is None:
                continue
            for step in chain.steps:
                by = " or ".join(_actor(a) for a in step.by)
                when = f" when {_when(step.when)}" if step.when else ""
                line = f"  {title}: {step.step} by {by}{when} [{step.clause or chain.clause}]"
                console.print(line, highlight=False, markup=False)
    if book.supervision:
        ledger = book.supervision.ledger
        console.print(f"\nledger: {ledger.number} [{ledger.clause}]", highlight=False, markup=False)
        for row in ledger.due:
            console.print(f"  {_when(row.when) or 'always'} → {row.rule} [{row.clause}]", highlight=False, markup=False)
        console.print(f"  otherwise set by {', '.join(ledger.set_by)}", highlight=False)
    if book.absence:
        _explain_absence(book.absence)
    if book.planning:
        _explain_planning(book.planning)
    for name, rule in book.deadlines.items():
        shape = rule.model_dump(mode="json", exclude_none=True, exclude={"clause"})
        told = ", ".join(f"{k} {v}" for k, v in shape.items())
        console.print(f"  {name}: {told} [{rule.clause}]", highlight=False, markup=False)


def _explain_absence(rules: Absence) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    say("\nabsence:")
    for row in rules.requests:
        steps = "; ".join(f"{a.step} by {(' and ' if a.need == 'all' else ' or ').join(a.by)}" for a in row.ask)
        notice = f", {row.notice.rule} ahead" if row.notice else ""
        say(f"  {', '.join(row.who)}: {steps or 'on record once told'}{notice} [{row.clause}]")
        for duty in row.duties:
            say(f"    {duty.when}: {duty.duty} [{duty.clause or row.clause}]")
    for limit in rules.limits:
        count = f" at most {limit.at_most}" if limit.at_most else ""
        say(
            f"  limit {limit.limit} of {', '.join(limit.of)}{count}, lifted by {', '.join(limit.lift)} [{limit.clause}]"
        )
    for stand in rules.substitution:
        by = "the A/B partner" if stand.partner else " or ".join(stand.by)
        say(f"  for {', '.join(stand.of)} ({', '.join(stand.kinds)}): {by}, {stand.basis} [{stand.clause}]")
    if rules.research:
        say(f"  field research: {rules.research.days} days a year [{rules.research.clause}]")


def _explain_planning(rules: Planning) -> None:
    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False)

    def door(roles: Sequence[str]) -> str:
        return f"lifted by {' or '.join(roles)}" if roles else "firm"

    say("\nplanning:")
    for name, kind in rules.requests.items():
        say(f"  {name}: {kind.name}, asked by {' or '.join(kind.asked_by)} [{kind.clause}]")
        say(f"    {'; '.join(map(_ask, kind.ask)) or 'on record once nothing stands against it'}")
        if kind.lead:
            say(f"    {kind.lead.rule} ahead, met by the {kind.lead.met_by}, {door(kind.lead.admit)}")
        for quota in kind.quotas:
            say(f"    at most {quota.at_most} per {quota.per} and {quota.of}, {door(quota.lift)} [{quota.clause}]")
        for rule in kind.invitees:
            needs = "only once approved" if rule.needs == "approval" else f"not invited, {door(rule.lift)}"
            say(f"    {', '.join(rule.groups)}: {needs} [{rule.clause}]")
        if kind.in_name_of:
            names = kind.in_name_of
            say(f"    in the name of the {' or '.join(names.allowed)}, {door(names.lift)} [{names.clause}]")
        if kind.planned:
            say(f"    stands in the yearly plan, {door(kind.planned.lift)} [{kind.planned.clause}]")
    if plan := rules.yearly_plan:
        steps = "; ".join(map(_ask, plan.ask))
        say(
            f"  yearly plan of {plan.of}: by {plan.deadline}, {steps}; additions {door(plan.additions)} [{plan.clause}]"
        )


def _ask(ask: Ask) -> str:
    by = (" and " if ask.need == "all" else " or ").join(ask.by)
    meeting = f"a decision of {' or '.join(ask.meeting)}" if ask.meeting else ""
    return f"{ask.step} by {' or '.join(way for way in (by, meeting) if way)}"


def _actor(actor: Any) -> str:
    return f"{actor.role}{f' when {_when(actor.when)}' if actor.when else ''}"


def _when(when: dict[str, Any]) -> str:
    return " and ".join(
        f"{fact} is {' or '.join(map(str, v)) if isinstance(v, list) else v}" for fact, v in when.items()
    )


# deadlines ----------------------------------------------------------------------------------------------------------
class DeadlineCase(BaseModel):
    """One line of a file of cases: by which rule of which government, counted from when, due on which day."""

    model_config = ConfigDict(extra="forbid")
    government: str
    rule: str
    from_: Annotated[DayOrInstant, Field(alias="from")]
    date: Day
    occurrence: int = 1


@deadlines.command("check", help="Compute every case of FILE; name each that differs, and exit with 1 if any does.")
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
            told = f"case {number}: {case.government} {case.rule} from {case.from_}: expected {case.date}, computed {found}"
            console.print(told, style="red", highlight=False, soft_wrap=True)
    console.print(f"{len(cases)} cases, {differing} differ", highlight=False)
    raise typer.Exit(1 if differing else 0)


# the calendar -------------------------------------------------------------------------------------------------------
@calendar.command(
    "import", help="Enter a year's holiday notice from FILE (YAML or JSON, as POST /v1/notices takes it)."
)
def calendar_import(
    file: Path,
    url: ServiceUrl,
    token: Token,
    preview: Annotated[bool, typer.Option("--preview", help="only tell which days would change")] = False,
) -> None:
    try:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        sent = json.loads(json.dumps(body, default=str))  # YAML reads days as dates
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError) as error:
        raise fail(f"{file} can't be read: {error}") from error
    found = _call("POST", f"{url}/v1/notices{'/preview' if preview else ''}", token, sent)
    for day in found["days"]:
        before, after = ((day[side] or {"name": "-"})["name"] for side in ("before", "after"))
        console.print(f"{day['date']}  {before} → {after}", highlight=False)
    if preview:
        console.print(f"{len(found['days'])} days would change; nothing was changed", highlight=False)
        return
    for _ in range(600):
        if found["state"] == "done":
            break
        time.sleep(0.5)
        found = _call("GET", f"{url}/v1/operations/{found['id']}", token)
    for service, progress in found["services"].items():
        told = f"{progress['moved']} of {progress['examined']} open deadlines moved"
        console.print(f"{service}: {told if progress['state'] == 'done' else 'still computing'}", highlight=False)
    raise typer.Exit(0 if found["state"] == "done" else 1)


# the composition ----------------------------------------------------------------------------------------------------
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@composition.command(
    "import", help="Load FILE (.xlsx, YAML or JSON, as PUT /v1/composition takes it) in place of what stands."
)
def composition_import(
    file: Path,
    url: ServiceUrl,
    token: Token,
    preview: Annotated[bool, typer.Option("--preview", help="only tell what would change, and what is wrong")] = False,
    reason: Annotated[str, typer.Option(help="why it is loaded, for the versions' list")] = "",
) -> None:
    content, media_type = _composition_file(file)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
    report = _sent("POST", f"{url}/v1/composition/preview", content, headers).json()
    _show_rows(report["rows"])
    for listing, counts in report["counts"].items():
        console.print(f"{listing}: {', '.join(f'{n} {status}' for status, n in counts.items() if n)}", highlight=False)
    if preview or not report["loadable"]:
        console.print("nothing was changed", highlight=False)
        raise typer.Exit(0 if report["loadable"] else 1)
    headers |= {"Idempotency-Key": str(uuid4())} | ({"If-Match": f'"{report["version"]}"'} if report["version"] else {})
    loaded = _sent("PUT", f"{url}/v1/composition", content, headers, params={"reason": reason}).json()
    console.print(f"version {loaded['version']} is loaded", highlight=False)


def _composition_file(file: Path) -> tuple[bytes, str]:
    """The file's bytes as they are sent, and their media type."""
    try:
        if file.suffix.lower() == ".xlsx":
            return file.read_bytes(), XLSX
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        return json.dumps(
            body, default=str, ensure_ascii=False
        ).encode(), "application/json"  # YAML reads days as dates
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError) as error:
        raise fail(f"{file} can't be read: {error}") from error


def _show_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["status"] == "unchanged" and not row["warnings"]:
            continue
        place = f"{row['sheet']} {row['row']}" if row["row"] else row["sheet"]
        changed = "; ".join(f"{c['field']} {c['before']} → {c['after']}" for c in row["changes"])
        console.print(f"{place}  {row['key']}  {row['status']}  {changed}".rstrip(), highlight=False, markup=False)
        for kind, style in (("wrong", "red"), ("warnings", "yellow")):
            for found in row[kind]:
                console.print(f"    {found['zh']}  {found['en']}", style=style, highlight=False, markup=False)


# events and audit ---------------------------------------------------------------------------------------------------
def _call(method: str, url: str, token: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Idempotency-Key"] = str(uuid4())
    sent = None if body is None else json.dumps(body).encode()
    content: dict[str, Any] = _sent(method, url, sent, headers | {"Content-Type": "application/json"}).json()
    return content


def _sent(method: str, url: str, content: bytes | None, headers: dict[str, str], **params: Any) -> httpx.Response:
    """The answer of success, which is JSON; else what the problem document says, and out."""
    try:
        answer = httpx.request(method, url, content=content, headers=headers, timeout=60, **params)
        problem = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise fail(f"{url} didn't answer: {error}") from error
    if not answer.is_success:
        raise fail(f"{problem.get('code')}: {problem.get('detail')}")
    return answer


@events.command("replay", help="Have a service publish its events again; inboxes make that harmless.")
def events_replay(
    url: ServiceUrl,
    token: Token,
    since: Annotated[datetime, typer.Option(help="UTC where it has no offset")],
    aggregate_type: Annotated[str | None, typer.Option()] = None,
    aggregate_id: Annotated[str | None, typer.Option()] = None,
) -> None:
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    body = {"since": moment.isoformat(), "aggregate_type": aggregate_type, "aggregate_id": aggregate_id}
    found = _call("POST", f"{url}/v1/events/replay", token, body)
    console.print(f"{found['events']} events are published again", highlight=False)


@audit.command("verify", help="Check the audit chain of the token's government; exit with 1 if it doesn't hold.")
def audit_verify(url: ServiceUrl, token: Token) -> None:
    found = _call("GET", f"{url}/v1/audit/verify", token)
    for finding in found["findings"]:
        console.print(finding, style="red", highlight=False)
    state = "sound" if found["sound"] else "NOT sound"
    console.print(f"{state}: {found['seals']} seals, {found['rows']} rows, {found['unsealed']} not sealed yet")
    raise typer.Exit(0 if found["sound"] else 1)


@files.command("verify", help="Hash again what the store holds for the token's government; exit with 1 if any differs.")
def files_verify(url: ServiceUrl, token: Token) -> None:
    contents, size, damaged, after = 0, 0, 0, ""
    while after is not None:
        found = _call("GET", f"{url}/v1/files/verify?limit=20&after={after}", token)
        contents, size, after = contents + found["contents"], size + found["bytes"], found["next_after"]
        for finding in found["findings"]:
            damaged += 1
            told = f"{finding['what']}: {finding['sha256']}, the content of {', '.join(finding['files'])}"
            console.print(told, style="red", highlight=False, soft_wrap=True)
    console.print(f"{contents} contents, {size} bytes, {damaged} missing or changed", highlight=False)
    raise typer.Exit(1 if damaged else 0)


# documents ----------------------------------------------------------------------------------------------------------
SchemaFolder = Annotated[Path, typer.Option("--folder", help="where the documents stand")]


@schemas.command("write", help="Write docs/api from the code: AsyncAPI, a schema per event type, OpenAPI per service.")
def schemas_write(folder: SchemaFolder = HERE / "docs" / "api") -> None:
    from zhengling.contracts import api_docs

    for name in api_docs.write(folder):
        console.print(f"{folder / name} written", highlight=False)


@schemas.command("check", help="Compare docs/api with the code; exit with 1 where they differ.")
def schemas_check(folder: SchemaFolder = HERE / "docs" / "api") -> None:
    from zhengling.contracts import api_docs

    differing = api_docs.differing(folder)
    for name in differing:
        console.print(
            f"{folder / name} isn't what the code says: run `zhengling schemas write`", style="red", highlight=False
        )
    raise typer.Exit(1 if differing else 0)
