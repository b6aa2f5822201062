"""The merit of several sides after the same cost, seeds as bands."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import Picture, axis, band, layout, line, need, number, wants_log
from widgetlib.figures.theme import colour, dash


def race(table: Table) -> Picture:
    """Draws the median merit of each side against what it spent, with the range of its seeds.

    Args:
        table: `side`, `spent` over point, `merit` over (side, point, seed), `final` over (side, seed); attrs
            problem, axis.

    Returns:
        The picture; its reading names the side that ends lowest.

    Raises:
        AtlasError: a column is missing.
    """
    need(table, "race", "side", "spent", "merit", "final")
    spent, data = table["spent"], []
    for side, merit in zip(table["side"], table["merit"], strict=True):
        shade = colour(str(side))
        with np.errstate(all="ignore"):
            low, middle, high = np.nanmin(merit, 1), np.nanmedian(merit, 1), np.nanmax(merit, 1)
        data.append(band(spent, low, high, shade))
        data.append(line(spent, middle, str(side), shade, line={"color": shade, "width": 2, "dash": dash(str(side))}))
    values = table["merit"]
    page = layout(
        "race", table, xaxis=axis(f"{table.attrs['axis']} spent"), yaxis=axis("merit", values, log=wants_log(values))
    )
    with np.errstate(all="ignore"):
        medians = np.nan_to_num(np.nanmedian(table["final"], axis=1), nan=np.inf)
    order = np.argsort(medians)
    names = [str(s) for s in table["side"]]
    words = ", then ".join(f"{names[i]} at {number(medians[i])}" for i in order)
    reading = f"After {table.attrs['budget']} {table.attrs['axis']} on {table.attrs['problem']}: {words}."
    return Picture(data, page, reading, [])
