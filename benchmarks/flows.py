"""The central flow of a net at its edge, drawn while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.timing import Row
from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.figures.central_flow import smoothed
from widgetlib.measure.central_flow import central_flow


def rows() -> Iterator[Row]:
    """The one row of this module."""
    trace = run(catalog.method("gd", lr=0.4), catalog.problem("digits_mlp"), 1200)
    began = time.perf_counter()
    flow = central_flow(trace, gradient=False)
    spent = time.perf_counter() - began
    mean = smoothed(flow["loss"], 101)
    known = np.isfinite(mean)
    error = np.median(np.abs(flow["predicted_loss"][known] / mean[known] - 1))
    ahead = f"predicted loss within {100 * error:.1f} % of the mean of 101 steps"
    yield Row(
        f"central flow of gd on digits_mlp, lr 0.4, 1200 steps: {ahead}",
        [spent],
        f"the run itself × {spent / trace.cost['seconds'][-1]:.0f}",
        target=45.0,
        number=10,
    )
