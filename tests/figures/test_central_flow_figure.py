"""The picture of a run beside its flows."""

from __future__ import annotations

import numpy as np
import pytest

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.central_flow import central_flow, smoothed


def table(n: int = 400, meets: int | None = 100, gradient: bool = True) -> Table:
    """A made-up flow that meets the edge, 5, at step `meets`, with a run that oscillates around 1.02 times its loss."""
    k = np.arange(n)
    flow = np.exp(-k / n)
    sharp = np.minimum(5.0, 1 + 4 * k / meets) if meets is not None else np.full(n, 3.0)
    record = ("record",)
    nothing = np.full(n, np.nan)
    return Table(
        {
            "step": (k, record), "loss": (1.02 * flow * (1 + 0.3 * (-1.0) ** k), record), "flow_loss": (flow, record),
            "predicted_loss": (flow, record), "eigenvalue": (np.stack([sharp, sharp / 2], 1), ("record", "rank")),
            "limit": (np.full(n, 5.0), record), "distance": (0.1 * k / n, record),
            "gradient_loss": (0.9 * flow if gradient else nothing, record),
            "gradient_distance": (1.2 * k / n if gradient else nothing, record),
        },
        {"method": "descent", "method_title": "Gradient descent"},
    )  # fmt: skip


def test_the_reading_has_the_crossing_the_error_and_the_distance():
    picture = central_flow(table())
    assert "meets the edge at step 99" in picture.reading
    assert "within 1.9" in picture.reading and "mean of 101 steps" in picture.reading
    assert "12 times closer" in picture.reading
    assert "longer than that" not in picture.reading
    assert len(picture.cursors) == 3
    assert {t.get("yaxis", "y") for t in picture.data} == {"y", "y2", "y3"}


def test_a_prediction_that_is_off_says_why_it_may_be():
    flow = table()
    worse = Table({n: (c.values * (1.5 if n == "loss" else 1), *c[1:]) for n, c in flow.columns.items()}, flow.attrs)
    assert "longer than that" in central_flow(worse).reading


def test_below_the_edge_it_says_so():
    picture = central_flow(table(meets=None))
    assert "0.6 of the limit" in picture.reading and "below the edge" in picture.reading


def test_without_the_gradient_flow_nothing_of_it_is_drawn():
    picture = central_flow(table(gradient=False))
    assert not [t for t in picture.data if "gradient" in t["name"]]
    assert "closer" not in picture.reading


def test_smoothing_is_a_centred_mean():
    values = np.arange(10.0) ** 2
    out = smoothed(values, 3)
    assert np.isnan(out[[0, -1]]).all()
    assert out[4] == pytest.approx((9 + 16 + 25) / 3)
    assert np.isnan(smoothed(values, 11)).all()


def test_a_table_of_something_else_is_refused():
    with pytest.raises(AtlasError, match="central_flow draws the column"):
        central_flow(Table({"step": (np.arange(3), ("record",))}))
