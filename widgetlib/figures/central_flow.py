"""A run at its edge beside its central flow and the gradient flow: loss, curvature, and distance from the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    finite,
    follow,
    ink,
    label,
    layout,
    line,
    merit,
    need,
    number,
    single,
    steps,
    title,
    wants_log,
)
from widgetlib.figures.theme import NEUTRAL, PALETTE, fade

CENTRAL, GRADIENT = PALETTE[5], NEUTRAL
WINDOW = 101


def central_flow(flow: Table, window: int = WINDOW) -> Picture:
    """Draws the loss of the run, raw and smoothed, against the predicted one; eigenvalues; and distances.

    Args:
        flow: central flow table: `step`, `loss`, `flow_loss`, `predicted_loss`, `limit`, `distance`, `gradient_loss`,
            `gradient_distance` [record], `eigenvalue` [record, rank].
        window: steps over which the loss of the run is averaged; odd.

    Returns:
        The picture, with a cursor on the predicted loss, the leading eigenvalue and the distance.

    Raises:
        AtlasError: a column is missing.
    """
    need(flow, "central_flow", "step", "loss", "flow_loss", "predicted_loss", "limit", "distance", "eigenvalue",
         "gradient_loss", "gradient_distance")  # fmt: skip
    single(flow, "central_flow", "loss")
    step, (loss, name, text) = flow["step"], merit(flow)
    loss, shade = finite(loss), ink(flow)
    if not len(step):
        return Picture([], layout("central_flow", flow, xaxis=steps()), "Nothing is recorded yet.", [])
    smooth = smoothed(loss, window)
    curves = {
        "gradient flow": flow["gradient_loss"],
        "flow alone": flow["flow_loss"],
        "predicted": flow["predicted_loss"],
    }
    log = wants_log(loss, *curves.values())

    def drawn(values: np.ndarray) -> np.ndarray:
        values = finite(values)
        return np.where(values > 0, values, np.nan) if log else values

    data: list[dict[str, Any]] = [
        line(step, drawn(loss), "run", fade(shade, 0.6), line={"color": fade(shade, 0.6), "width": 1}),
        line(step, drawn(smooth), f"run, mean of {window}", shade, line={"color": shade, "width": 3}),
    ]
    looks = {"gradient flow": (GRADIENT, "dash"), "flow alone": (CENTRAL, "dot"), "predicted": (CENTRAL, "solid")}
    for curve, values in curves.items():
        if np.isfinite(values).any():
            tone, dash = looks[curve]
            data.append(line(step, drawn(values), curve, tone, line={"color": tone, "width": 2, "dash": dash}))
    cursors = follow(data, step, step, drawn(curves["predicted"]), CENTRAL)
    page = layout("central_flow", flow, xaxis=steps(anchor="y3"), yaxis=axis(text, drawn(loss), log, domain=[0.56, 1]))
    _curvature(flow, step, data, page, cursors)
    _distances(flow, step, data, page, cursors)
    return Picture(data, page, _read(flow, step, smooth, name, window), cursors)


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The mean over `window` entries around each one; NaN where the window does not fit."""
    out = np.full(len(values), np.nan)
    if window <= len(values):
        half = window // 2
        out[half : len(values) - (window - 1 - half)] = np.convolve(values, np.full(window, 1 / window), "valid")
    return out


def _curvature(flow: Table, step: np.ndarray, data: list, page: dict, cursors: list) -> None:
    """The middle panel: eigenvalues along the central flow under the limit."""
    values, limit = finite(flow["eigenvalue"]), flow["limit"]
    page["yaxis2"] = axis("λ (1/lr)", domain=[0.27, 0.5], ticks=4)
    dashed = {"line": {"color": NEUTRAL, "width": 2, "dash": "dash"}}
    data.append(line(step, limit, "limit", NEUTRAL, yaxis="y2", **dashed))
    for rank, column in enumerate(values.T):
        look = {"line": {"color": CENTRAL if rank == 0 else fade(CENTRAL, 0.45), "width": 2 if rank == 0 else 1}}
        data.append(line(step, column, f"λ{rank + 1}", CENTRAL, yaxis="y2", showlegend=False, **look))
    cursors += follow(data, step, step, values[:, 0], CENTRAL, yaxis="y2")


def _distances(flow: Table, step: np.ndarray, data: list, page: dict, cursors: list) -> None:
    """The lower panel: how far the flows stand from the run in weight space."""
    distances = {"distance": (CENTRAL, "solid"), "gradient_distance": (GRADIENT, "dash")}
    page["yaxis3"] = axis(label("distance"), domain=[0, 0.21], ticks=4)
    for column, (tone, dash) in distances.items():
        values = finite(flow[column])
        if np.isfinite(values).any():
            look = {"line": {"color": tone, "width": 2, "dash": dash}, "showlegend": False}
            data.append(line(step, values, column.replace("_", " "), tone, yaxis="y3", **look))
            if column == "distance":
                cursors += follow(data, step, step, values, tone, yaxis="y3")


def _read(flow: Table, step: np.ndarray, smooth: np.ndarray, name: str, window: int) -> str:
    """How well the flow foretells the run, and how far it has come."""
    limit, leading = flow["limit"], flow["eigenvalue"][:, 0]
    crossed = np.flatnonzero(leading >= 0.99 * limit)
    if not len(crossed):
        share = float(np.nanmax(leading / limit))
        return (
            f"Along the flow the sharpness reaches {number(share)} of the limit of {title(flow)}: "
            "below the edge the central flow is the gradient flow."
        )
    known = np.isfinite(smooth) & (smooth > 0)
    known[: crossed[0]] = False
    said = f"The central flow of {title(flow)} meets the edge at step {int(step[crossed[0]])}"
    if known.any():
        error = float(np.median(np.abs(flow["predicted_loss"][known] / smooth[known] - 1)))
        said += (
            f"; from there its predicted {name} is within {number(100 * error)} % of the run's mean of {window} steps"
        )
        if error > 0.05:
            said += " (where the cycle at the edge is longer than that, one run's average is not yet the mean)"
    near, far = flow["distance"][-1], flow["gradient_distance"][-1]
    if np.isfinite(far) and near > 0:
        said += f". At the end it is {number(far / near)} times closer to the run than the gradient flow"
    return said + "."
