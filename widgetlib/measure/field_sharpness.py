"""The spectrum of a game's field along a run, and its largest modulus beside the method's own limit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.sparse import linalg as sparse

from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError

DENSE = 120  # unknowns up to which the Jacobian is diagonalised whole


class FieldSharpness:
    """Looks at a run every so many steps.

    Args:
        k: how many modes of the field's Jacobian; a complex pair is one mode.
        every: steps between two looks.
    """

    name = "field_sharpness"

    def __init__(self, k: int = 3, every: int = 50):
        if k < 1 or every < 1:
            raise AtlasError(f"k = {k} and every = {every}: both must be at least 1.")
        self.k, self.every = k, every
        self.rows: list[dict[str, Any]] = []

    def observe(self, point: Point) -> None:
        """Measures at one point of a single run; a point that is not finite is passed over."""
        if point.w.ndim > 1:
            raise AtlasError("field_sharpness looks at one run; pick a member first: t.at(k).member(i).")
        if not torch.isfinite(point.w).all():
            return
        values, residuals = spectrum(point, 2 * self.k)
        limit = None
        if point.method.gauge == self.name:
            after = point.step().state
            limit = point.method.stability_limit(point.oracle().uncounted(), point.w, after)
        self.rows.append({
            "step": point.k, "eigenvalue": values, "residual": residuals, "gauge": abs(values[0]),
            "gauge_residual": residuals[0], "limit": np.nan if limit is None else float(limit),
        })  # fmt: skip

    def table(self, attrs: dict[str, Any]) -> Table:
        """The looks so far: `eigenvalue` and `residual` over record and rank, largest modulus first."""
        record, rank = ("record",), ("record", "rank")
        columns = {name: [row[name] for row in self.rows] for name in ("step", "gauge", "gauge_residual", "limit")}
        blocks = {n: np.array([row[n] for row in self.rows]) for n in ("eigenvalue", "residual")}
        blocks = {
            n: block.reshape(len(self.rows), -1) if self.rows else np.empty((0, 0)) for n, block in blocks.items()
        }
        return Table(
            {
                "step": (np.array(columns["step"], dtype=int), record, "k"),
                "eigenvalue": (blocks["eigenvalue"].astype(complex), rank, "μ"),
                "residual": (blocks["residual"], rank, "‖Jᵀu − μu‖"),
                "gauge": (columns["gauge"], record, "max|μ|"),
                "gauge_residual": (columns["gauge_residual"], record),
                "limit": (columns["limit"], record, "limit"),
            },
            attrs | {"gauge": self.name, "preconditioned": False},
        )


def spectrum(point: Point, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k eigenvalues of largest modulus of the field's Jacobian at `point`, and their residuals.

    Exact for few unknowns; else Arnoldi's on the transpose, which has the same spectrum.
    """
    w = point.w
    product = point.oracle().uncounted().curvature(w)

    def apply(v: np.ndarray) -> np.ndarray:
        return product(torch.as_tensor(v, dtype=w.dtype, device=w.device)).double().numpy(force=True)

    n = len(w)
    if n <= max(DENSE, k + 1):
        values = np.linalg.eigvals(np.stack([apply(row) for row in np.eye(n)]))
        values = values[np.lexsort((-values.imag, -np.round(np.abs(values), 12)))]
        return values[:k], np.zeros(min(n, k))
    operator = sparse.LinearOperator((n, n), matvec=apply, dtype=np.float64)
    values, vectors = sparse.eigs(operator, k=k, which="LM", v0=np.random.default_rng(0).standard_normal(n), tol=1e-6)
    order = np.lexsort((-values.imag, -np.round(np.abs(values), 6)))
    values, vectors = values[order], vectors[:, order]
    images = [apply(u.real) + 1j * apply(u.imag) for u in vectors.T]
    return values, np.array([np.linalg.norm(a - x * u) for a, x, u in zip(images, values, vectors.T, strict=True)])


def gauge(point: Point) -> tuple[float, float]:
    """The largest modulus of an eigenvalue of the field's Jacobian at one point, and its residual."""
    values, residuals = spectrum(point, 2)
    return float(abs(values[0])), float(residuals[0])


def field_sharpness(trace: Trace, k: int = 3, every: int | None = None) -> Table:
    """The leading eigenvalues of the field's Jacobian along a run of a game.

    Args:
        trace: a single run.
        k: how many modes; a complex pair is one mode.
        every: steps between two looks; None for about sixty looks.

    Returns:
        Table over `record` (and `rank`): step, eigenvalue (complex, largest modulus first), residual, gauge
        (the largest modulus), gauge_residual, limit.

    Raises:
        AtlasError: the run is of no game.
    """
    if not hasattr(trace.problem, "field"):
        raise AtlasError(f"{trace.problem.slug} is no game, it has no field; use wl.measure.sharpness.")
    meter = FieldSharpness(k, every or max(1, trace.span // 60))
    for point in trace.points(meter.every):
        meter.observe(point)
    return meter.table(trace.attrs())
