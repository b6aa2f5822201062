"""Point: where a run stands, and the step from there."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.algebra import map_leaves
from widgetlib.core.curvature import Tape
from widgetlib.core.method import Method, as_column, fields_of, with_fields
from widgetlib.core.oracle import Cost, Minimize
from widgetlib.core.problem import Problem


@dataclass(frozen=True, eq=False)
class Point:
    """Where a run stands before step `k`: enough to go on, to replay and to measure.

    Attributes:
        w: unknowns, `(..., d)`.
        state: the method's state, a nest of tensors with the leading axes of `w`.
        seeds: nest of ints in the form of the leading axes (an axis of length 1 is shared).
        data: the problem's data on the device of `w`.
        together: how many members take a step at once, the others after them; None for all.
        tape: the last gradient that a measure recorded; all points of a run share it.
    """

    method: Method
    problem: Problem
    k: int
    w: Tensor
    state: Any
    seeds: Any = 0
    batch: int | None = None
    data: Any = ()
    together: int | None = None
    tape: Tape = dataclasses.field(default_factory=Tape, repr=False)

    def oracle(self, cost: Cost | None = None) -> Minimize:
        """The oracle that the step from here sees."""
        return self.problem.oracle(self.problem, self.data, self.k, self.seeds, self.batch, cost, self.tape)

    def step(self) -> Point:
        """The next point; its draws are those of the recorded run."""
        with torch.no_grad():
            return advance(self)[0]

    def member(self, *place: int | slice) -> Point:
        """The point of one member (an index for each leading axis), or of some (slices)."""
        lead = self.w.shape[:-1]
        seeds = np.asarray(self.seeds)
        shared = [slice(None) if isinstance(p, slice) else 0 for p in place]
        own = tuple(p if n > 1 else s for p, n, s in zip(place, seeds.shape, shared, strict=seeds.ndim > 0))
        swept = {
            n: x.expand(*lead, x.shape[-1])[place] for n, x in fields_of(self.method).items() if isinstance(x, Tensor)
        }
        return dataclasses.replace(
            self, method=with_fields(self.method, swept), w=self.w[place], together=None,
            state=map_leaves(lambda x: x[place], self.state), seeds=seeds[own].tolist(),
        )  # fmt: skip


def advance(point: Point, cost: Cost | None = None) -> tuple[Point, Tensor | None, dict[str, Tensor]]:
    """One step of all members.

    Args:
        point: where they stand.
        cost: the counters that are charged with what one member costs.

    Returns:
        The next point, the merit `(..., 1)` at the point just left (None where the step did not ask for it), and what
        the method recorded, `(..., 1)` each.
    """
    charged, names = iter([cost]), []

    def step(part: Point) -> tuple:
        oracle = part.oracle(next(charged, None))
        w, state, info = part.method.step(oracle, part.w, part.state)
        names[:] = info
        merit = (oracle.seen.merit,) if oracle.seen is not None and oracle.seen.w is part.w else ()
        return w, state, merit, tuple(as_column(x, w) for x in info.values())

    w, state, merit, values = in_turns(step, point, point.together)
    return moved(point, w, state), merit[0] if merit else None, dict(zip(names, values, strict=True))


def moved(p: Point, w: Tensor, state: Any, steps: int = 1) -> Point:
    """The point some steps later."""
    return Point(p.method, p.problem, p.k + steps, w, state, p.seeds, p.batch, p.data, p.together, p.tape)


def in_turns(f: Callable[[Point], Any], point: Point, most: int | None) -> Any:
    """`f` of a point, a nest of tensors with its leading axes, asked about at most `most` members at a time."""
    lead = point.w.shape[:-1]
    if most is None or math.prod(lead) <= most:
        return f(point)
    sizes = list(lead)
    for i in range(len(lead)):
        turns = math.ceil(lead[i] / max(1, most // math.prod(lead[i + 1 :])))
        sizes[i] = math.ceil(lead[i] / turns)  # of about the same size
    spans = ([slice(a, a + size) for a in range(0, n, size)] for n, size in zip(lead, sizes, strict=True))
    places = list(itertools.product(*spans))

    def whole(*pieces: Tensor) -> Tensor:
        out = pieces[0].new_empty(*lead, *pieces[0].shape[len(lead) :])
        for place, piece in zip(places, pieces, strict=True):
            out[place] = piece
        return out

    return map_leaves(whole, *(f(point.member(*place)) for place in places))
