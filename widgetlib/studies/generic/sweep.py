"""How wide the range of useful rates is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from widgetlib import catalog
from widgetlib.core.study import Study, interval
from widgetlib.core.table import Table
from widgetlib.core.words import Range, Verdict
from widgetlib.studies.rate import rate_of


@dataclass(frozen=True, eq=False)
class Sweep(Study):
    """Decades of the rate that reach `share` of the way down, over the whole range of the field.

    A rate counts where its final merit is at most `share` of the merit at the start. The claim holds where the
    whole interval over seeds is at least `decades`.
    """

    title = "Sweep"
    family = "generic"
    idea = "Final merit against the rate: how wide is the valley?"
    figures = {"sweep": "curves"}

    method: str = ""
    problem: str = ""
    settings: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    steps: Annotated[int, Range(1, 100_000)] = 300
    points: Annotated[int, Range(4, 256)] = 33
    seeds: Annotated[int, Range(1, 50)] = 4
    share: Annotated[float, Range(0.0, 1.0)] = 0.1
    decades: float = 1.0

    def tables(self) -> dict[str, Table]:
        from widgetlib.engine.run import sweep

        method = catalog.method(self.method, **self.fields)
        name, legal = rate_of(self.method, self.fields)
        rates = np.geomspace(legal.low, legal.high, self.points).tolist()
        problem = catalog.problem(self.problem, **self.settings)
        trace = sweep(method, problem, self.steps, {name: rates}, seeds=range(self.seeds))
        merit = trace.merit.numpy(force=True)
        table = Table(
            {
                "rate": (rates, ("rate",), name),
                "start": (merit[0], ("rate", "seed")),
                "final": (merit[-1], ("rate", "seed")),
            },
            trace.attrs() | {"x": "rate", "y": "final"},
        )
        return {"sweep": table}

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        table = tables["sweep"]
        spacing = np.log10(table["rate"][-1] / table["rate"][0]) / (len(table["rate"]) - 1)
        with np.errstate(invalid="ignore"):
            good = table["final"] <= self.share * table["start"]
        value, low, high = interval(good.sum(axis=0) * spacing)
        rate = table.column("rate").symbol
        sentence = (
            f"{value:.2g} decades of {rate} bring {self.method} below {self.share:g} of the start "
            f"on {self.problem} in {self.steps} steps (95 % interval {low:.2g} to {high:.2g})."
        )
        return Verdict(value, low, high, f"at least {self.decades:g} decades", bool(low >= self.decades), sentence)
