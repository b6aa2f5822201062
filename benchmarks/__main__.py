"""`python -m benchmarks [WORD]`: runs the races whose module's name contains the word, prints and keeps the table."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

import torch

from benchmarks.timing import HEAD

HERE = Path(__file__).parent
NOTE = """# Benchmarks

Written by `make bench`. Medians, with the best of the repetitions in brackets; both sides of a race are timed in
turn, and the ratio is that of their best times. Compare ratios: milliseconds belong to a machine. "Wanted" is how
many times faster than the peer this should be, and, where a second one stands there, what would be better still.
"""
MARKS = ("<!-- benchmarks -->", "<!-- end of benchmarks -->")


def main(word: str = "") -> None:
    """Prints one table; the whole of it goes to results.md, and its numbered rows to the README."""
    torch.set_num_threads(1)  # what the dashboards use: nets this small lose with more
    print(f"torch {torch.__version__}, one thread, {os.cpu_count()} {platform.machine()} cores\n", flush=True)
    head, rows = [_line(HEAD), "|---" * len(HEAD) + "|"], []
    print("\n".join(head), flush=True)
    for path in sorted(HERE.glob("[!_]*.py")):
        module = importlib.import_module(f"benchmarks.{path.stem}")
        if word in path.stem and hasattr(module, "rows"):
            for row in module.rows():
                rows.append(row)
                print(_line(row.cells()), flush=True)
    if not word:
        rows.sort(key=lambda row: row.number or 99)  # the numbered targets first
        lines = [*head, *(_line(row.cells()) for row in rows)]
        machine = f"torch {torch.__version__}, one thread, {os.cpu_count()} {platform.machine()} cores."
        (HERE / "results.md").write_text("\n".join([NOTE, machine, "", *lines, ""]), encoding="utf-8")
        shown([*head, *(_line(row.cells()) for row in rows if row.number)])


def shown(lines: list[str], readme: Path = HERE.parent / "README.md") -> None:
    """Puts the table between the two marks of the README."""
    before, mark, rest = readme.read_text(encoding="utf-8").partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not (mark and end):
        raise ValueError(f"{readme.name} needs the marks {MARKS[0]!r} and {MARKS[1]!r} around the table")
    readme.write_text("\n".join([before + mark, "", *lines, "", end + after]), encoding="utf-8")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(*sys.argv[1:2])
