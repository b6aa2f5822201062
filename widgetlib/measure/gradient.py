"""Loss, gradient norm and step length along a run."""

from __future__ import annotations

import torch

from widgetlib.core.algebra import norm
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace


def gradient(trace: Trace, most: int = 400) -> Table:
    """Full-batch loss, gradient norm and step length at (at most about `most`) checkpoints of a single run.

    Returns:
        Table over `record`: step, loss, gradient_norm, step_length (‖w_{k+1} - w_k‖, NaN where the next
        iterate was not kept).
    """
    stride = max(1, len(trace.kept) // most)
    rows = list(range(0, len(trace.kept), stride))
    w = trace.w[rows]
    oracle = trace.at(int(trace.steps[0])).oracle().uncounted()
    small = w.shape[-1] <= 64
    batches = [w] if small else list(w)  # all points as one batch, or one after the other to spare memory
    slopes = torch.cat([norm(oracle.grad(x)).reshape(-1) for x in batches])
    ahead = [min(i + 1, len(trace.kept) - 1) for i in rows]
    length = norm(trace.w[ahead] - w).squeeze(-1)
    length[torch.as_tensor(trace.kept[ahead] - trace.kept[rows] != 1)] = torch.nan
    steps = trace.kept[rows]
    loss = trace.merit[torch.as_tensor(trace.steps.searchsorted(steps))]
    merit = trace.problem.oracle.merit
    dims = ("record",)
    return Table(
        {
            "step": (steps, dims, "k"),
            "loss": (loss.numpy(force=True), dims, merit.symbol),
            "gradient_norm": (slopes.numpy(force=True), dims, "‖∇L‖"),
            "step_length": (length.numpy(force=True), dims, "‖Δw‖"),
        },
        trace.attrs(),
    )
