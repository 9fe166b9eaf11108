"""`zhengling`: the stack, tokens, settings, rulebooks, deadlines, events and the audit from the command line.

Exit codes: 0 done; 1 a check failed; 2 the command couldn't run (wrong arguments, service unreachable).
"""

from __future__ import annotations

import typer

from zhengling.cli.access import kafka
from zhengling.cli.advisories import advisories
from zhengling.cli.database import database
from zhengling.cli.recovery import audit, events
from zhengling.cli.remote import calendar, composition, files
from zhengling.cli.rulebooks import deadlines, rulebook
from zhengling.cli.schemas import schemas
from zhengling.cli.settings import settings
from zhengling.cli.stack import stack, token

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for name, group in (
    ("stack", stack), ("database", database), ("rulebook", rulebook), ("deadlines", deadlines), ("calendar", calendar),
    ("composition", composition), ("events", events), ("audit", audit), ("files", files), ("schemas", schemas),
    ("kafka", kafka), ("settings", settings), ("advisories", advisories),
):  # fmt: skip
    app.add_typer(group, name=name)
app.command("token", help="Issue a token with the local issuer's key, which `stack up --folder` keeps in its folder.")(
    token
)
