"""A race at equal cost between a method and its baselines, every side tuned alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np

from widgetlib import catalog
from widgetlib.core.study import Study, interval
from widgetlib.core.table import Table
from widgetlib.core.words import Range, Verdict
from widgetlib.studies.rate import rate_of


@dataclass(frozen=True, eq=False)
class Race(Study):
    """Final merit of a method over the best baseline's, after the same number of oracle calls.

    Every side searches its learning rate over its field's own range with the same number of trials, tuned
    on `tuning` seeds by the median final merit and judged on `seeds` others. All else is at its defaults.
    The claim holds where the whole interval of the ratio is at most `ratio`.
    """

    title = "Race"
    family = "generic"
    idea = "The same budget, the same number of trials, other seeds for tuning than for judging."
    figures = {"race": "race"}

    method: str = ""
    baselines: tuple = ()
    problem: str = ""
    settings: dict = field(default_factory=dict)  # of the problem
    fields: dict = field(default_factory=dict)  # of each side by slug, where it is not the default
    budget: Annotated[int, Range(1, 100_000)] = 200  # calls of the cheapest side's oracle, per run
    axis: Literal["gradients", "values", "steps"] = "gradients"
    batch: int | None = None
    trials: Annotated[int, Range(2, 64)] = 12
    tuning: Annotated[int, Range(1, 20)] = 2
    seeds: Annotated[int, Range(2, 50)] = 5
    ratio: float = 1.0

    def tables(self) -> dict[str, Table]:
        sides = [self.method, *self.baselines]
        runs = {slug: self._side(slug) for slug in sides}
        final = np.stack([merit[-1] for merit, _ in runs.values()])
        length = min(len(merit) for merit, _ in runs.values())
        share = np.linspace(0, 1, length)

        def resampled(merit: np.ndarray) -> np.ndarray:
            at = np.linspace(0, len(merit) - 1, length).round().astype(int)
            return merit[at]

        curves = np.stack([resampled(merit) for merit, _ in runs.values()])
        table = Table(
            {
                "side": (np.array(sides), ("side",)),
                "rate": ([rate for _, rate in runs.values()], ("side",), "lr"),
                "final": (final, ("side", "seed"), "merit"),
                "spent": (share * self.budget, ("point",), "", self.axis),
                "merit": (curves, ("side", "point", "seed"), "merit"),
            },
            {"problem": self.problem, "axis": self.axis, "budget": self.budget, "ratio": self.ratio},
        )
        return {"race": table}

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        final, sides = tables["race"]["final"], list(tables["race"]["side"])
        best = 1 + int(np.argmin(np.median(np.nan_to_num(final[1:], nan=np.inf), axis=1)))
        value, low, high = interval(np.nan_to_num(final[0], nan=np.inf) / final[best])
        sentence = (
            f"{sides[0]} ends at {value:.3g} times the merit of {sides[best]} (95 % interval {low:.3g} to {high:.3g}, "
            f"{final.shape[1]} seeds) after {self.budget} {self.axis} on {self.problem}."
        )
        return Verdict(value, low, high, f"at most {self.ratio:g}", bool(high <= self.ratio), sentence)

    def _side(self, slug: str) -> tuple[np.ndarray, float]:
        """Merit `(steps + 1, seeds)` on the judging seeds at the rate tuned on the others, and that rate."""
        from widgetlib.engine.run import run, sweep

        values = self.fields.get(slug, {})
        method = catalog.method(slug, **values)
        problem = catalog.problem(self.problem, **self.settings)
        once = run(method, problem, 2, batch=self.batch)
        price = 1.0 if self.axis == "steps" else float(once.cost[self.axis][-1]) / 2
        steps = max(1, round(self.budget / price))
        name, legal = rate_of(slug, values)
        options: dict[str, Any] = {"batch": self.batch}
        rates = np.geomspace(legal.low, legal.high, self.trials).tolist()
        tuned = sweep(method, problem, steps, {name: rates}, seeds=range(100, 100 + self.tuning), **options)
        last = np.nan_to_num(tuned.merit[-1].numpy(force=True), nan=np.inf)
        rate = rates[int(np.argmin(np.median(last, axis=1)))]
        judged = sweep(method, problem, steps, {name: [rate]}, seeds=range(self.seeds), **options)
        merit = judged.merit[:, 0].numpy(force=True)
        if len(merit) < steps + 1:  # every member stopped being finite before the end
            merit = np.concatenate([merit, np.full((steps + 1 - len(merit), self.seeds), np.inf)])
        return merit, rate
