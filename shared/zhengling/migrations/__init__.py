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


def listed_by_readers(*tables: str) -> None:
    """Keep each table's rows in the order of the last change under each of their readers, in `<table>_reader`: a page of those
    who see little is read from there. A trigger keeps it. The keys of those who see nearly all (`@`, `#`) aren't in it.
    The index of `seen_by` goes: under row-level security PostgreSQL doesn't use it, as `&&` isn't leakproof."""
    apply("0008_listed_by_readers.up")
    also_listed_by_readers(*tables)


def also_listed_by_readers(*tables: str) -> None:
    """As `listed_by_readers`, in a database that has such tables already."""
    for table in tables:
        execute(f"""
            CREATE TABLE {table}_reader (
                government text NOT NULL,
                reader text NOT NULL,
                modified_at timestamptz NOT NULL,
                id text NOT NULL,
                PRIMARY KEY (government, reader, modified_at, id)
            );
            ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
            INSERT INTO {table}_reader SELECT government, reader, modified_at, id
                FROM {table}, unnest(readers) AS reader WHERE reader NOT IN ('@', '#') ON CONFLICT DO NOTHING;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE INDEX {table}_reader_row ON {table}_reader (id);
            ALTER TABLE {table}_reader ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table}_reader FORCE ROW LEVEL SECURITY;
            CREATE POLICY own_government ON {table}_reader TO $app, $worker USING (government = current_government());
            GRANT SELECT, INSERT, DELETE ON {table}_reader TO $app, $worker;
            CREATE TRIGGER {table}_readers AFTER INSERT OR UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION list_by_readers();
            DROP INDEX {table}_readers;
        """)


def now_seen_by(table: str, *keys: str) -> None:
    """Have each row of a table that is listed by its readers show itself to the holders of these keys instead."""
    execute(f"""
        ALTER TABLE {table} ALTER COLUMN readers SET EXPRESSION AS (array_remove({" || ".join(keys)}, NULL));
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table}_reader NO FORCE ROW LEVEL SECURITY;
        DELETE FROM {table}_reader;
        INSERT INTO {table}_reader SELECT government, reader, modified_at, id
            FROM {table}, unnest(readers) AS reader WHERE reader NOT IN ('@', '#') ON CONFLICT DO NOTHING;
        ALTER TABLE {table}_reader FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
    """)


def not_listed_by_readers(*tables: str) -> None:
    """Undo `listed_by_readers`."""
    no_longer_listed_by_readers(*tables)
    apply("0008_listed_by_readers.down")


def no_longer_listed_by_readers(*tables: str) -> None:
    """Undo `also_listed_by_readers`."""
    for table in tables:
        execute(f"""
            DROP TRIGGER {table}_readers ON {table};
            DROP TABLE {table}_reader;
            CREATE INDEX {table}_readers ON {table} USING gin (readers);
        """)
