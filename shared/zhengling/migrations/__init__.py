"""The schema shared by all services' databases. A service's migration calls `apply`; a released file never changes."""

from __future__ import annotations

from importlib.resources import files

import sqlalchemy as sa
from alembic import op


def apply(name: str) -> None:
    """Run `<name>.sql` of this folder in the migration's transaction, with $app and $worker as this database's roles."""
    execute(files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8"))


def execute(script: str) -> None:
    """Run a script of several statements, with $app and $worker as this database's roles."""
    connection = op.get_bind()
    database = connection.scalar(sa.text("SELECT current_database()"))
    script = script.replace("$app", f'"{database}_app"').replace("$worker", f'"{database}_worker"')
    for statement in _statements(script):
        connection.exec_driver_sql(statement)


def _statements(script: str) -> list[str]:
    """Split at semicolons that end a line outside a $$ body; sufficient for the files in this folder."""
    statements: list[str] = []
    current: list[str] = []
    in_body = False
    for line in script.splitlines():
        if not current and (not line.strip() or line.lstrip().startswith("--")):
            continue
        current.append(line)
        in_body ^= line.count("$$") % 2 == 1
        if line.rstrip().endswith(";") and not in_body:
            statements.append("\n".join(current).rstrip().removesuffix(";"))
            current = []
    if current:
        raise ValueError(f"a statement isn't terminated: {current[0]}")
    return statements


def tenant_table(name: str) -> None:
    """Row-level security by government, the change feed's index, and both roles' privileges on a noun's table."""
    execute(f"""
        ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
        CREATE POLICY own_government ON {name} TO $app, $worker USING (government = current_government());
        CREATE INDEX {name}_feed ON {name} (government, modified_at, id);
        GRANT SELECT, INSERT, UPDATE ON {name} TO $app, $worker;
    """)


def seen_by(table: str, *keys: str) -> None:
    """Have each row of the table show itself to the holders of these keys: expressions for `text[]` over its own columns."""
    execute(f"""
        ALTER TABLE {table} ADD COLUMN readers text[] NOT NULL GENERATED ALWAYS AS (
            array_remove({" || ".join(keys)}, NULL)) STORED;
        CREATE INDEX {table}_readers ON {table} USING gin (readers);
    """)


def seen_by_government(table: str) -> None:
    """Undo `seen_by`: all of the government see the rows again."""
    execute(f"ALTER TABLE {table} DROP COLUMN readers;")
