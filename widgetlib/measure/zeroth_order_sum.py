r"""The sum over all curvatures that decides the stability of two-point zeroth-order descent.

In mean square the step $w - \mathrm{lr}\, z z^\top H w$ is stable where
$\sum_i a_i / (2 (1 - a_i)) < 1$ with $a_i = \mathrm{lr}\,\lambda_i$ (and all $a_i < 1$).
"""

from __future__ import annotations

import torch
from torch import Tensor

from widgetlib.core.algebra import dot
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.measure.eigen import top_eigenpairs

DENSE = 120  # unknowns up to which the whole spectrum is taken
TOP, PROBES = 8, 24  # eigenvalues that are exact beyond that, and probes for the sum of the rest


def gauge(point: Point) -> tuple[float, float]:
    """The sum at one point of a single run, at the rate of its method, and its standard error.

    Exact for few unknowns. Beyond, the largest eigenvalues enter exactly and the rest, whose a is small, by
    a/2 + a²/2 from random probes of its trace and of the trace of its square (Hutchinson).

    Returns:
        The sum (inf where a mode has a ≥ 1: there it grows whatever the others do) and its error.
    """
    w, lr = point.w, float(point.method.lr)
    product = point.oracle().uncounted().curvature(w)
    if len(w) <= DENSE:
        values = torch.linalg.eigvalsh(torch.stack([product(row) for row in torch.eye(len(w)).to(w)]))
        return _sum(lr * values), 0.0
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(TOP + 2, len(w), generator=generator).to(w)
    pairs = top_eigenpairs(product, start, TOP)
    top = pairs.vectors[:TOP]
    z = torch.randint(0, 2, (PROBES, len(w)), generator=generator).to(w) * 2 - 1
    z = z - z @ top.mT @ top  # what is left of the space
    images = torch.stack([product(row) for row in z])
    images = images - images @ top.mT @ top
    rest = (lr * dot(z, images) + lr**2 * dot(images, images)).double() / 2
    error = float(rest.std()) / PROBES**0.5
    return _sum(lr * pairs.values) + float(rest.mean()), error


def _sum(a: Tensor) -> float:
    return float((a / (2 * (1 - a))).sum()) if (a < 1).all() else float("inf")


def zeroth_order_sum(trace: Trace, every: int | None = None) -> Table:
    """The sum along a run; its limit is 1.

    Args:
        trace: a single run of a method that has a rate `lr`.
        every: steps between two looks; None for about thirty looks.

    Returns:
        Table over `record`: step, gauge (the sum), gauge_residual (its standard error), limit.
    """
    points = [p for p in trace.points(every or max(1, trace.span // 30)) if torch.isfinite(p.w).all()]
    found = [gauge(point) for point in points]
    record = ("record",)
    return Table(
        {
            "step": ([point.k for point in points], record, "k"),
            "gauge": ([value for value, _ in found], record, "Σ a/(2(1−a))", "1"),
            "gauge_residual": ([error for _, error in found], record),
            "limit": ([1.0] * len(points), record, "limit"),
        },
        trace.attrs() | {"gauge": "zeroth_order_sum", "preconditioned": False},
    )
