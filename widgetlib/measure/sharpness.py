"""Sharpness: leading Hessian eigenvalues, and the method's own gauge beside its own limit."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure.eigen import Eigenpairs, top_eigenpairs

DENSE = 40  # unknowns up to which the Hessian is diagonalised whole


class Sharpness:
    """Looks at a run every so many steps; each look starts from the eigenvectors of the last one.

    Args:
        k: how many Hessian eigenvalues; 0 leaves them out and measures the gauge alone.
        every: steps between two looks.
        tol: relative residual at which an eigenvalue counts as converged.
    """

    name = "sharpness"

    def __init__(self, k: int = 3, every: int = 50, tol: float = 1e-3):
        if k < 0 or every < 1:
            raise AtlasError(f"k = {k} and every = {every}: k must be 0 or more, every at least 1.")
        self.k, self.every, self.tol = k, every, tol
        self.rows: list[dict[str, Any]] = []
        self._warm: dict[str, Tensor] = {}
        self._random = torch.Generator().manual_seed(0)

    def observe(self, point: Point) -> None:
        """Measures at one point of a single run; a point that is not finite is passed over.

        Raises:
            AtlasError: the point is a whole sweep, or k exceeds the number of unknowns.
        """
        w = point.w
        if w.ndim > 1:
            raise AtlasError("sharpness looks at one run; pick a member first: t.at(k).member(i).")
        if self.k > w.shape[-1]:
            raise AtlasError(f"k = {self.k} eigenvalues were asked of {w.shape[-1]} unknowns; choose fewer.")
        if not torch.isfinite(w).all() or not point.method:
            return
        oracle = point.oracle().uncounted()
        product = oracle.curvature(w)
        with torch.no_grad():
            after = point.method.step(oracle.uncounted(), w, point.state)[1]
            limit = point.method.stability_limit(oracle, w, after)
            p = point.method.preconditioner(oracle, w, after)
        other = _other_gauge(point)
        pairs = self._pairs("hessian", product, w, max(self.k, 0 if p or other else 1))
        products = pairs.products
        if other:
            gauge, residual = other
        else:
            own = pairs if p is None else self._pairs("own", lambda v: p.inv_sqrt(product(p.inv_sqrt(v))), w, 1)
            gauge, residual = float(own.values[0]), float(own.residuals[0])
            products += 0 if p is None else own.products
        self.rows.append({
            "step": point.k, "eigenvalue": pairs.values[: self.k].cpu(), "residual": pairs.residuals[: self.k].cpu(),
            "gauge": gauge, "gauge_residual": residual, "limit": float("nan") if limit is None else float(limit),
            "products": products, "preconditioned": p is not None and not other,
            "name": point.method.gauge if other else "sharpness",
        })  # fmt: skip

    def table(self, attrs: dict[str, Any]) -> Table:
        """The looks so far, as the figures take them."""
        rows = self.rows
        record, rank = ("record",), ("record", "rank")
        preconditioned = bool(rows and rows[0]["preconditioned"])
        name = rows[0]["name"] if rows else "sharpness"
        symbol = name.replace("_", " ") if name != "sharpness" else "λ₁(P⁻¹H)" if preconditioned else "λ₁"

        def column(name: str) -> list[float]:
            return [row[name] for row in rows]

        def matrix(name: str) -> Any:
            return torch.stack(column(name)).numpy() if rows else torch.empty(0, self.k).numpy()

        return Table(
            {
                "step": (torch.tensor(column("step"), dtype=torch.long).numpy(), record, "k"),
                "eigenvalue": (matrix("eigenvalue"), rank, "λ"),
                "residual": (matrix("residual"), rank, "‖Hu − λu‖"),
                "gauge": (column("gauge"), record, symbol),
                "gauge_residual": (column("gauge_residual"), record),
                "limit": (column("limit"), record, "limit"),
                "products": (column("products"), record, "", "Hessian products"),
            },
            attrs | {"gauge": name, "preconditioned": preconditioned},
        )

    def _pairs(self, name: str, product: Callable[[Tensor], Tensor], w: Tensor, k: int) -> Eigenpairs:
        d = w.shape[-1]
        if d <= DENSE:
            eye = torch.eye(d, dtype=w.dtype, device=w.device)
            values, vectors = torch.linalg.eigh(torch.stack([product(row) for row in eye]))
            return Eigenpairs(values.flip(0)[:k], vectors.mT.flip(0), torch.zeros(k, dtype=w.dtype), d)
        if not k:
            empty = w.new_zeros(0)
            return Eigenpairs(empty, empty, empty, 0)
        guards = 1 if k == 1 else 2
        warm = self._warm.get(name, w.new_zeros(0, d))
        fresh = torch.randn(max(1, k + guards - len(warm)), d, generator=self._random, dtype=w.dtype).to(w.device)
        pairs = top_eigenpairs(product, torch.cat([warm, fresh])[: k + guards + 1], k, self.tol)
        self._warm[name] = pairs.vectors
        return pairs


def _other_gauge(point: Point) -> tuple[float, float] | None:
    """Value and error of a gauge other than sharpness: `gauge(point)` of the measure that the method names."""
    if point.method.gauge == "sharpness":
        return None
    return importlib.import_module(f"widgetlib.measure.{point.method.gauge}").gauge(point)


def sharpness(trace: Trace, k: int = 3, every: int | None = None, tol: float = 1e-3) -> Table:
    """Leading Hessian eigenvalues and the method's own gauge along a run.

    Args:
        trace: a single run.
        k: how many Hessian eigenvalues.
        every: steps between two looks; None for about sixty looks.
        tol: relative residual at which an eigenvalue counts as converged.

    Returns:
        Table over `record` (and `rank`): step, eigenvalue, residual, gauge (the largest eigenvalue of
        P⁻¹H with the method's preconditioner P, of H without one; or what the measure named by the method's
        `gauge` says), gauge_residual (or the gauge's standard error), limit, products (of the eigensolver).
    """
    measure = Sharpness(k, every or max(1, len(trace) // 60), tol)
    for point in trace.points(measure.every):
        measure.observe(point)
    return measure.table(trace.attrs())
