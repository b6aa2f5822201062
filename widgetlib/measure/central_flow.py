"""The central flow and the gradient flow beside a run of gradient descent."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch

from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._flows import CentralFlow, GradientFlow, Look


def central_flow(
    trace: Trace, gradient: bool = True, on_step: Callable[[Callable[[], Table], int], bool] | None = None
) -> Table:
    r"""Follows a run of gradient descent with its central flow, and with the gradient flow where asked.

    At the edge of stability the run oscillates, and its time average obeys the central flow (Cohen, Damian et al.
    2025); the loss that the run shows on average is $L(w) + \operatorname{tr}(\Sigma)/\eta$ with the covariance
    $\Sigma$ of the oscillation. That is a mean over the self-stabilising cycle: where the cycle is longer than the
    window of a smoothed loss, the loss of one run is not yet that mean. Below the edge both flows are the same.

    Args:
        trace: a single run of a method whose time average is the central flow.
        gradient: whether the gradient flow is followed too; it costs several times as much.
        on_step: called with a function that makes the table so far, and the step; returning True ends the measure,
            and what there is comes back.

    Returns:
        Table over `record` (and `rank`): step; loss (of the run), flow_loss, predicted_loss; eigenvalue (those of the
        flow that reach 0.96 of the limit, and one more), limit, variance (of the oscillation along each of them),
        distance (from the run, in weight space); gradient_loss and gradient_distance (NaN where not asked).

    Raises:
        AtlasError: a sweep, a run with mini-batches, or a method of which no central flow is known.
    """
    method = trace.method
    if trace.dims:
        raise AtlasError("the central flow follows one run; pick a member of the sweep and run it alone.")
    if not method.central:
        raise AtlasError(f"no central flow of {method.slug} is known here; there is one of plain gradient descent.")
    if trace.batch is not None:
        raise AtlasError(f"the central flow is that of the full batch, and this run drew {trace.batch} samples a step.")
    points = trace.points()
    start = next(points)
    oracle = start.oracle().uncounted()
    limit = float(torch.as_tensor(method.stability_limit(oracle, start.w, start.state)))
    central = CentralFlow(oracle, start.w, 2 / limit)
    descent = GradientFlow(oracle, start.w, 2 / limit) if gradient else None
    looks: list[Look] = []
    rows: list[tuple[float, ...]] = []

    def table() -> Table:
        return _table(trace, limit, looks, rows)

    with torch.no_grad():
        for point in itertools.chain([start], points):
            looks.append(central.look())
            rows.append((
                point.k, float(oracle.merit_at(point.w)), float((central.w - point.w).norm()),
                float(oracle.merit_at(descent.w)) if descent else np.nan,
                float((descent.w - point.w).norm()) if descent else np.nan,
            ))  # fmt: skip
            if not np.isfinite(looks[-1].loss) or (on_step and on_step(table, point.k)):
                break
            central.step()
            if descent:
                descent.step()
    return table()


def _table(trace: Trace, limit: float, looks: list[Look], rows: list[tuple[float, ...]]) -> Table:
    """The looks so far."""
    width = max(len(look.eigenvalues) for look in looks)
    eigenvalues, variances = np.full((2, len(looks), width), np.nan)
    for i, look in enumerate(looks):
        eigenvalues[i, : len(look.eigenvalues)] = look.eigenvalues
        variances[i, : len(look.covariance)] = look.covariance.diagonal()
    step, loss, distance, gradient_loss, gradient_distance = (np.array(column) for column in zip(*rows, strict=True))
    record, rank = ("record",), ("record", "rank")
    symbol = trace.problem.oracle.merit.symbol
    return Table(
        {
            "step": (step.astype(int), record, "k"),
            "loss": (loss, record, symbol),
            "flow_loss": (np.array([look.loss for look in looks]), record, symbol),
            "predicted_loss": (np.array([look.predicted for look in looks]), record, symbol),
            "eigenvalue": (eigenvalues, rank, "λ"),
            "limit": (np.full(len(looks), limit), record, "limit"),
            "variance": (variances, rank, "σ²"),
            "distance": (distance, record, "‖w − w_run‖"),
            "gradient_loss": (gradient_loss, record, symbol),
            "gradient_distance": (gradient_distance, record, "‖w − w_run‖"),
        },
        trace.attrs(),
    )
