"""Slices of the landscape: the loss on a plane, the path on it, and how far off it the path really runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure.eigen import top_eigenpairs

CHUNK = 2**21  # numbers of activations in one batch: what fits the cache

BLOWN = 100  # times the first loss: iterates beyond are drawn only where they happen to lie in the window


class Plane(NamedTuple):
    """A plane `origin + x a + y b`.

    Attributes:
        origin: `(d,)`.
        axes: the directions a and b, `(2, d)`; orthonormal for coordinates and pca.
        kind: coordinates, random, pca or points.
        explained: share of the path's variance that lies in the plane; NaN where it does not apply.
    """

    origin: Tensor
    axes: Tensor
    kind: str
    explained: float

    def project(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates `(..., 2)` and distance from the plane `(...)` of points `(..., d)`."""
        offset = w - self.origin
        xy = offset @ torch.linalg.pinv(self.axes)  # least squares: the axes need not be orthonormal
        return xy, norm(offset - xy @ self.axes).squeeze(-1)

    def at(self, x: Tensor, y: Tensor) -> Tensor:
        """The points `(rows, columns, d)` of a grid with columns at `x` and rows at `y`."""
        return self.origin + x[None, :, None] * self.axes[0] + y[:, None, None] * self.axes[1]


def plane(
    trace: Trace,
    kind: Literal["auto", "coordinates", "random", "pca", "points"] = "auto",
    size: int = 64,
    points: Sequence[Tensor] | None = None,
    seed: int = 0,
    most: int = 2000,
    on_row: Callable[[int], bool] | None = None,
) -> Table:
    """The loss on a plane with the path of a single run projected on it.

    Args:
        kind: `coordinates` (two unknowns), `pca` (the two directions in which the path moved most),
            `random` (filter-normalised directions around the last iterate, Li et al. 2018) or `points`
            (through the last iterate and two others); `auto` takes coordinates or pca.
        size: grid points along each side.
        points: two points `(d,)` for kind `points`.
        seed: of the random directions.
        most: iterates of the path at most.
        on_row: called with the number of rows done; returning True ends the measure, the rest stays NaN.

    Returns:
        Table with the grid (`x`, `y`, `loss`) and the path (`path_step`, `path_x`, `path_y`, `path_loss`,
        `off_plane`: distance of each iterate from the plane, in weight space).

    Raises:
        AtlasError: the kind does not fit the problem, or the two directions are parallel.
    """
    return on_plane(trace, kind, size, points, seed, most, on_row)[0]


def on_plane(
    trace: Trace,
    kind: str = "auto",
    size: int = 64,
    points: Sequence[Tensor] | None = None,
    seed: int = 0,
    most: int = 2000,
    on_row: Callable[[int], bool] | None = None,
) -> tuple[Table, Plane]:
    """What `plane` returns, and the plane itself: for measures that show more of it."""
    if size < 2:
        raise AtlasError(f"size is {size}; a grid needs at least 2 points along each side.")
    if len(trace.dims):
        raise AtlasError("a slice shows one run; pick a member of the sweep and run it alone.")
    d = trace.problem.layout.size
    kind = ("coordinates" if d == 2 else "pca") if kind == "auto" else kind
    rows = _thin(len(trace.kept), most)
    path = trace.w[rows]
    steps = trace.kept[rows]
    path_loss = trace.merit[torch.as_tensor(steps - trace.steps[0])]
    # what blew up would squeeze everything else into a point: it decides neither directions nor window
    finite = (
        torch.isfinite(path).all(-1)
        & torch.isfinite(path_loss)
        & (path_loss <= BLOWN * path_loss[0].abs().clamp_min(1e-12))
    )
    if not finite.any():
        raise AtlasError("no iterate of this run is finite; choose a smaller rate.")
    slice_ = _plane(kind, trace, path[finite], points, seed)
    xy, off = slice_.project(path)
    (x, y) = _window(trace, kind, xy[finite].double(), size)
    oracle = trace.at(int(trace.steps[0])).oracle().uncounted()
    loss = torch.full((size, size), torch.nan, dtype=torch.float64)
    with torch.no_grad():
        for i, points_row in _rows(slice_, x.to(path), y.to(path), _rows_at_once(trace, size)):
            loss[i : i + len(points_row)] = oracle.merit_at(points_row).squeeze(-1).cpu()
            if on_row and on_row(i + len(points_row)):
                break
    labels = {"coordinates": ("w₁", "w₂"), "pca": ("first principal direction", "second principal direction"),
              "random": ("first random direction", "second random direction"),
              "points": ("towards the first point", "towards the second point")}[kind]  # fmt: skip
    minima = [torch.tensor(m, dtype=path.dtype) for m in trace.problem.minima]
    iterate = ("iterate",)
    table = Table(
        {
            "x": (x.numpy(), ("column",), labels[0]),
            "y": (y.numpy(), ("row",), labels[1]),
            "loss": (loss.numpy(), ("row", "column"), trace.problem.oracle.merit.symbol),
            "path_step": (steps, iterate, "k"),
            "path_x": (xy[:, 0].numpy(force=True), iterate, labels[0]),
            "path_y": (xy[:, 1].numpy(force=True), iterate, labels[1]),
            "path_loss": (path_loss.numpy(force=True), iterate, trace.problem.oracle.merit.symbol),
            "off_plane": (off.numpy(force=True), iterate, "distance from the plane"),
        },
        trace.attrs()
        | {"kind": kind, "x_label": labels[0], "y_label": labels[1], "dimension": d,
           "variance_explained": None if slice_.explained != slice_.explained else slice_.explained,
           "minima": [slice_.project(m)[0].tolist() for m in minima]},
    )  # fmt: skip
    return table, slice_


def _thin(n: int, most: int) -> list[int]:
    """At most `most` of n positions, the last one included."""
    return sorted({*range(0, n, -(-n // most)), n - 1})


def _plane(kind: str, trace: Trace, path: Tensor, points: Sequence[Tensor] | None, seed: int) -> Plane:
    d, last = path.shape[-1], path[-1]
    if kind == "coordinates":
        if d != 2:
            raise AtlasError(f"{trace.problem.slug} has {d} unknowns, not 2; use kind='pca' or 'random'.")
        return Plane(torch.zeros_like(last), torch.eye(2, dtype=path.dtype, device=path.device), kind, 1.0)
    if kind == "pca":
        centred = (path - path.mean(0)).double()
        generator = torch.Generator().manual_seed(0)
        start = torch.randn(min(4, d), d, generator=generator, dtype=torch.float64).to(path.device)
        found = top_eigenpairs(lambda v: (centred @ v) @ centred, start, 2, 1e-6)  # a whole SVD takes seconds
        if found.values[0] == 0:
            raise AtlasError("the path is too short for its principal directions; take more steps or kind='random'.")
        return Plane(last, found.vectors[:2].to(path), kind, float(found.values.sum() / (centred**2).sum()))
    if kind == "random":
        generator = torch.Generator().manual_seed(seed)
        draws = torch.randn(2, d, generator=generator).to(last)
        return Plane(last, torch.stack([_filter_normalised(draw, last, trace) for draw in draws]), kind, torch.nan)
    if kind == "points":
        if points is None or len(points) != 2:
            raise AtlasError("kind='points' needs points=(a, b), two points beside the last iterate.")
        axes = torch.stack([torch.as_tensor(p).to(last) - last for p in points])
        lengths = axes.norm(dim=1)
        if (lengths == 0).any() or (axes[0] @ axes[1]).abs() > (1 - 1e-6) * lengths.prod():
            raise AtlasError("the two points and the last iterate lie on one line; choose points that span a plane.")
        return Plane(last, axes, kind, torch.nan)
    raise AtlasError(f"there is no slice of kind {kind!r}; use coordinates, pca, random or points.")


def _filter_normalised(draw: Tensor, w: Tensor, trace: Trace) -> Tensor:
    """A direction whose every filter (row of a matrix) has the length of the weights' own; biases stay put.

    Where there are no matrices the whole direction has the length of `w`.
    """
    layout = trace.problem.layout
    if all(len(shape) < 2 for shape in layout.parts.values()):
        return draw * (norm(w) or 1) / norm(draw)
    return layout.map(
        lambda a, b: a * b.norm(dim=-1, keepdim=True) / a.norm(dim=-1, keepdim=True), draw, w,
        vector=lambda a, b: torch.zeros_like(a),
    )  # fmt: skip


def _window(trace: Trace, kind: str, xy: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Grid lines: the problem's window where it fits, else the path with a margin."""
    if kind == "random":
        reach = torch.linspace(-1, 1, size, dtype=torch.float64)
        return reach, reach
    low, high = xy.min(0).values, xy.max(0).values
    window = trace.problem.window if kind == "coordinates" else None
    if window:
        first = torch.tensor(window, dtype=torch.float64).mT
        span = first[1] - first[0]  # a path that leaves the window widens it, up to three times
        low = torch.maximum(torch.minimum(low - 0.05 * span, first[0]), first[0] - span)
        high = torch.minimum(torch.maximum(high + 0.05 * span, first[1]), first[1] + span)
        inside = bool(((xy >= first[0]) & (xy <= first[1])).all())
        low, high = (first[0], first[1]) if inside else (low, high)
    else:
        margin = 0.25 * torch.clamp(high - low, min=0.25 * float((high - low).max()) + 1e-12)
        low, high = low - margin, high + margin
    return tuple(torch.linspace(float(a), float(b), size, dtype=torch.float64) for a, b in zip(low, high, strict=True))


def _rows(slice_: Plane, x: Tensor, y: Tensor, at_once: int) -> Any:
    """Grid points `(rows, columns, d)` in batches of rows."""
    for i in range(0, len(y), at_once):
        yield i, slice_.at(x, y[i : i + at_once])


def _rows_at_once(trace: Trace, size: int) -> int:
    samples, width = trace.problem.samples or 1, max(trace.problem.layout.size, 1)
    return max(1, CHUNK // (size * max(width, samples * 16)))
