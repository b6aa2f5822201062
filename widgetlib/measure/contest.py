"""Several runs of one problem side by side: merit and cost of each, iterate by iterate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from widgetlib.core.method import fields_of
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace, plain
from widgetlib.core.words import AtlasError


def contest(traces: Sequence[Trace]) -> Table:
    """Merit and cost of several runs, or of several sweeps of equally many members.

    Args:
        traces: one for each side, on the same problem; the members of a sweep count as its seeds.

    Returns:
        Table over step, side and seed: `side` and `title` of the methods, the merit [step, side, seed], and what
        one member has spent so far: `steps`, `gradients`, `values`, `products`, `seconds` [step, side]. A run that
        ended early is NaN from there on.

    Raises:
        AtlasError: there are no runs, they are of different problems, or their numbers of members differ.
    """
    first = same_problem(traces)
    longest = max(map(len, traces))
    merits = [t.merit.reshape(len(t), -1).numpy(force=True) for t in traces]
    if len({m.shape[1] for m in merits}) > 1:
        raise AtlasError(f"the sides have {[m.shape[1] for m in merits]} members; give every side the same seeds.")

    def padded(values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, dtype=float)
        return np.pad(values, [(0, longest - len(values)), *[(0, 0)] * (values.ndim - 1)], constant_values=np.nan)

    def spent(name: str) -> np.ndarray:
        # members that could not be batched have seconds of their own
        columns = [
            t.steps - t.steps[0] if name == "steps" else t.cost[name].reshape(len(t), -1).mean(1) for t in traces
        ]
        return np.stack([padded(c) for c in columns], 1)

    merit, sides = first.problem.oracle.merit, ("side",)
    columns: dict[str, tuple] = {
        "side": ([t.method.slug for t in traces], sides),
        "title": ([t.method.title or t.method.slug for t in traces], sides),
        "step": (np.arange(longest), ("step",), "k"),
        merit.name: (np.stack([padded(m) for m in merits], 1), ("step", "side", "seed"), merit.symbol, merit.unit),
    }
    columns |= {name: (spent(name), ("step", "side")) for name in ("steps", *first.cost)}
    alike = ("problem", "problem_title", "settings", "merit", "merit_symbol")
    attrs = {name: value for name, value in first.attrs().items() if name in alike}
    return Table(columns, attrs | {"hyper": [_fields(t.method) for t in traces]})


def same_problem(traces: Sequence[Trace]) -> Trace:
    """The first run; AtlasError where there is none or another is of another problem."""
    if not traces:
        raise AtlasError("a comparison needs at least one run; give a list of traces.")
    first = traces[0]
    for other in traces:
        if (other.problem.slug, fields_of(other.problem)) != (first.problem.slug, fields_of(first.problem)):
            raise AtlasError(
                f"{other.method.slug} ran on {other.problem!r} and {first.method.slug} on {first.problem!r}; "
                "compare runs of one problem with the same settings."
            )
    return first


def _fields(method: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in fields_of(method).items()}
