"""Trace: a recorded run, and its exact replay."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from widgetlib.core.method import Method, fields_of
from widgetlib.core.point import Point
from widgetlib.core.problem import Problem
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError


@dataclass(eq=False)
class Trace:
    """What a run left: merit, cost and info at each step, `w` and state at checkpoints.

    Attributes:
        dims: names of the leading axes of a sweep, in order; `()` for a single run.
        coords: values along each of `dims`.
        steps: number of each recorded iterate, `(n,)`; `steps[0]` is where the run began, the last where it ended.
        merit: the world's merit (the loss), `(n, *dims)`.
        cost: counters `values`, `gradients`, `products`, `seconds` spent up to each iterate by one member, `(n,)`;
            `(n, *dims)` where members were not batched. Batched members share their seconds.
        info: what the method recorded, `(n, *dims)` each; NaN at the last iterate.
        kept: numbers of the checkpoints, `(m,)`, a subset of `steps`.
        w: unknowns at the checkpoints, `(m, *dims, d)`.
        states: the method's state at each checkpoint; empty where `parts` have them.
        stopped: whether somebody stopped the run before its end.
        measures: tables of the measures that looked on.
        parts: the runs of a sweep that could not be batched, in the order of their values; else empty.
        together: how many members take a step at once, the others after them; None for all.
    """

    method: Method
    problem: Problem
    dims: tuple[str, ...]
    coords: dict[str, list]
    seeds: Any
    batch: int | None
    data: Any
    steps: np.ndarray
    merit: Tensor
    cost: dict[str, np.ndarray]
    info: dict[str, Tensor]
    kept: np.ndarray
    w: Tensor
    states: list
    stopped: bool = False
    measures: dict[str, Table] = dataclasses.field(default_factory=dict)
    parts: list[Trace] = dataclasses.field(default_factory=list)
    together: int | None = None

    @property
    def loss(self) -> Tensor:
        """The merit of the world of minimisation."""
        return self.merit

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def span(self) -> int:
        """Steps from the first iterate to the last."""
        return int(self.steps[-1] - self.steps[0])

    def at(self, k: int) -> Point:
        """The point before step `k`, replayed exactly from the last checkpoint before it.

        Raises:
            AtlasError: the run did not reach step `k`.
        """
        first, last = int(self.steps[0]), int(self.steps[-1])
        k = last + 1 + k if k < 0 else k
        if not first <= k <= last:
            raise AtlasError(f"step {k} was not reached: this run recorded steps {first} to {last}.")
        i = int(np.searchsorted(self.kept, k, side="right")) - 1
        point = self._checkpoint(i)
        while point.k < k:
            point = point.step()
        return point

    def points(self, every: int = 1, first: int | None = None) -> Iterator[Point]:
        """The points before steps first, first + every, ..., and the last one; from the start by default."""
        begin, end = int(self.steps[0]) if first is None else first, int(self.steps[-1])
        wanted = [*range(begin, end, every), end]
        point: Point | None = None
        for k in wanted:
            i = int(np.searchsorted(self.kept, k, side="right")) - 1
            if point is None or self.kept[i] > point.k:
                point = self._checkpoint(i)
            while point.k < k:
                point = point.step()
            yield point

    def _checkpoint(self, i: int) -> Point:
        if self.parts:
            raise AtlasError("this sweep ran its members one after the other; replay one of its `parts` instead.")
        k = int(self.kept[i])
        w, state = self.w[i], self.states[i]
        return Point(self.method, self.problem, k, w, state, self.seeds, self.batch, self.data, self.together)

    @property
    def diverged(self) -> np.ndarray:
        """The first step whose merit is not finite, -1 where there is none; shape `dims`."""
        bad = ~np.isfinite(self.merit.numpy(force=True))
        return np.where(bad.any(0), self.steps[bad.argmax(0)], -1)

    def attrs(self) -> dict[str, Any]:
        """What tables say about their origin: plain JSON values."""
        merit = self.problem.oracle.merit
        return {
            "method": self.method.slug, "method_title": self.method.title,
            "hyper": {n: plain(v) for n, v in fields_of(self.method).items()},
            "problem": self.problem.slug, "problem_title": self.problem.title,
            "settings": {n: plain(v) for n, v in fields_of(self.problem).items()},
            "merit": merit.name, "merit_symbol": merit.symbol, "stopped": self.stopped,
            "coords": {n: plain(v) for n, v in self.coords.items()},
        }  # fmt: skip

    def table(self) -> Table:
        """Merit, cost and info against the step."""
        merit = self.problem.oracle.merit
        dims = ("step", *self.dims)
        columns: dict[str, tuple] = {
            "step": (self.steps, ("step",), "k"),
            merit.name: (self.merit.numpy(force=True), dims, merit.symbol, merit.unit),
        }
        units = {
            "values": "loss values",
            "gradients": "gradients",
            "products": "Hessian products",
            "seconds": "s",
        }
        columns |= {n: (c, dims[: c.ndim], "", units[n]) for n, c in self.cost.items()}
        columns |= {n: (x.numpy(force=True), dims) for n, x in self.info.items() if n not in columns}
        # starts given as coordinates are no labels of an axis: their numbers are
        labels = {n: plain(values) for n, values in self.coords.items() if n not in columns}
        for name, values in labels.items():
            numbered = any(isinstance(value, list) for value in values)
            columns[name] = (np.arange(len(values)) if numbered else np.asarray(values), (name,))
        return Table(columns, self.attrs())

    def save(self, path: Any) -> Any:
        """Writes the run as npz without pickle; `wl.load` opens it identical."""
        from widgetlib.core.record import save

        return save(self, path)

    def __repr__(self) -> str:
        size = " × ".join([f"{self.span} steps", *(f"{len(v)} {n}" for n, v in self.coords.items())])
        note = ", stopped early" if self.stopped else ""
        return f"Trace({self.method.slug} on {self.problem.slug}: {size}{note})"


def plain(value: Any) -> Any:
    """A hyperparameter as a JSON value: tensors become lists, torch's words their names."""
    if isinstance(value, Tensor):
        return value.flatten().tolist() if value.numel() > 1 else value.item()
    if isinstance(value, Method):
        return value.slug
    if isinstance(value, (list, tuple, range)):
        return [plain(v) for v in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)
