"""The program `zhengling`: every group of its commands."""

from __future__ import annotations

from zhengling.cli.database import database
from zhengling.cli.options import app
from zhengling.cli.remote import audit, calendar, composition, events, files
from zhengling.cli.rulebooks import deadlines, rulebook
from zhengling.cli.schemas import schemas
from zhengling.cli.stack import stack

for name, group in (
    ("stack", stack), ("database", database), ("rulebook", rulebook), ("deadlines", deadlines), ("calendar", calendar),
    ("composition", composition), ("events", events), ("audit", audit), ("files", files), ("schemas", schemas),
):  # fmt: skip
    app.add_typer(group, name=name)
