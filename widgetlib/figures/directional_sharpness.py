"""The curvature that the steps of a run meet, beside the largest one."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    band,
    finite,
    follow,
    ink,
    label,
    layout,
    line,
    need,
    number,
    percent,
    steps,
    title,
)
from widgetlib.figures.theme import NEUTRAL


def directional_sharpness(table: Table) -> Picture:
    """Draws the curvature along the step and along the gradient against the step, under the largest eigenvalue.

    Args:
        table: directional_sharpness table: `step`, `along_step`, `along_gradient`, `sharpness`, `residual` [record].

    Returns:
        The picture, with a cursor on the curvature along the step.

    Raises:
        AtlasError: a column is missing.
    """
    need(table, "directional_sharpness", "step", "along_step", "along_gradient", "sharpness", "residual")
    step, shade = table["step"], ink(table)
    own, slope, top = (finite(table[name]) for name in ("along_step", "along_gradient", "sharpness"))
    text = label("curvature", table.column("along_step").unit or "1/lr")
    page = layout("directional_sharpness", table, xaxis=steps(), yaxis=axis(text), showlegend=True)
    if not len(step):
        return Picture([], page, "No curvature is measured yet.", [])
    error = finite(table["residual"])
    data = [band(finite(step), top - error, top + error, NEUTRAL)]
    for values, name, tone, dash in (
        (top, "largest eigenvalue", NEUTRAL, "dash"),
        (slope, "along the gradient", NEUTRAL, "dot"),
        (own, "along the step", shade, "solid"),
    ):
        data.append(line(step, values, name, tone))
        data[-1]["line"] = {"color": tone, "width": 2, "dash": dash}
    return Picture(data, page, _read(table, step, own, slope, top), follow(data, step, finite(step), own, shade))


def _read(table: Table, step: np.ndarray, own: np.ndarray, slope: np.ndarray, top: np.ndarray) -> str:
    """How the curvature along the last step compares with the largest one and with that along the gradient."""
    known = np.flatnonzero(np.isfinite(own) & np.isfinite(top))
    if not len(known):
        return f"{title(table)} takes no step whose curvature could be measured."
    last = known[-1]
    text = f"At step {int(step[last])} {title(table)} moves along a curvature of {number(own[last])}"
    if top[last] > 0:
        text += f", {percent(own[last] / top[last])} of the largest" if own[last] >= 0 else ", downward"
    return text + (f"; along the gradient it is {number(slope[last])}." if np.isfinite(slope[last]) else ".")
