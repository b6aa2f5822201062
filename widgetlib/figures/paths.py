"""The paths of several methods over one landscape, cut at equal cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures._plane_words import trusted
from widgetlib.figures.landscape import landscape
from widgetlib.figures.picture import Picture, finite, need, number, percent
from widgetlib.figures.rivals import Clock, clock, marks, within
from widgetlib.figures.theme import NEUTRAL


def paths(plane: Table, contest: Table, cost: str = "gradients") -> Picture:
    """Draws the loss on a plane with the path of each side up to the common budget, one marker each.

    Args:
        plane: shared_plane table: `x` [column], `y` [row], `loss` [row, column]; `path_step`, `path_x`, `path_y`,
            `path_loss`, `off_plane` [iterate, side].
        contest: contest table of the same runs.
        cost: the axis of cost: steps, gradients, values, products or seconds.

    Returns:
        The picture. Its cursors move by the ticks of `rivals.clock`, those of `progress`: at equal cost.

    Raises:
        AtlasError: a column is missing, there is no such axis, or the tables have different sides.
    """
    need(plane, "paths", "side", "path_step", "path_x", "path_y", "path_loss", "off_plane")
    if plane["side"].tolist() != contest["side"].tolist():
        raise AtlasError("plane and contest have different sides; measure both from the same runs.")
    at, look = clock(contest, cost), marks(contest["side"].tolist())
    halos, lines, dots, cursors = [], [], [], []
    views = {side: _view(plane, contest, at, side) for side in at.sides}
    for side, view in views.items():
        mark = look[contest["side"][side]]
        picture = landscape(view)
        drawn = {trace["name"]: trace for trace in picture.data}
        halos.append(drawn["halo"])
        style = {"color": mark.colour, "width": 2.25, "dash": mark.dash}
        lines.append(drawn["path"] | {"line": style, "name": str(contest["title"][side])})
        for cursor in picture.cursors:
            dot = picture.data[cursor["trace"]]
            dots.append(dot | {"marker": dot["marker"] | {"symbol": mark.symbol, "size": 14}})
            paid = contest[cost][cursor["step"], side]
            cursors.append(cursor | {"step": at.ticks(paid), "trace": len(dots) - 1})
    base = landscape(next(iter(views.values())) if views else _bare(plane))
    ground = [t for t in base.data if t["type"] == "contour"]
    known = [_neutral(t) for t in base.data if t["name"] in ("start", "minimum")]
    data = [*ground, *halos, *lines, *known, *dots]
    first = len(data) - len(dots)
    cursors = [cursor | {"trace": cursor["trace"] + first} for cursor in cursors]
    return Picture(data, base.layout, _read(plane, views, contest, at), cursors)


def _view(plane: Table, contest: Table, at: Clock, side: int) -> Table:
    """The plane with the path of one side alone, up to the budget."""
    steps = plane["path_step"][:, side]
    paid = within(contest, at, side)[np.maximum(steps, 0)] & (steps >= 0)
    columns: dict[str, Any] = {name: plane.column(name) for name in ("x", "y", "loss")}
    for name in ("path_step", "path_x", "path_y", "path_loss", "off_plane"):
        columns[name] = (plane[name][paid, side], ("iterate",))
    who = {"method": str(contest["side"][side]), "method_title": str(contest["title"][side])}
    return Table(columns, plane.attrs | who)


def _bare(plane: Table) -> Table:
    """The plane without a path."""
    columns: dict[str, Any] = {name: plane.column(name) for name in ("x", "y", "loss")}
    for name in ("path_step", "path_x", "path_y", "path_loss", "off_plane"):
        columns[name] = (plane[name][:0, 0], ("iterate",))
    return Table(columns, plane.attrs)


def _neutral(trace: dict[str, Any]) -> dict[str, Any]:
    """The common start belongs to no method."""
    if trace["name"] == "start":
        return trace | {"marker": trace["marker"] | {"color": NEUTRAL}}
    return trace


def _read(plane: Table, views: dict[int, Table], contest: Table, at: Clock) -> str:
    """Who ends nearest to a known minimum; what the projection hides."""
    if not views:
        return "No path is drawn: none of these methods spends anything on this axis."
    minima = np.array(plane.attrs.get("minima") or np.empty((0, 2)), dtype=float)
    many = f"{len(views)} paths" if len(views) > 1 else "one path"
    text = f"From the same start {many} up to {at.spent(at.budget)}"
    if len(minima) and plane.attrs.get("dimension", 2) == 2:
        gaps = {side: _gap(view, minima) for side, view in views.items()}
        near = min(gaps, key=lambda side: gaps[side])
        if np.isfinite(gaps[near]):
            who = contest["title"][near]
            text += f": {who} ends nearest to a known minimum, {number(gaps[near])} away"
        return text + "."
    off = finite(np.concatenate([view["off_plane"] for view in views.values()]))
    reach = [_extent(view) for view in views.values()]
    if np.isfinite(off).any() and max(reach) > 0 and np.nanmax(off) > 1e-9 * max(reach):
        text += f", projected from {plane.attrs['dimension']} dimensions on a plane through the start: iterates lie"
        text += f" up to {number(np.nanmax(off))} off it, {percent(np.nanmax(off) / max(reach))} of the extent of the"
        text += " paths"
        explained = plane.attrs.get("variance_explained")
        text += f"; it holds {percent(explained)} of their variance" if explained else ""
        text += "" if trusted(plane) else ", too little to trust their shapes or the ground under them"
    return text + "."


def _gap(view: Table, minima: np.ndarray) -> float:
    """Distance of the last iterate from the nearest minimum; infinite where it is no number."""
    if not len(view["path_x"]):
        return np.inf
    gaps = np.hypot(minima[:, 0] - view["path_x"][-1], minima[:, 1] - view["path_y"][-1])
    return float(np.nan_to_num(gaps, nan=np.inf).min())


def _extent(view: Table) -> float:
    """The largest distance of an iterate from the start, off the plane included."""
    x, y, off = (finite(view[name]) for name in ("path_x", "path_y", "off_plane"))
    moved = np.sqrt((x - x[:1]) ** 2 + (y - y[:1]) ** 2 + (off - off[:1]) ** 2)
    return float(np.nanmax(moved)) if np.isfinite(moved).any() else 0.0
