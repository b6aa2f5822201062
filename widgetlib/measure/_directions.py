"""Directions to look along: filter-normalised draws, principal directions of a path, eigenvectors of the Hessian."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.layout import Layout
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure.eigen import top_eigenpairs

GROWTH = 10


def point_of(where: Any, like: Tensor) -> Tensor:
    """The last iterate of a run, or the point itself, `(d,)` as `like`.

    Raises:
        AtlasError: it has another number of unknowns, or is not finite.
    """
    point = torch.as_tensor(where.w[-1] if isinstance(where, Trace) else where).to(like)
    if point.shape != like.shape:
        raise AtlasError(f"a point of shape {tuple(point.shape)} was given; this run has {like.shape[-1]} unknowns.")
    return finite(point, "a given point")


def finite(point: Tensor, name: str) -> Tensor:
    """The point, where it is finite; AtlasError says how many of its numbers are not."""
    bad = int((~torch.isfinite(point)).sum())
    if bad:
        raise AtlasError(
            f"{bad} of the {point.numel()} numbers of {name} are not finite; give a point from before the run diverged."
        )
    return point


def spanning(axes: Tensor, advice: str) -> Tensor:
    """The two axes `(2, d)`; AtlasError where they do not span a plane."""
    unit = axes / norm(axes)
    if not torch.isfinite(unit).all() or (unit[0] @ unit[1]).abs() > 1 - 1e-6:
        raise AtlasError(f"the two directions of the plane are parallel; {advice}")
    return axes


def drawn(layout: Layout, w: Tensor, many: int, seed: int) -> Tensor:
    """Random directions `(many, d)` of which every filter (row of a matrix) has the length of that of `w`.

    Biases stay put. Where there are no matrices the whole direction has the length of `w`. Li et al., Visualizing the
    loss landscape of neural nets (2018).
    """
    draws = torch.randn(many, layout.size, generator=torch.Generator().manual_seed(seed)).to(w)
    if all(len(shape) < 2 for shape in layout.parts.values()):
        return draws * (norm(w) or 1) / norm(draws)
    return layout.map(
        lambda a, b: a * norm(b) / norm(a), draws, w.expand_as(draws), vector=lambda a, b: torch.zeros_like(a)
    )


def principal(path: Tensor) -> Tensor:
    """The two orthonormal directions `(2, d)` in which the points `(n, d)` of a path lie farthest apart."""
    centred = path - path.mean(0)
    start, tol = _random(min(4, path.shape[-1]), centred), 1e-6 if path.dtype == torch.float64 else 1e-3
    found = top_eigenpairs(lambda v: (centred @ v) @ centred, start, 2, tol)  # a whole SVD takes seconds
    if found.values[0] == 0:
        raise AtlasError("the path is too short for its principal directions; take more steps or kind='random'.")
    return found.vectors[:2]


def eigenvectors(trace: Trace, w: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest eigenvalues of the Hessian at `w` and their unit eigenvectors `(k, d)`.

    Raises:
        AtlasError: the problem has no Hessian, or fewer than k unknowns.
    """
    oracle, d = trace.at(int(trace.steps[0])).oracle().uncounted(), len(w)
    if not hasattr(oracle, "hvp"):
        raise AtlasError(f"{trace.problem.slug} has no one loss and so no Hessian; choose another kind.")
    if not 1 <= k <= d:
        raise AtlasError(f"eigenvector {k} was asked of a Hessian of {d} unknowns; choose one of 1 to {d}.")
    found = top_eigenpairs(oracle.curvature(w), _random(min(k + 2, d), w), k)
    return found.values, found.vectors[:k]


def bowl(trace: Trace, w: Tensor, values: Tensor) -> Tensor:
    """How far along eigenvectors of these eigenvalues `(k,)` the quadratic model grows the loss `GROWTH` times, `(k,)`.

    1 where it never does.
    """
    loss = trace.at(int(trace.steps[0])).oracle().uncounted().merit_at(w).detach()
    reach = (2 * (GROWTH - 1) * loss.abs().double() / values.abs().double()).sqrt()
    return torch.where(torch.isfinite(reach) & (reach > 0), reach, 1.0)


def _random(rows: int, like: Tensor) -> Tensor:
    """Rows `(rows, d)` to start from."""
    draw = torch.randn(rows, like.shape[-1], generator=torch.Generator().manual_seed(0), dtype=like.dtype)
    return draw.to(like.device)
