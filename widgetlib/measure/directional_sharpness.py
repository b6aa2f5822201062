"""Directional sharpness: the curvature along the step that a method takes, beside the largest there is."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from widgetlib.core.algebra import dot
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.measure._lanczos import leading
from widgetlib.measure._products import hessian_rows, looks, minimised


def directional_sharpness(
    trace: Trace, every: int | None = None, on_record: Callable[[int], bool] | None = None
) -> Table:
    r"""Curvature $d^\top H d / \lVert d\rVert^2$ along a run, of the step and of the gradient.

    What a step gains is decided by the curvature that it meets, not by the largest one: adaptive methods step along
    flatter directions than the gradient's. Pan and Li, Toward understanding why Adam converges faster than SGD for
    Transformers (2023).

    Args:
        trace: a single run.
        every: steps between two looks; None for about sixty looks.
        on_record: called with the number of records done; returning True ends the measure with what there is.

    Returns:
        Table over `record`: step, along_step (of the step that the run takes from there), along_gradient (of the
        full batch), both exact; NaN where there is no step; sharpness (the largest eigenvalue) and its residual.

    Raises:
        AtlasError: a sweep, another world, or an iterate that is not finite.
    """
    rows = []
    for point in looks(trace, every, 60):
        rows.append((point.k, *_look(point)))
        if on_record and on_record(len(rows)):
            break
    names, symbols = ("along_step", "along_gradient", "sharpness", "residual"), ("ΔᵀHΔ/‖Δ‖²", "gᵀHg/‖g‖²", "λ₁", "")
    steps, *columns = zip(*rows, strict=True)
    record = ("record",)
    table = {n: (c, record, s, "1/lr") for n, c, s in zip(names, columns, symbols, strict=True)}
    return Table({"step": (steps, record, "k"), **table}, trace.attrs() | {"batch": trace.batch})


def _look(point: Point) -> tuple[float, float, float, float]:
    oracle, w = minimised(point), point.w
    product = hessian_rows(point, 4)
    directions = torch.stack([point.step().w - w, oracle.grad(w)]).double()
    along = _curvature(directions, product(directions))
    top = leading(product, w, 1)
    return (*along, float(top.values[-1]), float(top.residuals[-1]))


def _curvature(d: Tensor, image: Tensor) -> list[float]:
    """The curvature along each row; NaN along 0."""
    return (dot(d, image) / dot(d, d)).squeeze(1).tolist()
