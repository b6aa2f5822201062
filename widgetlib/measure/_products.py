"""Where a measure of curvature looks, and the Hessian products that it asks for there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from widgetlib.core.oracle import Minimize
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError

TOGETHER = 2**23  # rows times unknowns times samples up to which one batched product beats a loop on a kept graph


def looks(trace: Trace, every: int | None, about: int) -> Iterator[Point]:
    """The points of a run every so many steps (None for `about` looks), up to where it stops being finite.

    Raises:
        AtlasError: `every` is less than 1.
    """
    every = max(1, trace.span // about) if every is None else every
    if every < 1:
        raise AtlasError(f"every = {every}: there must be at least one step between two looks.")
    for i, point in enumerate(trace.points(every)):
        if i and not torch.isfinite(point.w).all():
            return
        yield point


def hessian_rows(point: Point, rows: int) -> Callable[[Tensor], Tensor]:
    """The map of float64 rows `(q, d)` to their products with the Hessian at `point`.

    Where a product is so small that Python decides its time, `rows` of them are one batched product at as many
    copies of w; elsewhere the graph of one gradient is kept and asked row by row, which no batching was found to
    beat.

    Raises:
        AtlasError: the point is a sweep, is not finite, or belongs to a world without a Hessian.
    """
    oracle = minimised(point)
    w, d = point.w, len(point.w)
    if rows * d * (point.problem.samples or 1) > TOGETHER:
        single = oracle.curvature(w)
        return lambda v: torch.stack([single(row) for row in v.to(w.dtype)]).double()
    batched = oracle.curvature(w.expand(rows, -1))

    def product(v: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(v.to(w.dtype), (0, 0, 0, -len(v) % rows))
        return torch.cat([batched(part) for part in padded.split(rows)])[: len(v)].double()

    return product


def minimised(point: Point) -> Minimize:
    """The full-batch oracle at one finite point of a world that has a Hessian; AtlasError elsewhere."""
    oracle = point.oracle().uncounted()
    if point.w.ndim > 1:
        raise AtlasError("this measure looks at one run; pick a member first: t.at(k).member(i).")
    if not isinstance(oracle, Minimize):
        raise AtlasError(f"{point.problem.slug} has no Hessian: its world is {type(oracle).__name__}, not Minimize.")
    if not torch.isfinite(point.w).all():
        raise AtlasError(f"the iterate at step {point.k} is not finite; choose a step before the run diverged.")
    return oracle
