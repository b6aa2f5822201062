"""The orbit of a game: the size of its field on a plane, the field's direction, and the path."""

from __future__ import annotations

from typing import Any

import torch

from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure.plane import on_plane

ARROWS = 13  # along each side


def orbit(trace: Trace, size: int = 64, arrows: int = ARROWS, **options: Any) -> Table:
    """The size of the field on a plane with the path of a single run, and the field itself on a coarser grid.

    Args:
        trace: a single run of a game.
        size: grid points along each side.
        arrows: arrows along each side.
        options: as for `plane`: kind, points, seed, most, on_row.

    Returns:
        The table of `plane`, whose `loss` is ‖F‖, with the field's coordinates in the plane, `field_x` and
        `field_y` [arrow_row, arrow_column], at `arrow_x` [arrow_column] and `arrow_y` [arrow_row].

    Raises:
        AtlasError: the run is of no game, or `plane` has no plane for it.
    """
    if not hasattr(trace.problem, "field"):
        raise AtlasError(f"{trace.problem.slug} is no game, it has no field; use wl.measure.plane.")
    table, slice_ = on_plane(trace, size=size, **options)
    inset = 0.5 / arrows
    x, y = (
        torch.linspace(low + inset * (high - low), high - inset * (high - low), arrows, dtype=torch.float64)
        for low, high in ((float(table[a][0]), float(table[a][-1])) for a in "xy")
    )
    grid = slice_.at(x.to(slice_.origin), y.to(slice_.origin))
    field = trace.at(int(trace.steps[0])).oracle().uncounted().field(grid).detach()
    flat, _ = slice_.project(slice_.origin + field)  # its coordinates in the plane
    over = ("arrow_row", "arrow_column")
    columns = {name: (c.values, c.dims, c.symbol, c.unit) for name, c in table.columns.items()} | {
        "arrow_x": (x.numpy(), ("arrow_column",)),
        "arrow_y": (y.numpy(), ("arrow_row",)),
        "field_x": (flat[..., 0].numpy(force=True), over, "F₁"),
        "field_y": (flat[..., 1].numpy(force=True), over, "F₂"),
    }
    named = {"solution": "equilibrium"}
    if table.attrs["kind"] == "coordinates":
        named |= dict(zip(("x_label", "y_label"), trace.problem.layout.parts, strict=False))
    return Table(columns, table.attrs | named)
