"""One quantity against another, the seeds as a band."""

from __future__ import annotations

import warnings

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import Picture, axis, band, finite, ink, label, layout, line, need, number, wants_log


def curves(table: Table) -> Picture:
    """Draws the median over seeds of one column against another.

    Args:
        table: attrs `x` and `y` name the columns: x over one dimension, y over that dimension and `seed`.

    Returns:
        The picture; its reading says where the median is lowest.

    Raises:
        AtlasError: a column is missing.
    """
    name_x, name_y = table.attrs["x"], table.attrs["y"]
    need(table, "curves", name_x, name_y)
    x, y, shade = finite(table[name_x]), finite(table[name_y]), ink(table)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a rate at which no seed is finite leaves a gap
        low, middle, high = np.nanmin(y, 1), np.nanmedian(y, 1), np.nanmax(y, 1)
    data = [band(x, low, high, shade), line(x, middle, name_y, shade)]
    symbols = [table.column(n).symbol or n for n in (name_x, name_y)]
    units = [table.column(n).unit for n in (name_x, name_y)]
    page = layout(
        "curves", table,
        xaxis=axis(label(symbols[0], units[0]), x, log=wants_log(x)),
        yaxis=axis(label(symbols[1], units[1]), middle, log=wants_log(middle)),
    )  # fmt: skip
    if not np.isfinite(middle).any():
        return Picture(data, page, f"No {name_y} is finite.", [])
    best = int(np.nanargmin(middle))
    reading = f"The {name_y} is lowest, {number(middle[best])}, at {name_x} = {number(x[best])}."
    return Picture(data, page, reading, [])
