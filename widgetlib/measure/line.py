"""Slices along a line: through the last iterate, or between two points, straight and on a curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._bezier import bent, bezier
from widgetlib.measure._directions import bowl, drawn, eigenvectors, finite, point_of
from widgetlib.measure._heights import Heights

LABELS = {
    "between": "position between the points",
    "curve": "position between the points",
    "random": "random direction",
    "eigenvector": "eigenvector of the Hessian",
    "direction": "given direction",
}


def line(
    trace: Trace,
    kind: Literal["between", "curve", "random", "eigenvector", "direction"] = "between",
    to: Tensor | Trace | None = None,
    direction: Tensor | None = None,
    rank: int = 1,
    size: int = 101,
    reach: float | None = None,
    seed: int = 0,
    most: int = 60,
    on_point: Callable[[int], bool] | None = None,
    height: str = "loss",
    memory: int | None = None,
) -> Table:
    """The loss, or another height, along a line through the last iterate of a single run.

    Args:
        kind: `between` (straight to another point; Goodfellow et al. 2015), `curve` (the same, and the quadratic
            Bézier curve along which the mean loss is least; Garipov et al. 2018), `random` (filter-normalised, Li et
            al. 2018), `eigenvector` of the Hessian, or `direction`.
        to: the other point `(d,)`, or the run that ends there; the start of this run by default.
        direction: `(d,)`, for kind `direction`; its length is the unit of the position.
        rank: which eigenvector, 1 for that of the largest eigenvalue.
        size: points along the line.
        reach: how far to either side, in lengths of the direction; by default 1, and along an eigenvector as far as
            its quadratic model takes to grow the loss ten times.
        seed: of the random direction.
        most: iterations that shape the curve, at most.
        on_point: called with the number of points that are done (0 while the curve is being shaped); returning True
            ends the measure, and what is not known by then stays NaN.
        height: `loss` (the merit of the problem's world), `accuracy` where there are classes, `gradient_norm`, or
            `sharpness`, the largest eigenvalue of the Hessian.
        memory: bytes that the activations of one batch of points may take; None for as many as are fast.

    Returns:
        Table over position and path: `position` (0 at the last iterate; at 1 the other point), `path` (straight,
        and curved), the height [path, position] under its own name, `length` [path] in weight space. Between points
        also `barrier` [path]: the largest excess of the height over the straight rise from end to end (of accuracy,
        its largest lack; Entezari et al. 2022). Of a curve also `middle` [unknown], the point θ that bends it.

    Raises:
        AtlasError: kind or height do not fit the problem, a point is not finite or the same as the last iterate, or
            `memory` does not hold one point.
    """
    if len(trace.dims):
        raise AtlasError("a slice shows one run; pick a member of the sweep and run it alone.")
    if size < 2:
        raise AtlasError(f"size is {size}; a line needs at least 2 points.")
    if kind not in LABELS:
        raise AtlasError(f"there is no line of kind {kind!r}; use one of {', '.join(LABELS)}.")
    origin, ends = finite(trace.w[-1], "the last iterate"), kind in ("between", "curve")
    attrs: dict[str, Any] = {"kind": kind, "x_label": LABELS[kind], "height": height, "dimension": len(origin)}
    if ends:
        axis = point_of(trace.w[0] if to is None else to, origin) - origin
        position = torch.linspace(0, 1, size, dtype=torch.float64)
        attrs["to"] = "the start" if to is None else "the other point"
    else:
        axis, natural, more = _direction(kind, trace, origin, direction, rank, seed)
        reach, attrs = natural if reach is None else reach, attrs | more
        half = (size - 1) / 2
        position = (torch.arange(size, dtype=torch.float64) - half) / half * reach  # 0 itself where size is odd
    if not norm(axis) > 0:
        raise AtlasError("the line has no length: its other point is the last iterate, or its direction is zero.")
    walk = _Walk(on_point)
    straight = Heights(trace, origin, axis.unsqueeze(0), height, memory)
    paths = {"straight": walk.along(straight, position.unsqueeze(-1))}
    columns: dict[str, tuple] = {"position": (position.numpy(), ("position",), LABELS[kind])}
    if kind == "curve":
        middle = bent(trace, origin, origin + axis, most, memory, walk.ended)
        columns["middle"] = (middle.numpy(force=True), ("unknown",), "θ")
        heights = Heights(trace, origin, torch.stack([middle - origin, axis]), height, memory)
        paths["curved"] = walk.along(heights, bezier(position))
    values = np.stack([found for found, _ in paths.values()])
    columns |= {
        "path": (list(paths), ("path",)),
        height: (values, ("path", "position"), straight.symbol),
        "length": ([length for _, length in paths.values()], ("path",), "length in weight space"),
    }
    if ends:
        chord = values[:, :1] + (values[:, -1:] - values[:, :1]) * position.numpy()
        excess = chord - values if height == "accuracy" else values - chord
        columns["barrier"] = (excess.max(1), ("path",), "barrier")
    return Table(columns, trace.attrs() | attrs)


class _Walk:
    """Takes heights along paths until somebody ends it."""

    def __init__(self, on_point: Callable[[int], bool] | None):
        self.on_point, self.done, self.over = on_point, 0, False

    def ended(self) -> bool:
        """Whether to go no further; asks on the way."""
        self.over = self.over or bool(self.on_point and self.on_point(self.done))
        return self.over

    def along(self, heights: Heights, c: Tensor) -> tuple[np.ndarray, float]:
        """The heights at coefficients `(n, k)`, NaN from where it ended, and the length of that path."""
        values = np.full(len(c), np.nan)
        for i in range(0, len(c), heights.at_once):
            if self.over:
                break
            part = heights(c[i : i + heights.at_once])
            values[i : i + len(part)] = part
            self.done += len(part)
            self.ended()
        return values, float(norm(c.diff(dim=0).to(heights.axes) @ heights.axes).sum())


def _direction(
    kind: str, trace: Trace, w: Tensor, direction: Tensor | None, rank: int, seed: int
) -> tuple[Tensor, float, dict[str, Any]]:
    """The direction `(d,)` of that kind, how far along it is worth a look, and what there is to say of it."""
    if kind == "random":
        return drawn(trace.problem.layout, w, 1, seed)[0], 1.0, {}
    if kind == "eigenvector":
        values, vectors = eigenvectors(trace, w, rank)
        return vectors[-1], float(bowl(trace, w, values)[-1]), {"rank": rank, "eigenvalue": float(values[-1])}
    if direction is None:
        raise AtlasError("kind='direction' needs direction=, as many numbers as there are unknowns.")
    return point_of(direction, w), 1.0, {}
