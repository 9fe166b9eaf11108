"""`zhengling advisories`: compares what a lock file pins with a database of known vulnerabilities, without a network.

The database is OSV's export for PyPI (`PyPI/all.zip`: a JSON document per advisory), as the archive or unpacked in a folder.
Invariant: nothing is taken as sound that wasn't compared. A database without advisories for PyPI, a file in it that can't be
read or a lock file without pins ends with exit code 2; a range that can't be compared counts as a match.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, Field, ValidationError

from zhengling.cli.options import HERE, console, fail

advisories = typer.Typer(no_args_is_help=True, help="Known vulnerabilities of the dependencies.")


class Package(BaseModel):
    """What an advisory is about; `name` as the ecosystem writes it."""

    ecosystem: str
    name: str


class Range(BaseModel):
    """Versions by events in the order of versions: `introduced`, `fixed`, `last_affected`, and `limit`, which ends the range;
    `introduced: "0"` is before all."""

    type: str
    events: list[dict[str, str]] = Field(default_factory=list)

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range (OSV schema, "Evaluation"). InvalidVersion for an event that isn't PEP 440."""
        events = [(_position(at), kind) for event in self.events for kind, at in event.items()]
        limits = [at for at, kind in events if kind == "limit"]
        affected = False
        for at, kind in sorted(events):
            if kind == "introduced" and version >= at:
                affected = True
            if (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
                affected = False
        return affected and (not limits or any(version < at for at in limits))


def _position(version: str) -> Version:
    return Version("0.dev0") if version == "0" else Version(version)


class Affected(BaseModel):
    """A package with its affected versions, listed or by ranges."""

    package: Package | None = None
    versions: list[str] = Field(default_factory=list)
    ranges: list[Range] = Field(default_factory=list)

    def holds(self, version: str) -> bool:
        """Whether the version is affected, or whether that can't be said."""
        if version in self.versions:
            return True
        try:
            at = Version(version)
            return any(each.holds(at) for each in self.ranges if each.type != "GIT")
        except InvalidVersion:
            return True

    def fixed(self) -> list[str]:
        return [
            event["fixed"] for each in self.ranges if each.type != "GIT" for event in each.events if "fixed" in event
        ]


class Advisory(BaseModel):
    """A document of the OSV schema, as far as it is needed here."""

    id: str
    modified: str = ""
    withdrawn: str | None = None
    aliases: list[str] = Field(default_factory=list)
    summary: str = ""
    affected: list[Affected] = Field(default_factory=list)

    def of_pypi(self) -> list[Affected]:
        return [each for each in self.affected if each.package and each.package.ecosystem.partition(":")[0] == "PyPI"]


@dataclass(frozen=True)
class Match:
    """A pinned package that an advisory is about; `fixed` are the versions that mend it, as far as the advisory says."""

    name: str
    version: str
    advisory: str
    aliases: tuple[str, ...]
    summary: str
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        known_as = f" ({', '.join(self.aliases)})" if self.aliases else ""
        mended = f"; mended in {', '.join(self.fixed)}" if self.fixed else "; no version mends it yet"
        return f"{self.name} {self.version}: {self.advisory}{known_as} {self.summary}{mended}"


def pins(lock: Path) -> dict[str, set[str]]:
    """Normalised name → versions that a lock file pins, whatever the marker. ValueError where a line isn't a pin."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        text = line.partition(" #")[0].rstrip("\\ ")
        if not text or text.startswith(("#", " ")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise ValueError(f"{lock}: {text} isn't a requirement") from None
        versions = [each.version for each in requirement.specifier if each.operator == "=="]
        if len(versions) != 1:
            raise ValueError(f"{lock}: {text} isn't pinned")
        found.setdefault(canonicalize_name(requirement.name), set()).update(versions)
    if not found:
        raise ValueError(f"{lock} pins nothing")
    return found


def documents(database: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each JSON document in a folder or an archive. OSError or BadZipFile if there is none."""
    if database.is_dir():
        for path in sorted(database.rglob("*.json")):
            yield str(path), path.read_bytes()
        return
    with zipfile.ZipFile(database) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield f"{database}/{name}", archive.read(name)


def read(database: Path) -> list[Advisory]:
    """The advisories for PyPI that weren't withdrawn. ValueError if there is none, or a document can't be read."""
    found: list[Advisory] = []
    for name, content in documents(database):
        try:
            advisory = Advisory.model_validate(orjson.loads(content))
        except (ValidationError, orjson.JSONDecodeError) as error:
            raise ValueError(f"{name} isn't a document of the OSV schema") from error
        if advisory.of_pypi() and not advisory.withdrawn:
            found.append(advisory)
    if not found:
        raise ValueError(f"{database} holds no advisory for PyPI")
    return found


def matches(pinned: dict[str, set[str]], known: Iterable[Advisory]) -> list[Match]:
    """What is pinned and affected, by name and advisory."""
    found: list[Match] = []
    for advisory in known:
        for affected in advisory.of_pypi():
            name = canonicalize_name(affected.package.name if affected.package else "")
            for version in sorted(pinned.get(name, ())):
                if affected.holds(version):
                    summary = re.sub(r"\s+", " ", advisory.summary)
                    fixed = tuple(dict.fromkeys(affected.fixed()))
                    found.append(Match(name, version, advisory.id, tuple(advisory.aliases), summary, fixed))
    return sorted(set(found), key=lambda match: (match.name, match.version, match.advisory))


@advisories.command(
    "check", help="Compare the lock file with OSV's export for PyPI; exit with 1 where something matches."
)
def advisories_check(
    database: Annotated[Path, typer.Option(help="OSV's export for PyPI: all.zip, or a folder it was unpacked to")],
    lock: Annotated[Path, typer.Option(help="the lock file")] = HERE / "requirements.lock",
    accept: Annotated[list[str] | None, typer.Option(help="an advisory that isn't counted; repeatable")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the matches as JSON")] = False,
) -> None:
    try:
        pinned = pins(lock)
        known = read(database)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise fail(f"nothing was checked: {error}") from error
    found = matches(pinned, known)
    accepted = {match for match in found if {match.advisory, *match.aliases} & set(accept or ())}
    counted = [match for match in found if match not in accepted]
    newest = max((advisory.modified for advisory in known), default="")[:10] or "unknown date"
    of = f"{sum(map(len, pinned.values()))} pins, {len(known)} advisories, the newest of {newest}"
    if as_json:
        document: dict[str, Any] = {"pins": sum(map(len, pinned.values())), "advisories": len(known), "newest": newest}
        print(json.dumps(document | {"matches": [vars(match) for match in counted]}, indent=2, ensure_ascii=False))
    else:
        for match in counted:
            console.print(str(match), style="red", highlight=False, markup=False, soft_wrap=True)
        for match in sorted(accepted, key=str):
            console.print(f"accepted: {match}", style="yellow", highlight=False, markup=False, soft_wrap=True)
        console.print(f"{len(counted)} matches ({of})", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if counted else 0)
