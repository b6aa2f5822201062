"""Measuring: sharpness along a run, and the meter, on the digits net."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse import linalg as sparse
from torch import Tensor

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.core.trace import Point, Trace
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import Sharpness
from widgetlib.measure.update_map import linearised, spectrum

DIGITS = catalog.problem("digits_mlp")
TOL = 1e-3


def rows() -> Iterator[Row]:
    """The races of this module."""
    trace = run(catalog.method("gd", lr=0.4), DIGITS, 700)
    yield tracking(trace)
    yield meter(run(catalog.method("adam", lr=3e-3), DIGITS, 500).at(500))


def tracking(trace: Trace) -> Row:
    """The top eigenvalue every ten steps at the edge, both sides to the same residual."""
    points = list(trace.points(10, first=400))
    products: dict[str, int] = {}

    def ours() -> None:
        look = Sharpness(k=1, tol=TOL)
        for point in points:
            look.observe(point)
        products["ours"] = sum(row["products"] for row in look.rows)

    def power() -> None:
        products["theirs"] = 0
        v = torch.randn(DIGITS.layout.size, generator=torch.Generator().manual_seed(0))
        for point in points:
            v = power_iteration(point, v / v.norm())
            products["theirs"] += power_iteration.products

    times = race(ours, power, 3)
    looks = len(points)
    what = f"sharpness at {looks} points of gd at its edge to {TOL:g}, {products['ours'] / looks:.1f} products each"
    return Row(what, times[0], f"warm power iteration, {products['theirs'] / looks:.1f} products each", times[1])


def power_iteration(point: Point, v: Tensor, most: int = 500) -> Tensor:
    """The textbook method, started from the last vector."""
    product = point.oracle().uncounted().curvature(point.w)
    for i in range(most):
        image = product(v)
        value = image @ v
        power_iteration.products = i + 1
        if (image - value * v).norm() <= TOL * value.abs():
            return image
        v = image / image.norm()
    return v


def meter(point: Point) -> Row:
    """The six modes farthest from +1 of Adam's map on weights and state."""

    def rebuilt() -> None:
        n = linearised(point, False)[0]
        operator = sparse.LinearOperator((n, n), matvec=lambda v: v - linearised(point, False)[1](v), dtype=np.float64)
        sparse.eigs(operator, k=6, which="LM", v0=np.random.default_rng(0).standard_normal(n), tol=1e-4, maxiter=60)

    times = race(lambda: spectrum(point, False), rebuilt, 3)
    return Row(
        "the meter: six modes of adam on digits_mlp (10 398 unknowns)",
        times[0],
        "graph rebuilt for each product",
        times[1],
    )
