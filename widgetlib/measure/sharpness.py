"""Sharpness: leading Hessian eigenvalues, and the method's own gauge beside its own limit."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from widgetlib.core.oracle import Minimize
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure.eigen import Eigenpairs, Product, Tracker


class Sharpness:
    """Looks at a run every so many steps; each look starts from the eigenvectors of earlier ones.

    Args:
        k: how many of the largest Hessian eigenvalues; 0 leaves them out and measures the gauge alone.
        every: steps between two looks.
        tol: relative residual at which an eigenvalue counts as converged.
        lowest: how many of the smallest eigenvalues, of the Hessian and (one) of the method's own.
        gauss_newton: whether the k largest eigenvalues of the Gauss-Newton matrix are measured too.
    """

    name = "sharpness"

    def __init__(self, k: int = 3, every: int = 50, tol: float = 1e-3, lowest: int = 0, gauss_newton: bool = False):
        if min(k, lowest) < 0 or every < 1:
            raise AtlasError(
                f"k = {k}, lowest = {lowest} and every = {every}: k and lowest must be 0 or more, every at least 1."
            )
        if not tol > 0:
            raise AtlasError(f"tol = {tol}: a relative residual is above 0; 1e-3 is a good start.")
        self.k, self.every, self.tol, self.lowest, self.gauss_newton = k, every, tol, lowest, gauss_newton
        self.rows: list[dict[str, Any]] = []
        self._trackers: dict[str, Tracker] = {}

    def observe(self, point: Point) -> None:
        """Measures at one point of a single run; one whose numbers or curvature are not finite is passed over.

        Raises:
            AtlasError: the point is a whole sweep, has no Hessian or Gauss-Newton matrix, or fewer unknowns than
                eigenvalues are asked for.
        """
        w, oracle = point.w, point.oracle().uncounted()
        if w.ndim > 1:
            raise AtlasError("sharpness looks at one run; pick a member first: t.at(k).member(i).")
        if not isinstance(oracle, Minimize):
            raise AtlasError(f"{point.problem.slug} has no Hessian; measure its world's own: field_sharpness.")
        if max(self.k, self.lowest) > w.shape[-1]:
            wanted = max(self.k, self.lowest)
            raise AtlasError(f"k = {wanted} eigenvalues were asked of {w.shape[-1]} unknowns; choose fewer.")
        if torch.isfinite(w).all() and point.method:
            try:
                self.rows.append(self._row(point, oracle))
            except FloatingPointError:  # a product overflowed
                return

    def table(self, attrs: dict[str, Any]) -> Table:
        """The looks so far, as the figures take them."""
        record, rank, low = ("record",), ("record", "rank"), ("record", "depth")
        preconditioned = bool(self.rows and self.rows[0]["preconditioned"])
        name = self.rows[0]["name"] if self.rows else "sharpness"
        symbol = name.replace("_", " ") if name != "sharpness" else "λ₁(P⁻¹H)" if preconditioned else "λ₁"

        def column(name: str, width: int | None = None) -> np.ndarray:
            form = (len(self.rows),) if width is None else (len(self.rows), width)
            return np.array([row[name] for row in self.rows], dtype=float).reshape(form)

        columns = {
            "step": (column("step").astype(int), record, "k"),
            "eigenvalue": (column("eigenvalue", self.k), rank, "λ"),
            "residual": (column("residual", self.k), rank, "‖Hu − λu‖"),
            "gauge": (column("gauge"), record, symbol),
            "gauge_residual": (column("gauge_residual"), record),
            "limit": (column("limit"), record, "limit"),
            "products": (column("products").astype(int), record, "", "Hessian products"),
        }
        if self.lowest:
            columns |= {
                "lowest": (column("lowest", self.lowest), low, "λ"),
                "lowest_residual": (column("lowest_residual", self.lowest), low, "‖Hu − λu‖"),
                "gauge_lowest": (column("gauge_lowest"), record, symbol.replace("₁", "_min")),
                "gauge_lowest_residual": (column("gauge_lowest_residual"), record),
            }
        if self.gauss_newton:
            columns |= {
                "gauss_newton": (column("gauss_newton", self.k), rank, "λ(G)"),
                "gauss_newton_residual": (column("gauss_newton_residual", self.k), rank, "‖Gu − λu‖"),
            }
        return Table(columns, attrs | {"gauge": name, "preconditioned": preconditioned})

    def _row(self, point: Point, oracle: Minimize) -> dict[str, Any]:
        w, method = point.w, point.method
        hessian = oracle.curvature(w)
        with torch.no_grad():
            after = method.step(oracle.uncounted(), w, point.state)[1]
            limit = method.stability_limit(oracle, w, after)
            p = method.preconditioner(oracle, w, after)
        before, other = oracle.cost.products, _other_gauge(point)
        own = "own" if p is not None and not other else "hessian"
        maps: dict[str, Product] = {"hessian": hessian, "own": lambda v: p.inv_sqrt(hessian(p.inv_sqrt(v)))}

        def pairs(name: str, k: int, sign: int = 1) -> Eigenpairs:
            """The k largest eigenpairs, or with sign -1 the k smallest, of the map of that name."""
            tracker = self._trackers.setdefault(f"{name} {sign}", Tracker(k, self.tol))
            found = tracker.look(maps[name] if sign > 0 else lambda v: -maps[name](v), w, phase=point.k % 2)
            return found._replace(values=sign * found.values)

        top = pairs("hessian", max(self.k, int(own == "hessian" and not other)))
        gauge, error = other or [x[0] for x in (pairs("own", 1) if own == "own" else top)[::2]]
        row = {
            "step": point.k, "eigenvalue": top.values[: self.k], "residual": top.residuals[: self.k],
            "gauge": gauge, "gauge_residual": error, "limit": np.nan if limit is None else float(limit),
            "preconditioned": own == "own", "name": method.gauge if other else "sharpness",
        }  # fmt: skip
        if self.lowest:
            low = pairs("hessian", self.lowest, -1)
            own_low = pairs("own", 1, -1) if own == "own" else low
            row |= {"lowest": low.values, "lowest_residual": low.residuals}
            row |= {"gauge_lowest": own_low.values[0], "gauge_lowest_residual": own_low.residuals[0]}
        if self.gauss_newton:
            maps["gauss_newton"] = oracle.gauss_newton(w)
            fisher = pairs("gauss_newton", self.k)
            row |= {"gauss_newton": fisher.values, "gauss_newton_residual": fisher.residuals}
        return row | {"products": oracle.cost.products - before}


def _other_gauge(point: Point) -> tuple[float, float] | None:
    """Value and error of a gauge other than sharpness: `gauge(point)` of the measure that the method names."""
    if point.method.gauge == "sharpness":
        return None
    return importlib.import_module(f"widgetlib.measure.{point.method.gauge}").gauge(point)


def sharpness(
    trace: Trace,
    k: int = 3,
    every: int | None = None,
    tol: float = 1e-3,
    lowest: int = 0,
    gauss_newton: bool = False,
    on_record: Callable[[int], bool] | None = None,
) -> Table:
    """Leading Hessian eigenvalues and the method's own gauge along a run.

    Each value is within its residual of an eigenvalue; that it is the k-th one rests on the guard vectors.

    Args:
        trace: a single run.
        k: how many of the largest eigenvalues.
        every: steps between two looks; None for about sixty looks.
        tol: relative residual at which an eigenvalue counts as converged.
        lowest: how many of the smallest eigenvalues.
        gauss_newton: whether the k largest eigenvalues of the Gauss-Newton matrix are measured too.
        on_record: called with the number of looks done; returning True ends the measure with what there is.

    Returns:
        Table over `record` (and `rank`): step, eigenvalue, residual, gauge (the largest eigenvalue of
        P⁻¹H with the method's preconditioner P, of H without one; or what the measure named by the method's
        `gauge` says), gauge_residual (or the gauge's standard error), limit, products (of the eigensolver). With
        `lowest` over `depth` too: lowest (ascending), lowest_residual, and gauge_lowest, the smallest eigenvalue of
        P⁻¹H, with gauge_lowest_residual. With `gauss_newton`: gauss_newton, gauss_newton_residual.

    Raises:
        AtlasError: as `Sharpness.observe`, or the curvature is finite at no point.
    """
    measure = Sharpness(k, every or max(1, trace.span // 60), tol, lowest, gauss_newton)
    for point in trace.points(measure.every):
        measure.observe(point)
        if on_record and on_record(len(measure.rows)):
            break
    else:
        if not measure.rows:
            raise AtlasError(f"the curvature of {trace.problem.slug} is finite at no point of this run.")
    return measure.table(trace.attrs())
