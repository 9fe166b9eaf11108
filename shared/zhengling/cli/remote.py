"""Commands that call running services: calendar, composition, events, audit, files."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
import yaml

from zhengling.cli.options import ServiceUrl, Token, console, fail

calendar = typer.Typer(no_args_is_help=True, help="The working-day calendar of a running calendar-svc.")
composition = typer.Typer(no_args_is_help=True, help="The composition of a government in a running meeting-svc.")
events = typer.Typer(no_args_is_help=True, help="The event backbone of running services.")
audit = typer.Typer(no_args_is_help=True, help="The sealed audit chain of running services.")
files = typer.Typer(no_args_is_help=True, help="The files of running services.")


@calendar.command(
    "import", help="Enter a year's holiday notice from FILE (YAML or JSON, as POST /v1/notices takes it)."
)
def calendar_import(
    file: Path,
    url: ServiceUrl,
    token: Token,
    preview: Annotated[bool, typer.Option("--preview", help="only show which days would change")] = False,
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
        moved = f"{progress['moved']} of {progress['examined']} open deadlines moved"
        console.print(f"{service}: {moved if progress['state'] == 'done' else 'still computing'}", highlight=False)
    raise typer.Exit(0 if found["state"] == "done" else 1)


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@composition.command(
    "import", help="Replace the composition by FILE (.xlsx, YAML or JSON, as PUT /v1/composition takes it)."
)
def composition_import(
    file: Path,
    url: ServiceUrl,
    token: Token,
    preview: Annotated[bool, typer.Option("--preview", help="only show changes and errors")] = False,
    reason: Annotated[str, typer.Option(help="the reason shown in the list of versions")] = "",
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
    """The request body made from the file, and its media type."""
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


def _call(method: str, url: str, token: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Idempotency-Key"] = str(uuid4())
    sent = None if body is None else json.dumps(body).encode()
    content: dict[str, Any] = _sent(method, url, sent, headers | {"Content-Type": "application/json"}).json()
    return content


def _sent(method: str, url: str, content: bytes | None, headers: dict[str, str], **params: Any) -> httpx.Response:
    """The successful JSON response. Exits with the problem's code and detail otherwise."""
    try:
        answer = httpx.request(method, url, content=content, headers=headers, timeout=60, **params)
        problem = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise fail(f"{url} didn't answer: {error}") from error
    if not answer.is_success:
        raise fail(f"{problem.get('code')}: {problem.get('detail')}")
    return answer


@events.command("replay", help="Publish a service's events again; consumers drop the duplicates.")
def events_replay(
    url: ServiceUrl,
    token: Token,
    since: Annotated[datetime, typer.Option(help="taken as UTC if it has no offset")],
    aggregate_type: Annotated[str | None, typer.Option()] = None,
    aggregate_id: Annotated[str | None, typer.Option()] = None,
) -> None:
    moment = since if since.tzinfo else since.replace(tzinfo=UTC)
    body = {"since": moment.isoformat(), "aggregate_type": aggregate_type, "aggregate_id": aggregate_id}
    found = _call("POST", f"{url}/v1/events/replay", token, body)
    console.print(f"{found['events']} events are published again", highlight=False)


@audit.command("verify", help="Verify the audit chain of the token's government; exit with 1 if it was altered.")
def audit_verify(url: ServiceUrl, token: Token) -> None:
    found = _call("GET", f"{url}/v1/audit/verify", token)
    for finding in found["findings"]:
        console.print(finding, style="red", highlight=False)
    state = "sound" if found["sound"] else "NOT sound"
    console.print(f"{state}: {found['seals']} seals, {found['rows']} rows, {found['unsealed']} not sealed yet")
    raise typer.Exit(0 if found["sound"] else 1)


@files.command(
    "verify", help="Compare the stored files of the token's government with their hashes; exit with 1 if any differs."
)
def files_verify(url: ServiceUrl, token: Token) -> None:
    contents, size, damaged, after = 0, 0, 0, ""
    while after is not None:
        found = _call("GET", f"{url}/v1/files/verify?limit=20&after={after}", token)
        contents, size, after = contents + found["contents"], size + found["bytes"], found["next_after"]
        for finding in found["findings"]:
            damaged += 1
            line = f"{finding['what']}: {finding['sha256']}, the content of {', '.join(finding['files'])}"
            console.print(line, style="red", highlight=False, soft_wrap=True)
    console.print(f"{contents} contents, {size} bytes, {damaged} missing or changed", highlight=False)
    raise typer.Exit(1 if damaged else 0)
