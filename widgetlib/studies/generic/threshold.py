"""Whether training settles at the method's own edge of stability."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from widgetlib import catalog
from widgetlib.core.study import Study, interval
from widgetlib.core.table import Table
from widgetlib.core.words import Range, Verdict


@dataclass(frozen=True, eq=False)
class Threshold(Study):
    """Median of gauge over the method's own limit in the last fifth of a run, over seeds.

    The claim holds where the whole interval lies within `tolerance` of 1.
    """

    title = "Threshold"
    family = "generic"
    idea = "Let curvature grow until the method cannot follow: where does it stop?"
    figures = {"run": "edge_of_stability"}

    method: str = ""
    problem: str = ""
    settings: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    steps: Annotated[int, Range(50, 100_000)] = 3000
    every: Annotated[int, Range(1, 1000)] = 50
    batch: int | None = None
    seeds: Annotated[int, Range(1, 50)] = 3
    tolerance: float = 0.05

    def tables(self) -> dict[str, Table]:
        from widgetlib.engine.run import run
        from widgetlib.measure.sharpness import Sharpness

        found = {}
        for seed in range(self.seeds):
            method, problem = catalog.method(self.method, **self.fields), catalog.problem(self.problem, **self.settings)
            look = Sharpness(k=0, every=self.every)
            trace = run(method, problem, self.steps, seed=seed, batch=self.batch, measure=[look])
            found["run" if seed == 0 else f"seed {seed}"] = trace.measures[look.name]
        return found

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        late = []
        for table in tables.values():
            ratio = (table["gauge"] / table["limit"])[table["step"] >= 0.8 * self.steps]
            late.append(np.median(ratio) if len(ratio) else np.inf)  # no looks late on: it diverged
        value, low, high = interval(np.array(late))
        gauge = next(iter(tables.values())).attrs["gauge"].replace("_", " ")
        sentence = (
            f"Late {gauge} of {self.method} on {self.problem} is {value:.3f} of its own limit "
            f"(95 % interval {low:.3f} to {high:.3f}, {self.seeds} seeds, {self.steps} steps)."
        )
        holds = bool(low >= 1 - self.tolerance and high <= 1 + self.tolerance)
        return Verdict(value, low, high, f"within {self.tolerance:g} of 1", holds, sentence)
