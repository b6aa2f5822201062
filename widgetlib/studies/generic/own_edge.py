"""Where training settles at the smallest rate, of a fixed ladder, that brings a method to its own edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from widgetlib import catalog
from widgetlib.core.study import Study, interval
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, Range, Verdict
from widgetlib.studies.rate import rate_of

FIRST = 0.1  # of the limit: where the gauge stands at the start of the ladder's first run


@dataclass(frozen=True, eq=False)
class OwnEdge(Study):
    """Median of gauge over the method's own limit in the last fifth of a run, at a rate that nobody chose.

    The first rate puts the gauge at the start at a tenth of the limit; it is doubled until the gauge crosses the limit
    within a run of the first seed, and no other rate counts. The claim holds where the whole interval over seeds lies
    within `tolerance` of 1; it does not where no rate of the ladder crosses.
    """

    title = "Own edge"
    family = "generic"
    idea = "Raise the rate until curvature first meets the method's own limit: does training stay there?"
    figures = {"run": "edge_of_stability", "ladder": "curves"}

    method: str = ""
    problem: str = "digits_mlp"
    settings: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    steps: Annotated[int, Range(50, 100_000)] = 3000
    every: Annotated[int, Range(1, 1000)] = 50
    batch: int | None = None
    seeds: Annotated[int, Range(1, 50)] = 3
    doublings: Annotated[int, Range(1, 40)] = 16
    tolerance: float = 0.1

    def tables(self) -> dict[str, Table]:
        name, legal = rate_of(self.method, self.fields)
        rate, ladder, found = self._first(name, legal), [], {}
        for _ in range(self.doublings + 1):
            if not legal.low <= rate <= legal.high:
                break
            table = self._run(name, rate, 0)
            crossing = _crossing(table)
            ladder.append((rate, _late(table, self.steps), crossing))
            if crossing >= 0:
                found["run"] = table
                break
            rate *= 2
        rates, ratios, crossings = np.array(ladder).reshape(-1, 3).T
        ladder_table = Table(
            {
                "rate": (rates, ("rate",), name),
                "ratio": (ratios, ("rate",), "late gauge / limit"),
                "crossing": (crossings.astype(int), ("rate",), "k", "first step at the limit; -1: never"),
            },
            {"method": self.method, "problem": self.problem, "x": "rate", "y": "ratio"},
        )
        if "run" in found:
            found |= {f"seed {seed}": self._run(name, rate, seed) for seed in range(1, self.seeds)}
        return found | {"ladder": ladder_table}

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        ladder, bound = tables["ladder"], f"within {self.tolerance:g} of 1"
        runs = [table for name, table in tables.items() if name != "ladder"]
        if not runs:
            ratio = float(np.nanmax(ladder["ratio"], initial=0.0))
            sentence = (
                f"{self.method} on {self.problem} never meets its own limit in {self.steps} steps at "
                f"{len(ladder['rate'])} rates up to {ladder['rate'].max(initial=0.0):.3g}; it comes to {ratio:.3f}."
            )
            return Verdict(ratio, ratio, ratio, bound, False, sentence)
        value, low, high = interval(np.array([_late(table, self.steps) for table in runs]))
        sentence = (
            f"At rate {ladder['rate'][-1]:.3g}, the first of the ladder to cross, late {runs[0].attrs['gauge']} of "
            f"{self.method} on {self.problem} is {value:.3f} of its own limit (95 % interval {low:.3f} to {high:.3f}, "
            f"{self.seeds} seeds, {self.steps} steps; first crossing at step {ladder['crossing'][-1]})."
        )
        holds = bool(low >= 1 - self.tolerance and high <= 1 + self.tolerance)
        return Verdict(value, low, high, bound, holds, sentence)

    def _run(self, name: str, rate: float, seed: int, steps: int | None = None) -> Table:
        """Gauge and limit along a run."""
        from widgetlib.engine.run import run
        from widgetlib.measure.sharpness import Sharpness

        method = catalog.method(self.method, **(self.fields | {name: rate}))
        problem, look = catalog.problem(self.problem, **self.settings), Sharpness(k=0, every=self.every)
        steps = self.steps if steps is None else steps
        return run(method, problem, steps, seed=seed, batch=self.batch, measure=[look]).measures[look.name]

    def _first(self, name: str, legal: Range) -> float:
        """The rate at which the gauge starts at a tenth of the limit: exact at once where the limit goes as 1/rate."""
        rate = (legal.low * legal.high) ** 0.5
        for _ in range(8):
            start = self._run(name, rate, 0, steps=0)
            ratio = float(start["gauge"][0] / start["limit"][0])
            if not np.isfinite(ratio) or ratio <= 0:
                raise AtlasError(
                    f"{self.method} has no gauge with a limit at the start of {self.problem} ({ratio:g}); "
                    "this study needs a method that declares its law."
                )
            if abs(ratio / FIRST - 1) < 1e-3:
                break
            rate = min(max(rate * FIRST / ratio, legal.low), legal.high)
        return rate


def _crossing(table: Table) -> int:
    """The first step at which the gauge has reached the limit; -1 where there is none."""
    over = np.flatnonzero(table["gauge"] >= table["limit"])
    return int(table["step"][over[0]]) if len(over) else -1


def _late(table: Table, steps: int) -> float:
    """Median of gauge over limit in the last fifth; infinite where the run did not get there."""
    ratio = (table["gauge"] / table["limit"])[table["step"] >= 0.8 * steps]
    return float(np.median(ratio)) if len(ratio) else np.inf
