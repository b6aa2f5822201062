"""Slices of the landscape: a height on a plane, the path on it, and how far off it the path really runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._grid import grid
from widgetlib.measure._heights import Heights
from widgetlib.measure._planes import LABELS, Plane, plane_of, window

BLOWN = 100  # times the first loss: iterates beyond are drawn only where they happen to lie in the window
SIZE, SIZE_OF_SHARPNESS = 64, 17  # grid points along each side; an eigenvalue costs dozens of gradients

Kind = Literal["auto", "coordinates", "pca", "random", "points", "eigenvectors"]


def plane(
    trace: Trace,
    kind: Kind = "auto",
    size: int | None = None,
    points: Sequence[Tensor | Trace] | None = None,
    seed: int = 0,
    most: int = 2000,
    on_row: Callable[[int], bool] | None = None,
    height: str = "loss",
    tol: float = 0.0,
    memory: int | None = None,
) -> Table:
    """The loss, or another height, on a plane with the path of a single run projected on it.

    Args:
        kind: `coordinates` (two unknowns), `pca` (the two directions in which the path moved most), `random`
            (filter-normalised directions around the last iterate, Li et al. 2018), `points` (through the last iterate
            and two others) or `eigenvectors` (of the two largest eigenvalues of the Hessian at the last iterate);
            `auto` takes coordinates or pca.
        size: grid points along each side; by default 64, and 17 for sharpness.
        points: two points `(d,)`, or runs that end there, for kind `points`.
        seed: of the random directions.
        most: iterates of the path at most.
        on_row: called with the number of rows done (of a refined grid: points, in rows); returning True ends the
            measure, and what is not known by then stays NaN.
        height: `loss` (the merit of the problem's world), `accuracy` where there are classes, `gradient_norm`, or
            `sharpness`, the largest eigenvalue of the Hessian.
        tol: the error that a height may have, as a share of their range. Above 0 the grid is refined where that asks
            for it and interpolated elsewhere; at 0 every point is computed.
        memory: bytes that the activations of one batch of points may take; None for as many as are fast.

    Returns:
        Table with the grid (`x`, `y`, the height under its own name) and the path (`path_step`, `path_x`, `path_y`,
        `path_loss`, `off_plane`: distance of each iterate from the plane, in weight space); the attr
        `variance_explained` is the share of the path's variance that lies in the plane, `extent` how far from its
        first iterate the path gets. A refined grid also has `computed`, which heights were not interpolated, and the
        attr `error`: what the others are expected to err by at most, as a share of the range (None where the work was
        ended too early to say).

    Raises:
        AtlasError: kind or height do not fit the problem, the two directions are parallel, a point is not finite, or
            `memory` does not hold one point.
    """
    return on_plane(trace, kind, size, points, seed, most, on_row, height, tol, memory)[0]


def on_plane(
    trace: Trace,
    kind: Kind = "auto",
    size: int | None = None,
    points: Sequence[Tensor | Trace] | None = None,
    seed: int = 0,
    most: int = 2000,
    on_row: Callable[[int], bool] | None = None,
    height: str = "loss",
    tol: float = 0.0,
    memory: int | None = None,
) -> tuple[Table, Plane]:
    """What `plane` returns, and the plane itself: for measures that show more of it."""
    size = (SIZE_OF_SHARPNESS if height == "sharpness" else SIZE) if size is None else size
    if size < 2:
        raise AtlasError(f"size is {size}; a grid needs at least 2 points along each side.")
    if not 0 <= tol < 1:
        raise AtlasError(f"tol is {tol}; it is a share of the range of the heights, from 0 to below 1.")
    if len(trace.dims):
        raise AtlasError("a slice shows one run; pick a member of the sweep and run it alone.")
    rows = _thin(len(trace.kept), most)
    path, steps = trace.w[rows], trace.kept[rows]
    path_loss = trace.merit[torch.as_tensor(trace.steps.searchsorted(steps))]
    # what blew up would squeeze everything else into a point: it decides neither directions nor window
    finite = (
        torch.isfinite(path.sum(-1))
        & torch.isfinite(path_loss)
        & (path_loss <= BLOWN * path_loss[0].abs().clamp_min(1e-12))
    )
    if not finite.any():
        raise AtlasError("no iterate of this run is finite; choose a smaller rate.")
    sound = path if finite.all() else path[finite]
    slice_ = plane_of(kind, trace, sound, points, seed)
    xy, off = slice_.project(path)
    x, y = window(trace, slice_, xy[finite].double(), size)
    heights = Heights(trace, slice_.origin, slice_.axes, height, memory)
    found = grid(heights, x, y, tol, on_row)
    labels, iterate, cell = LABELS[slice_.kind], ("iterate",), ("row", "column")
    columns = {
        "x": (x.numpy(), ("column",), labels[0]),
        "y": (y.numpy(), ("row",), labels[1]),
        height: (found.values, cell, heights.symbol),
        "path_step": (steps, iterate, "k"),
        "path_x": (xy[:, 0].numpy(force=True), iterate, labels[0]),
        "path_y": (xy[:, 1].numpy(force=True), iterate, labels[1]),
        "path_loss": (path_loss.numpy(force=True), iterate, trace.problem.oracle.merit.symbol),
        "off_plane": (off.numpy(force=True), iterate, "distance from the plane"),
    }
    minima = [torch.tensor(m, dtype=path.dtype, device=path.device) for m in trace.problem.minima]
    attrs = {
        "kind": slice_.kind, "x_label": labels[0], "y_label": labels[1], "dimension": trace.problem.layout.size,
        "variance_explained": slice_.explains(sound), "extent": float(norm(sound - sound[0]).max()), "height": height,
        "minima": [slice_.project(m)[0].tolist() for m in minima],
    }  # fmt: skip
    if tol:
        columns["computed"] = (found.computed, cell)
        attrs |= {"tol": tol, "error": found.share}
    return Table(columns, trace.attrs() | attrs), slice_


def _thin(n: int, most: int) -> list[int] | slice:
    """At most `most` of n positions, the last one included."""
    return slice(None) if n <= most else sorted({*range(0, n, -(-n // most)), n - 1})
