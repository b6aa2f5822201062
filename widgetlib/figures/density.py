"""The spectral density of the Hessian, at a few steps of a run."""

from __future__ import annotations

from typing import Any

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
    title,
)
from widgetlib.figures.theme import DASHES, NEUTRAL

SHOWN = 4
"""Records that are drawn at most: the last one in the method's colour, those before in neutral dashes."""
FLOOR = 0.2
"""The lowest density that is drawn, in heights of the peak that one eigenvalue makes."""
NEAR = 0.05
"""Eigenvalues of at most this share of the largest modulus count as near zero."""


def density(table: Table) -> Picture:
    """Draws the density against the eigenvalue, with a band of one standard error, and ticks where single ones stand.

    The scale of the density is logarithmic: a thousand eigenvalues in the bulk and one that stands alone are both
    seen.

    Args:
        table: density table: `step` and `width` [record]; `eigenvalue`, `density`, `error` [record, grid]; `node`,
            `weight`, `resolved` [record, node].

    Returns:
        The picture; its cursor marks the largest eigenvalue of each record.

    Raises:
        AtlasError: a column is missing.
    """
    names = ("step", "width", "eigenvalue", "density", "error", "node", "weight", "resolved", "largest", "smallest")
    need(table, "density", *names)
    step, grid, values = table["step"], finite(table["eigenvalue"]), finite(table["density"])
    what = "λ of <i>P</i><sup>−1</sup><i>H</i>" if table.attrs.get("preconditioned") else "Hessian λ"
    unit, per = (table.column(name).unit or "1" for name in ("eigenvalue", "density"))
    page = layout("density", table, xaxis=axis(label(what, unit)), yaxis=axis(label("density φ", per)), showlegend=True)
    if not values.size:
        return Picture([], page, "No spectral density is measured yet.", [])
    single = 1 / (table.attrs["unknowns"] * table["width"][:, None] * np.sqrt(2 * np.pi))
    floor = FLOOR * float(single.min())
    values, error = np.maximum(values, floor / 10), finite(table["error"])
    page["yaxis"] = axis(label("density φ", per), np.maximum(values, floor), log=True)
    page["yaxis"]["range"] = [float(np.log10(floor)), float(np.log10(values.max())) + 0.15]
    shade, data = ink(table), []
    shown = sorted({*np.linspace(0, len(step) - 1, min(SHOWN, len(step))).astype(int).tolist()})
    for i, look in zip(shown, [*DASHES[1 : len(shown)], DASHES[0]], strict=True):
        tone = shade if i == shown[-1] else NEUTRAL
        low = np.maximum(values[i] - error[i], floor / 10)
        data.append(band(grid[i], low, values[i] + error[i], tone, name="standard error"))
        data.append(line(grid[i], values[i], f"step {int(step[i])}", tone))
        data[-1]["line"] = {"color": tone, "width": 2, "dash": look}
    data += _ticks(table, floor, shade)
    top = finite(table["largest"])
    height = np.array([np.interp(x, g, v) for x, g, v in zip(top, grid, values, strict=True)])
    cursors = follow(data, step, top, height, shade)
    return Picture(data, page, _read(table), cursors)


def _ticks(table: Table, floor: float, shade: str) -> list[dict[str, Any]]:
    """A tick on the lower edge at each eigenvalue of the last record that is resolved."""
    single = finite(table["node"][-1])[table["resolved"][-1].astype(bool)]
    if not len(single):
        return []
    marker = {"symbol": "line-ns-open", "size": 9, "color": shade, "line": {"width": 1.5, "color": shade}}
    trace = {"type": "scatter", "mode": "markers", "marker": marker, "name": "resolved eigenvalues"}
    return [trace | {"x": single, "y": np.full(len(single), 1.3 * floor), "hoverinfo": "x"}]


def _read(table: Table) -> str:
    """Where the last record's spectrum lies, how much of it is near zero, how sure that is, and what has changed."""
    last = table.take(record=-1)
    who = "preconditioned Hessian" if table.attrs.get("preconditioned") else "Hessian"
    low, high = float(last["smallest"]), float(last["largest"])
    reach = NEAR * max(abs(low), abs(high))
    near = last["weight"][np.abs(last["node"]) <= reach].sum() * table.attrs["unknowns"]
    text = f"At step {int(last['step'])} of {title(table)} the eigenvalues of the {who} run from {number(low)} to "
    text += f"{number(high)}, and {near:.0f} of these {table.attrs['unknowns']} lie within {number(reach)} of zero"
    count = int(last["resolved"].sum())
    if count == table.attrs["unknowns"]:
        text += f"; all {count} are exact"
    else:
        unsure = float(np.trapezoid(last["error"], last["eigenvalue"]))
        text += f"; {count} of them are resolved one by one, and the standard error of the rest is {percent(unsure)}"
    if len(table["step"]) > 1 and table["largest"][0] > 0 and high > 0:
        text += f"; at step {int(table['step'][0])} the largest was {number(float(table['largest'][0]))}"
    return text + "."
