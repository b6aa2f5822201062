"""What a method does when the loss is measured in another unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from widgetlib import catalog
from widgetlib.core.study import Study, interval
from widgetlib.core.table import Table
from widgetlib.core.words import Range, Verdict


@dataclass(frozen=True, eq=False)
class Scaling(Study):
    """Relative distance between the path on L and the path on c L, at equal hyperparameters.

    The claim holds where the whole interval over seeds is at most `tolerance`.
    """

    title = "Scaling the loss"
    family = "generic"
    idea = "Multiply the loss by a constant: does the path change?"
    figures = {"scaling": "curves"}

    method: str = ""
    problem: str = ""
    settings: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    factor: Annotated[float, Range(1e-6, 1e6, log=True)] = 1000.0
    steps: Annotated[int, Range(1, 10_000)] = 200
    seeds: Annotated[int, Range(1, 50)] = 4
    tolerance: float = 1e-6

    def tables(self) -> dict[str, Table]:
        from widgetlib.engine.run import sweep

        method = catalog.method(self.method, **self.fields)
        problem = catalog.problem(self.problem, **self.settings)
        plain = sweep(method, problem, self.steps, seeds=range(self.seeds))
        scaled = sweep(method, _scaled(problem, self.factor), self.steps, seeds=range(self.seeds))
        n = min(len(plain.w), len(scaled.w))  # a run that stops being finite ends early
        length = (plain.w - plain.w[0]).norm(dim=-1).amax(0)
        gap = ((plain.w[:n] - scaled.w[:n]).norm(dim=-1) / length).nan_to_num(nan=np.inf)
        gap[-1] = gap[-1] if len(plain.w) == len(scaled.w) else np.inf
        columns = {"step": (plain.kept[:n], ("step",), "k"), "gap": (gap.numpy(force=True), ("step", "seed"), "gap")}
        return {"scaling": Table(columns, plain.attrs() | {"x": "step", "y": "gap"})}

    def verdict(self, tables: dict[str, Table]) -> Verdict:
        value, low, high = interval(tables["scaling"]["gap"].max(axis=0))
        sentence = (
            f"With the loss multiplied by {self.factor:g} the path of {self.method} on {self.problem} differs by "
            f"at most {value:.2g} of its length in {self.steps} steps (95 % interval {low:.2g} to {high:.2g})."
        )
        return Verdict(value, low, high, f"at most {self.tolerance:g}", bool(high <= self.tolerance), sentence)


def _scaled(problem: Any, factor: float) -> Any:
    """The same problem with its loss multiplied, whatever its class."""
    kind = type(problem)

    def loss(self: Any, w: Any, data: Any) -> Any:
        return factor * kind.loss(self, w, data)

    members: dict[str, Any] = {"loss": loss, "__module__": kind.__module__}
    if hasattr(kind, "loss_and_grad"):

        def loss_and_grad(self: Any, w: Any, data: Any) -> Any:
            value, slope = kind.loss_and_grad(self, w, data)
            return factor * value, factor * slope

        members["loss_and_grad"] = loss_and_grad
    scaled = object.__new__(type(kind.__name__, (kind,), members))
    scaled.__dict__.update(problem.__dict__)
    return scaled
