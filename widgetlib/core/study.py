"""Study: one experiment with tables, figures and a verdict; the home of every paper that is not a method."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import Verdict


class Study:
    """A frozen dataclass (`eq=False`) whose fields are its settings; one file each in `studies/<family>/`.

    `tables` does the work, `verdict` only reads tables: a recorded study needs no run to be judged again.
    """

    title: ClassVar[str] = ""
    family: ClassVar[str] = ""
    idea: ClassVar[str] = ""
    paper: ClassVar[dict[str, Any]] = {}
    figures: ClassVar[dict[str, str]] = {}  # name of a table to the figure that draws it

    def tables(self) -> dict[str, Table]:
        """Runs the experiment; what the figures draw and the verdict reads."""
        raise NotImplementedError

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        """What came out."""
        raise NotImplementedError

    def run(self) -> tuple[dict[str, Table], Verdict]:
        """Tables and verdict."""
        tables = self.tables()
        return tables, self.verdict(tables)


def interval(values: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """Median of `values` over seeds `(n,)` and its 95 % percentile-bootstrap interval (Efron 1979)."""
    values = np.asarray(values, dtype=float)
    picks = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(np.median(values[picks], axis=1), [0.025, 0.975], method="nearest")
    return float(np.median(values)), float(low), float(high)
