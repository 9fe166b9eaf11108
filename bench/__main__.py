"""`python -m bench [NAME…]`: run benchmarks one after another and print their tables."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from importlib import import_module

import uvloop

from bench.table import Row, machine, markdown

#: Name → title; each is a module with `async def run() -> list[Row]`, which starts what it needs.
BENCHMARKS = {
    "deadlines": "Deadlines, in this process",
    "http": "Sign and read over HTTP",
    "decisions": "From a decision to its ledger entry",
    "growth": "Workers, numbers of decisions, memory",
    "recovery": "A backlog after an outage",
    "outbox": "An outbox that keeps every row",
    "ledger": "The supervision ledger with a million entries",
    "visibility": "A page of a long list, as seen by few",
    "hostile": "Hostile inputs: how long others wait",
    "calendar": "Batches of dates, and a change of the calendar",
    "rest": "At rest: a stack that nobody uses",
    "ed25519": "Signing every event",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    print(f"{machine()}\n", flush=True)
    for name in names:
        run: Callable[[], Coroutine[None, None, list[Row]]] = import_module(f"bench.{name}").run
        print(markdown(BENCHMARKS[name], uvloop.run(run())), flush=True)


if __name__ == "__main__":
    main()
