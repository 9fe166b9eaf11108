"""Payloads and views of the composition."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import FailFast, Field, JsonValue

from meeting_svc.composition.changes import Report, RowReport
from meeting_svc.composition.rows import TITLES, Finding, Listing, Status, header_of
from zhengling.authority.composition import Composition, OrganisationKind, PostRole
from zhengling.kernel.payload import Payload, Repeatable, View

Reason = Annotated[str, Field(max_length=500)]
#: The most characters of a key or a wrong value in a report.
LONGEST = 200
#: The fields of a row as written, known or not.
MOST_FIELDS = 30
Rows = Annotated[
    list[Annotated[dict[str, JsonValue], Field(max_length=MOST_FIELDS)]],
    FailFast(),
    Repeatable("each row is checked, and the report names those that are twice"),
]


# payloads -----------------------------------------------------------------------------------------------------------
class CompositionRows(Payload):
    """The lists of a composition, with rows as written; errors are reported by row."""

    organisations: Rows
    officials: Rows
    posts: Rows
    portfolios: Annotated[Rows, Field(default_factory=list)]
    pairs: Annotated[Rows, Field(default_factory=list)]


# views --------------------------------------------------------------------------------------------------------------
class CompositionView(View):
    version: int
    composition: Composition


class CompositionSummary(View):
    version: int
    organisations: int
    officials: int
    posts: int


class FindingView(View):
    """An error or a warning on a row, in both languages; `header` is the field's header in the workbook."""

    code: str
    field: str | None
    header: str | None
    en: str
    zh: str


class DifferenceView(View):
    field: str
    header: str | None
    before: JsonValue
    after: JsonValue


class ImportRowView(View):
    """The effect of loading a row: `row` is its number in the sheet, or its index in the JSON list; null if it is
    removed."""

    listing: Listing
    sheet: Annotated[str, Field(description="the listing's name in the workbook")]
    row: int | None
    key: str
    status: Status
    changes: list[DifferenceView]
    wrong: list[FindingView]
    warnings: list[FindingView]

    @classmethod
    def of(cls, row: RowReport) -> ImportRowView:
        def view(finding: Finding) -> FindingView:
            header = header_of(row.listing, finding.field)
            return FindingView(code=finding.code, field=finding.field, header=header, **finding.text._asdict())

        def after(value: JsonValue) -> JsonValue:
            """As written; of what is wrong and long only its beginning."""
            return f"{str(value)[:LONGEST]}…" if row.status == Status.wrong and len(str(value)) > LONGEST else value

        return cls(
            listing=row.listing,
            sheet=TITLES[row.listing],
            row=row.row,
            key=row.key[:LONGEST],
            status=row.status,
            changes=[
                DifferenceView(
                    field=d.field[:LONGEST],
                    header=header_of(row.listing, d.field),
                    before=d.before,
                    after=after(d.after),
                )
                for d in row.differences
            ],
            wrong=[view(finding) for finding in row.findings if not finding.warning],
            warnings=[view(finding) for finding in row.findings if finding.warning],
        )


class Counts(View):
    new: int
    changed: int
    removed: int
    unchanged: int
    wrong: int


class CompositionReport(View):
    """The effect of a load, row by row."""

    version: Annotated[
        int | None, Field(description="the current version, whose ETag is sent in If-Match; null before the first")
    ]
    loadable: Annotated[bool, Field(description="no row is wrong")]
    counts: dict[Listing, Counts]
    warnings: int
    rows: list[ImportRowView]

    @classmethod
    def of(cls, report: Report, version: int | None) -> CompositionReport:
        counts: dict[Listing, Any] = report.counts()
        return cls(
            version=version,
            loadable=report.composition is not None,
            counts={
                listing: Counts(**{status.value: n for status, n in found.items()}) for listing, found in counts.items()
            },
            warnings=report.warnings,
            rows=[ImportRowView.of(row) for row in report.rows],
        )


class VersionView(View):
    """Who loaded a version, when and why."""

    version: int
    loaded_by: str
    loaded_at: datetime
    reason: str
    source: Literal["json", "xlsx"]
    organisations: int
    officials: int
    posts: int


class CompositionChanges(View):
    """The differences between two versions; `before` is null for the first version."""

    before: VersionView | None
    after: VersionView
    rows: list[ImportRowView]


class PostHeld(View):
    official: str
    name: str
    role: PostRole
    organisation: str
    organisation_name: str
    organisation_kind: OrganisationKind
    title: str
    since: date
    until: date | None


class PostList(View):
    """The posts held on a day; with a role, only those of its holders."""

    on: date
    role: str | None
    officials: Annotated[list[str] | None, Field(description="the role's holders on that day; null without a role")]
    items: list[PostHeld]
    next_cursor: str | None


class InCharge(View):
    organisations: list[str]
    organisation_names: list[str]
    since: date
    until: date | None


class Partner(View):
    official: str
    name: str
    since: date
    until: date | None


class OfficialView(View):
    """An official with posts, portfolios and A/B partners, over time or on a day."""

    id: str
    name: str
    posts: list[PostHeld]
    portfolios: list[InCharge]
    pairs: list[Partner]
