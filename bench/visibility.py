"""Reading a page of a list as somebody who sees little of a government with a million topics, beside what the office pays.

The topics are copies of one: one in ten is of a great unit, twenty are of a small one, none is an outsider's, all others are of
units that nobody asks as. Both sides ask the same API process for the same page. `BENCH_TOPICS` is their number.
"""

from __future__ import annotations

import asyncio
import os
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

import asyncpg
import httpx
import psutil
import yaml

from bench.table import Row
from zhengling.authority.composition import Composition, OrganisationKind
from zhengling.local.client import Api, load_composition, office_clerk
from zhengling.local.stack import EmbeddedStack

DEMO = Path(__file__).resolve().parents[1] / "demo"
GOVERNMENT = "xigang"
TOPICS = int(os.environ.get("BENCH_TOPICS", "1000000"))
SMALL = 20
ROUNDS, REQUESTS = 5, 40
MARK = 1.3
#: Copies of one topic: every tenth of the great unit, `SMALL` of the small one, the others of units that nobody asks as.
_COPY = """
    INSERT INTO topic ({columns}) SELECT {values} FROM topic, generate_series(1, $1) AS n WHERE topic.id = $2
"""
_SPONSOR = "CASE WHEN n % 10 = 0 THEN $3 WHEN n % ($1 / {small}) = 1 THEN $4 ELSE 'unit-' || n % 60 END"


async def fill(url: str, topic_id: str, great: str, small: str) -> None:
    connection = await asyncpg.connect(url, command_timeout=1800)
    try:
        found = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'topic' AND is_generated = 'NEVER'"
        )
        other = {
            "id": "'copy-' || n",
            "sponsor": _SPONSOR.format(small=SMALL),
            "concerned": "'[]'",
            "submitted_by": "'nobody'",
            "modified_at": "now() - n * interval '1 second'",
        }
        values = {row[0]: other.get(row[0], f"topic.{row[0]}") for row in found}
        statement = _COPY.format(columns=", ".join(values), values=", ".join(values.values()))
        await connection.execute(statement, TOPICS, topic_id, great, small)
        await connection.execute("VACUUM ANALYZE topic, topic_reader")
    finally:
        await connection.close()


async def page(client: httpx.AsyncClient, url: str, token: str) -> int:
    answer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    return len(answer.json()["items"])


async def run() -> list[Row]:
    people = Composition.model_validate(yaml.safe_load((DEMO / f"compositions/{GOVERNMENT}.yaml").read_text("utf-8")))
    today = date.today()
    with EmbeddedStack(rulebooks=[DEMO.parent / "rulebooks"]) as stack:
        async with httpx.AsyncClient(timeout=60) as client:
            api = Api(stack.addresses(), stack.issuer, GOVERNMENT, client)
            await load_composition(api, people)
            units = [o.code for o in people.organisations if o.kind is OrganisationKind.constituent_department]
            great, small, none = units[:3]
            principals = {unit: people.of_organisation(unit, today, principal=True)[0] for unit in (great, small, none)}
            body = {"title": "一件议题", "meeting_kind": "special", "sponsor": great}
            topic = await api.command("meeting", "/v1/topics", body, principals[great])
            admin = stack.database_admin_url.rsplit("/", 1)[0] + "/meeting"
            await fill(admin, topic["id"], great, small)
            url = f"{stack.addresses()['meeting']}/v1/topics?limit=50"
            callers = {
                "the office": office_clerk(people),
                "an outsider, who sees none": principals[none],
                f"a unit that sees {SMALL}": principals[small],
                "a unit that sees one in ten": principals[great],
            }
            tokens = {
                name: stack.issuer.token(who, GOVERNMENT, official=who, scopes=["meeting:read"])
                for name, who in callers.items()
            }
            process = next(p for p in psutil.process_iter(["cmdline"]) if _is_api(p))
            taken: dict[str, list[float]] = {name: [] for name in tokens}
            worked: dict[str, list[float]] = {name: [] for name in tokens}
            shown: dict[str, int] = {}
            for _ in range(ROUNDS):
                for name, token in tokens.items():
                    before = sum(process.cpu_times()[:2])
                    for _ in range(REQUESTS):
                        began = perf_counter()
                        shown[name] = await page(client, url, token)
                        taken[name].append((perf_counter() - began) * 1e3)
                    worked[name].append((sum(process.cpu_times()[:2]) - before) * 1e3 / REQUESTS)
    office = next(iter(tokens))
    rows = []
    for name in list(tokens)[1:]:
        note = f"{shown[name]} of 50 rows; processor of the API {median(worked[name]):.1f} beside {median(worked[office]):.1f} ms"
        rows.append(
            Row(
                f"a page of {TOPICS:,} topics: {name}",
                median(taken[name]),
                "ms",
                median(taken[office]),
                office,
                MARK,
                note,
            )
        )
    return rows


def _is_api(process: psutil.Process) -> bool:
    line = " ".join(process.info["cmdline"] or [])
    return "meeting" in line and " api" in line and process.ppid() == os.getpid()


if __name__ == "__main__":
    print(asyncio.run(run()))
