"""The planes through weight space that are worth a look, and the window on each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from widgetlib.core.algebra import norm
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._directions import bowl, drawn, eigenvectors, point_of, principal, spanning

LABELS = {
    "coordinates": ("w₁", "w₂"),
    "pca": ("first principal direction", "second principal direction"),
    "random": ("first random direction", "second random direction"),
    "points": ("towards the first point", "towards the second point"),
    "eigenvectors": ("first eigenvector of the Hessian", "second eigenvector of the Hessian"),
}


class Plane(NamedTuple):
    """A plane `origin + x a + y b`.

    Attributes:
        origin: `(d,)`.
        axes: the directions a and b, `(2, d)`; orthonormal for coordinates, pca and eigenvectors.
        kind: coordinates, pca, random, points or eigenvectors.
        reach: how far along each axis the window goes at least, `(2,)`; None where the path alone decides.
    """

    origin: Tensor
    axes: Tensor
    kind: str
    reach: Tensor | None = None

    def project(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Coordinates `(..., 2)` and distance from the plane `(...)` of points `(..., d)`."""
        offset = w - self.origin
        dual = torch.linalg.pinv(self.axes).mT.contiguous()  # least squares: the axes need not be orthonormal
        xy = linear(offset, dual)
        return xy, norm(offset.sub_(xy @ self.axes)).squeeze(-1)

    def at(self, x: Tensor, y: Tensor) -> Tensor:
        """The points `(rows, columns, d)` of a grid with columns at `x` and rows at `y`."""
        return self.origin + x[None, :, None] * self.axes[0] + y[:, None, None] * self.axes[1]

    def explains(self, path: Tensor) -> float | None:
        """Share of the variance of points `(n, d)` that lies in the plane; None where they do not vary."""
        centred, basis = path - path.mean(0), torch.linalg.qr(self.axes.double().mT).Q.mT
        total, inside = (float(torch.linalg.vector_norm(x)) for x in (centred, linear(centred, basis.to(path))))
        return (inside / total) ** 2 if total else None


def plane_of(kind: str, trace: Trace, path: Tensor, points: Sequence[Any] | None, seed: int) -> Plane:
    """The plane of that kind for the path `(n, d)` of a run."""
    d, last = path.shape[-1], path[-1]
    kind = ("coordinates" if d == 2 else "pca") if kind == "auto" else kind
    if kind == "coordinates":
        if d != 2:
            raise AtlasError(f"{trace.problem.slug} has {d} unknowns, not 2; use kind='pca' or 'random'.")
        return Plane(torch.zeros_like(last), torch.eye(2, dtype=path.dtype, device=path.device), kind)
    if kind == "pca":
        return Plane(last, principal(path), kind)
    if kind == "random":
        return Plane(last, spanning(drawn(trace.problem.layout, last, 2, seed), "choose another seed."), kind)
    if kind == "eigenvectors":
        values, axes = eigenvectors(trace, last, 2)
        return Plane(last, axes, kind, bowl(trace, last, values))
    if kind == "points":
        if points is None or len(points) != 2:
            raise AtlasError("kind='points' needs points=(a, b), two points beside the last iterate.")
        axes = torch.stack([point_of(p, last) - last for p in points])
        return Plane(last, spanning(axes, "choose points that span a plane with the last iterate."), kind)
    raise AtlasError(f"there is no slice of kind {kind!r}; use one of {', '.join(LABELS)}.")


def window(trace: Trace, slice_: Plane, xy: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Grid lines: the problem's window where it fits, else the path with a margin."""
    if slice_.kind == "random":
        reach = torch.linspace(-1, 1, size, dtype=torch.float64)
        return reach, reach
    if slice_.reach is not None:
        xy = torch.cat([xy, slice_.reach.to(xy).expand(1, 2), -slice_.reach.to(xy).expand(1, 2)])
    low, high = xy.min(0).values, xy.max(0).values
    frame = trace.problem.window if slice_.kind == "coordinates" else None
    if frame:
        first = torch.tensor(frame, dtype=torch.float64, device=xy.device).mT
        span = first[1] - first[0]  # a path that leaves the window widens it, up to three times
        low = torch.maximum(torch.minimum(low - 0.05 * span, first[0]), first[0] - span)
        high = torch.minimum(torch.maximum(high + 0.05 * span, first[1]), first[1] + span)
        inside = bool(((xy >= first[0]) & (xy <= first[1])).all())
        low, high = (first[0], first[1]) if inside else (low, high)
    else:
        margin = 0.25 * torch.clamp(high - low, min=0.25 * float((high - low).max()) + 1e-12)
        low, high = low - margin, high + margin
    return tuple(torch.linspace(float(a), float(b), size, dtype=torch.float64) for a, b in zip(low, high, strict=True))
