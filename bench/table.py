"""A benchmark's result: rows of figures, each with a baseline measured in the same minute."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure; lower is better. `ratio` is ours divided by the baseline; `mark` is the maximum ratio."""

    what: str
    ours: float
    unit: str
    baseline: float | None = None
    beside: str = ""
    mark: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        if self.mark is None or self.ratio is None:
            return ""
        return f"≤ {self.mark:g}: {'met' if self.ratio <= self.mark else 'SHORT'}"


def figure(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """The machine, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} cores"


def markdown(title: str, rows: Sequence[Row]) -> str:
    """A Markdown table for the documentation."""
    lines = [
        f"### {title}",
        "",
        "| what | ours | baseline | beside | ratio | mark | note |",
        "|---|---:|---:|---|---:|---|---|",
    ]
    for row in rows:
        baseline = f"{figure(row.baseline)} {row.unit}" if row.baseline is not None else ""
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        cells = [row.what, f"{figure(row.ours)} {row.unit}", baseline, row.beside, ratio, row.verdict, row.note]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
