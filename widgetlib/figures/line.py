"""The loss along a line: through a point, or between two of them, straight and on a curve."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures._plane_words import ground, ground_name
from widgetlib.figures.picture import (
    Picture,
    axis,
    finite,
    ink,
    label,
    layout,
    merit,
    need,
    number,
    plain,
    title,
    wants_log,
)
from widgetlib.figures.picture import line as stroke

DASH = {"straight": "solid", "curved": "dash"}


def line(table: Table) -> Picture:
    """Draws a height along a line through the last iterate, and the barrier between two points.

    Args:
        table: line table: `position` [position], `path` (straight, and curved) [path], the height that attrs
            `height` names [path, position]; between two points also `barrier` [path].

    Returns:
        The picture.

    Raises:
        AtlasError: a column is missing.
    """
    need(table, "line", "position", "path", ground(table))
    position, heights, shade = table["position"], finite(table[ground(table)]), ink(table)
    name = ground_name(table)
    symbol = table.column(ground(table)).symbol
    text = merit(table)[2] if ground(table) == "loss" else label(f"{name} <i>{plain(symbol)}</i>")
    log = wants_log(heights) and ground(table) != "accuracy"
    drawn = np.where(heights > 0, heights, np.nan) if log else heights
    data = [
        stroke(position, values, path, shade, line={"color": shade, "width": 2.25, "dash": DASH[path]})
        for path, values in zip(table["path"].tolist(), drawn, strict=True)
    ]
    here = np.abs(position).argmin()
    at = np.array([here, len(position) - 1] if "barrier" in table else [here])
    marker = {"size": 11, "color": shade, "symbol": ["diamond", "circle"][: len(at)]}
    dots = {"type": "scatter", "mode": "markers", "name": "points", "showlegend": False, "hoverinfo": "skip"}
    data.append(dots | {"x": position[at], "y": drawn[0, at], "marker": marker})
    page = layout(
        f"line {table.attrs.get('kind', '')}", table, showlegend=len(heights) > 1,
        xaxis=axis(label(table.attrs.get("x_label") or "position")), yaxis=axis(text, heights, log),
    )  # fmt: skip
    return Picture(data, page, _read(table, heights, name), [])


def _read(table: Table, heights: np.ndarray, name: str) -> str:
    """How high the barrier is, or how far the height rises; what was not measured is said so."""
    who, position, straight = title(table), table["position"], heights[0]
    if not np.isfinite(straight).any():
        return f"No {name} along this line is known."
    if "barrier" not in table:
        low, high, here = np.nanargmin(straight), np.nanargmax(straight), straight[np.abs(position).argmin()]
        along = table.attrs.get("x_label") or "direction"
        value = table.attrs.get("eigenvalue")
        along += "" if value is None else f" of eigenvalue {number(value)}"
        return (
            f"Along the {along} the {name} is {number(here)} at the last iterate of {who}, lowest with "
            f"{number(straight[low])} at {number(position[low])} and highest with {number(straight[high])} at "
            f"{number(position[high])}."
        )
    ends = f"{name} {number(straight[0])} at the last iterate of {who}, {number(straight[-1])} at"
    text = f"{ends[0].upper()}{ends[1:]} {table.attrs.get('to') or 'the other point'}; between them the straight line "
    barrier, length = finite(table["barrier"]), table["length"]
    text += "was not measured to its end" if np.isnan(barrier[0]) else f"has {_barrier(barrier[0], straight)}"
    if len(heights) > 1:
        text += ", and the curve "
        if np.isnan(barrier[1]):
            return text + "was not measured to its end."
        text += f"{_barrier(barrier[1], straight)}"
        text += f" at {number(length[1] / length[0])} times the length" if length[0] else ""
    return text + "."


def _barrier(size: float, heights: np.ndarray) -> str:
    """A barrier in words; what is a thousandth of the heights is none."""
    return f"a barrier of {number(size)}" if size > 1e-3 * np.nanmax(np.abs(heights)) else "no barrier"
