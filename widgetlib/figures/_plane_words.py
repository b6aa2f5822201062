"""What a plane shows, in a sentence: where the path goes, what its projection hides, what the ground is."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import diverged, finite, lasting, number, percent, title

TRUSTED = 0.5
"""A plane that holds less of the variance of the path than this says little about it."""


def read(plane: Table) -> str:
    """Where the path goes, how far it gets, what the projection hides, and what of the ground is interpolated."""
    return f"{_path(plane)}{_ground(plane)}."


def ground(plane: Table) -> str:
    """The name of the column that the plane is painted with."""
    return plane.attrs.get("height", "loss")


def ground_name(plane: Table) -> str:
    """What the plane is painted with, in words."""
    name = ground(plane)
    return (plane.attrs.get("merit", "loss") if name == "loss" else name).replace("_", " ")


def _path(plane: Table) -> str:
    """Where the path goes, how far it gets, and what the projection hides."""
    step, loss, who = plane["path_step"], finite(plane["path_loss"]), title(plane)
    x, y, name = finite(plane["path_x"]), finite(plane["path_y"]), plane.attrs.get("merit", "loss").replace("_", " ")
    known = np.isfinite(loss) & np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return f"The plane shows the {ground_name(plane)} without a path"
    outside = known & ~inside(plane, x, y)
    lost = diverged(step, np.where(known, 0.0, np.nan))
    start, end = loss[known][0], loss[known][-1]
    if lost is not None:
        left = f" leaves the window at step {int(step[outside.argmax()])} and" if outside.any() else ""
        text = f"{who}{left} diverges at step {lost}, from {name} {number(start)}"
    elif len(step) == 1:
        text = f"{who} starts at {name} {number(start)}"
    else:
        text = f"{who} moves from {name} {number(start)} to {number(end)} in {lasting(step)}"
        if outside[-1]:
            text += f" and ends outside the window, which it leaves at step {int(step[outside.argmax()])}"
        else:
            text += _ending(plane, x[-1], y[-1])
            text += f"; it is outside the window at {outside.sum()} of them" if outside.any() else ""
    if shadow(plane):
        largest, scale = extent(plane)
        dimension = plane.attrs.get("dimension")
        text += f". The path is a projection from {dimension or 'more'} dimensions: iterates lie up to "
        text += f"{number(largest)} off the plane, {percent(largest / scale)} of the extent of the path"
        explained = plane.attrs.get("variance_explained")
        text += "" if explained is None else f"; the plane holds {percent(explained)} of its variance"
        if not trusted(plane):
            text += ", too little to trust its shape or the ground under it"
    return text


def _ground(plane: Table) -> str:
    """What the ground is where it is not the loss, and how much of it was computed where not all was."""
    text, values = "", finite(plane[ground(plane)])
    if ground(plane) != "loss" and np.isfinite(values).any():
        text += f". The ground is the {ground_name(plane)}, from {number(np.nanmin(values))} to "
        text += f"{number(np.nanmax(values))}"
    if "computed" in plane:
        error = plane.attrs.get("error")
        text += f". Of its points {percent(plane['computed'].mean())} were computed and the others interpolated, "
        text += "with an unknown error" if error is None else f"off by at most {percent(error)} of the range"
    return text


def shadow(plane: Table) -> bool:
    """Whether the path is a projection: it leaves the plane by more than rounding."""
    largest, scale = extent(plane)
    return largest > 1e-9 * scale and scale > 0


def trusted(plane: Table) -> bool:
    """Whether the plane holds enough of the path for its picture to say something about the path."""
    explained = plane.attrs.get("variance_explained")
    return explained is None or explained >= TRUSTED


def inside(plane: Table, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which points lie in the window."""
    ends = [(plane[a].min(), plane[a].max()) if plane[a].size else (-np.inf, np.inf) for a in "xy"]
    return (x >= ends[0][0]) & (x <= ends[0][1]) & (y >= ends[1][0]) & (y <= ends[1][1])


def _ending(plane: Table, x: float, y: float) -> str:
    """How far the last iterate is from the nearest known minimum, where the plane is the whole space."""
    minima = np.array(plane.attrs.get("minima") or np.empty((0, 2)), dtype=float)
    if not len(minima) or plane.attrs.get("dimension", 2) > 2:
        return ""
    distances, name = np.hypot(minima[:, 0] - x, minima[:, 1] - y), plane.attrs.get("solution", "minimum")
    a, b = minima[distances.argmin()]
    return f" and ends {number(distances.min())} from the {name} at ({number(a)}, {number(b)})"


def extent(plane: Table) -> tuple[float, float]:
    """The largest off-plane distance, and the largest distance of an iterate from the start, both in weight space."""
    x, y, off = (finite(plane[c]) for c in ("path_x", "path_y", "off_plane"))
    if not len(x) or np.isnan(off).all():
        return 0.0, 0.0
    moved = np.sqrt((x - x[0]) ** 2 + (y - y[0]) ** 2 + (off - off[0]) ** 2)  # the axes are orthonormal
    return float(np.nanmax(off)), float(plane.attrs.get("extent") or np.nanmax(moved))
