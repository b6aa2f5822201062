"""Batch sharpness: the curvature that the gradient of a mini-batch meets on its own loss."""

from __future__ import annotations

import torch
from torch import Tensor

from widgetlib.core.algebra import dot
from widgetlib.core.oracle import Cost
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError

BATCHES = 32  # mini-batches in one estimate


def batch_sharpness(trace: Trace, batches: int = BATCHES, every: int | None = None) -> Table:
    r"""Batch sharpness along a run, $E_B[g_B^\top H_B g_B / \lVert g_B \rVert^2]$, by Monte Carlo.

    Mini-batches of the run's own size are drawn anew at each look; the run's are not touched. Of the full batch
    there is but one, and the value is the curvature along its gradient. Andreyev and Beneventano (2024).

    Args:
        trace: a single run.
        batches: mini-batches in one estimate.
        every: steps between two looks; None for about sixty looks.

    Returns:
        Table over `record`: step, batch_sharpness, error (one standard error of the mean; 0 for the full batch).

    Raises:
        AtlasError: fewer than two mini-batches, or a sweep.
    """
    steps, values, errors = [], [], []
    for point in trace.points(every or max(1, trace.span // 60)):
        ratios = _ratios(point, batches)
        steps.append(point.k)
        values.append(float(ratios.mean()))
        errors.append(_error(ratios))
    record = ("record",)
    columns = {
        "step": (steps, record, "k"),
        "batch_sharpness": (values, record, "E[gᵀHg/‖g‖²]", "1/lr"),
        "error": (errors, record, "", "1/lr"),
    }
    return Table(columns, trace.attrs() | {"batch": trace.batch})


def gauge(point: Point) -> tuple[float, float] | None:
    """Batch sharpness and its standard error at one point; None for the full batch, whose gauge is the sharpness."""
    if point.batch is None:
        return None
    ratios = _ratios(point, BATCHES)
    return float(ratios.mean()), _error(ratios)


def _ratios(point: Point, batches: int) -> Tensor:
    """The curvature along the gradient of each mini-batch, `(batches,)`."""
    if point.w.ndim > 1:
        raise AtlasError("batch sharpness looks at one run; pick a member first: t.at(k).member(i).")
    if batches < 2:
        raise AtlasError(f"batches = {batches}: an error bar needs at least two mini-batches.")
    oracle, found = point.oracle(Cost()), []  # its counters are thrown away
    for _ in range(1 if point.batch is None else batches):
        oracle = oracle.fresh()
        g = oracle.grad(point.w)
        found.append(dot(g, oracle.hvp(point.w, g)) / dot(g, g))
    return torch.cat(found)


def _error(ratios: Tensor) -> float:
    return float(ratios.std() / len(ratios) ** 0.5) if len(ratios) > 1 else 0.0
