"""The loss over a plane with the path of a run, seen from above or as a surface."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures._arrows import arrows
from widgetlib.figures._plane_words import extent, ground, ground_name, read, shadow, trusted
from widgetlib.figures.picture import (
    Picture,
    axis,
    decimate,
    finite,
    follow,
    ink,
    label,
    layout,
    merit,
    need,
    percent,
    plain,
    round_ticks,
    wants_log,
)
from widgetlib.figures.theme import SCALE

FAR = 3.0
"""Iterates farther than this from the centre, in half-windows, are drawn there: still outside."""
DOTS = 120
"""Markers that show the off-plane error along a path."""


class Height(NamedTuple):
    """How losses become colours and heights: log10 above a floor, or the loss itself."""

    log: bool
    floor: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Heights of `values`; NaN stays NaN."""
        values = finite(values)
        return np.log10(np.maximum(values, self.floor)) if self.log else values

    def ticks(self, heights: np.ndarray) -> dict[str, Any]:
        """Ticks at round losses, labelled with the loss and not with its logarithm."""
        low, high = np.nanmin(heights), np.nanmax(heights)
        if not self.log:  # a contour would put ticks at its levels, which are not round
            step = 10.0 ** np.floor(np.log10((high - low) or 1.0))
            step *= next(f for f in (0.2, 0.5, 1.0, 2.0) if (high - low) / (f * step) <= 5)
            return {"tickmode": "linear", "tick0": 0.0, "dtick": float(step)}
        at, text = round_ticks(low, high)
        return {"tickmode": "array", "tickvals": np.log10(at), "ticktext": text}


def landscape(plane: Table, surface: bool = False) -> Picture:
    """Draws the loss (or what attrs `height` names) in a plane, the path of a run in it, and the known minima.

    A path in more than two dimensions is a projection: its points fade with their distance from the plane, a mark in
    the corner and the reading state how much of its variance the plane holds, and the reading says when that is too
    little to trust the picture.

    Args:
        plane: plane table: `x` [column], `y` [row], `loss` [row, column]; `path_step`, `path_x`, `path_y`,
            `path_loss`, `off_plane` [iterate]; attrs `minima`, `x_label`, `y_label`, `dimension`,
            `variance_explained`, `height`.
        surface: a 3-D surface with the path at the height of its losses; slow without a graphics card, so on
            demand.

    Returns:
        The picture, with the cursor on the path.

    Raises:
        AtlasError: a column is missing.
    """
    need(plane, "landscape", "x", "y", ground(plane), "path_step", "path_x", "path_y", "path_loss", "off_plane")
    grid = finite(plane[ground(plane)])
    positive = grid[grid > 0]
    shares = ground(plane) == "accuracy"
    log = wants_log(grid) and not shares
    # A grid point that hits a minimum to rounding must not spend the colours on thirty empty decades, and
    # below the level that half a per cent of the points reach, a narrow valley shows the grid, not the loss.
    height = Height(log, float(np.quantile(positive, 0.005)) if log else 0.0)
    z = height(grid)
    text = _name_of_height(plane)
    bar = {"title": {"text": text, "side": "right", "font": {"size": 13}}, "thickness": 12, "outlinewidth": 0}
    bar |= height.ticks(z) if np.isfinite(z).any() else {}
    lifted = _surface if surface else _contour
    data = [{"x": finite(plane["x"]), "y": finite(plane["y"]), "z": z, "colorscale": SCALE, "colorbar": bar}]
    data[0] |= {"reversescale": True} if shares else {}  # dark is good
    x, y = _draw_in(plane)
    cursors = lifted(plane, data, x, y, height)
    labels = [label(plain(plane.attrs.get(f"{a}_label") or a)) for a in "xy"]
    inside = [[float(plane[a][0]), float(plane[a][-1])] if plane[a].size else [0.0, 1.0] for a in "xy"]
    if surface:
        axes = {f"{a}axis": _edge(t, range=r) for a, t, r in zip("xy", labels, inside, strict=True)}
        axes["zaxis"] = _edge(text, **{k: v for k, v in bar.items() if k.startswith("tick")})
        camera = {"eye": {"x": -0.55, "y": -1.2, "z": 1.95}, "center": {"x": 0, "y": 0, "z": -0.33}}
        scene = {**axes, "camera": camera, "aspectmode": "manual", "aspectratio": {"x": 1, "y": 1, "z": 0.6}}
        page = layout("surface", plane, scene=scene)
    else:
        axes = {f"{a}axis": axis(t, range=r) for a, t, r in zip("xy", labels, inside, strict=True)}
        page = layout(f"landscape {plane.attrs.get('kind', '')}", plane, **axes)
    page["showlegend"] = not surface
    if shadow(plane) and plane.attrs.get("variance_explained") is not None:
        page["annotations"] = [_mark(plane)]
    return Picture(data, page, read(plane), cursors)


def _name_of_height(plane: Table) -> str:
    """The title of the colour bar."""
    if ground(plane) == "loss":
        return merit(plane)[2]
    symbol, name = plane.column(ground(plane)).symbol, ground_name(plane)
    return label(name if symbol in ("", name) else f"{name} <i>{plain(symbol)}</i>")


def _mark(plane: Table) -> dict[str, Any]:
    """How much of the variance of what is projected the plane holds, in the corner."""
    share, only = percent(plane.attrs["variance_explained"]), "" if trusted(plane) else "⚠ only "
    look = {"showarrow": False, "font": {"size": 11, "color": "#ffffff"}, "bgcolor": "rgba(0,0,0,0.55)", "borderpad": 3}
    place = {"xref": "paper", "yref": "paper", "x": 0.99, "y": 0.01, "xanchor": "right", "yanchor": "bottom"}
    return {"text": f"{only}{share} of the variance in this plane", **place, **look}


def _contour(plane: Table, data: list[dict], x: np.ndarray, y: np.ndarray, height: Height) -> list[dict]:
    """Contour lines, the path with a halo that keeps it visible on every colour, its ends and the minima."""
    shade, off = ink(plane), _fading(plane)
    z = data[0]["z"]
    low, high = (np.nanmin(z), np.nanmax(z)) if np.isfinite(z).any() else (0.0, 1.0)
    size = float(high - low) / 12 or 1.0  # the lowest two levels would draw the grid of a narrow valley
    levels = {"start": float(low) + 2 * size, "end": float(high), "size": size}
    data[0] |= {"type": "contour", "autocontour": False, "showlegend": False, "name": "loss"}
    data[0] |= {"line": {"width": 0.5, "color": "rgba(255,255,255,0.45)"}, "hoverinfo": "skip"}
    data[0] |= {"contours": {"coloring": "heatmap", **levels}}
    data += arrows(plane)
    keep = np.union1d(decimate(x), decimate(y))
    path = {"type": "scatter", "x": x[keep], "y": y[keep], "hoverinfo": "skip", "showlegend": False}
    data.append(path | {"mode": "lines", "line": {"color": "#ffffff", "width": 4.5}, "name": "halo"})
    data.append(path | {"mode": "lines", "line": {"color": shade, "width": 2.25}, "name": "path"})
    if off is not None:
        dots = np.union1d(decimate(x, DOTS), decimate(y, DOTS))
        scale = {"colorscale": [[0, shade], [1, "#ffffff"]], "cmin": 0.0, "cmax": 1.0}
        marker = {"size": 8, "color": off[dots], "line": {"width": 0}, **scale}
        look = {"mode": "markers", "marker": marker, "name": "pale: off the plane"}
        data.append(path | {"x": x[dots], "y": y[dots]} | look)
    edge, known = {"color": "#ffffff", "width": 1.5}, np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    dot = {"type": "scatter", "mode": "markers", "hoverinfo": "skip"}
    for at, name, symbol in ((known[:1], "start", "square"), (known[-1:], "end", "diamond")):
        marker = {"symbol": symbol, "size": 11, "color": shade, "line": edge}
        data.append(dot | {"x": x[at], "y": y[at], "name": name, "marker": marker})
    minima = np.array(plane.attrs.get("minima") or np.empty((0, 2)), dtype=float)
    if len(minima):
        marker = {"symbol": "star", "size": 15, "color": "#ffffff", "line": {"color": "#000000", "width": 1}}
        name = plane.attrs.get("solution", "minimum")
        data.append(dot | {"x": minima[:, 0], "y": minima[:, 1], "name": name, "marker": marker})
    return follow(data, plane["path_step"], x, y, shade, marker={"size": 15, "line": {**edge, "width": 3}})


def _surface(plane: Table, data: list[dict], x: np.ndarray, y: np.ndarray, height: Height) -> list[dict]:
    """The surface and, on the heights of its own losses, the path."""
    shade = ink(plane)
    data[0] |= {"type": "surface", "opacity": 0.85, "showscale": False, "name": "loss", "hoverinfo": "skip"}
    # A scene does not clip: what lies outside the window would float in the void beside it.
    outside = [(v < plane[a].min()) | (v > plane[a].max()) for a, v in (("x", x), ("y", y))]
    # The grid bridges a narrow valley, so a path on its floor would be buried: there it runs on the surface.
    floor = _mean_of_corners(plane["x"], plane["y"], data[0]["z"], x, y)
    own = height(plane["path_loss"]) if ground(plane) == "loss" else floor
    z = np.where(outside[0] | outside[1], np.nan, np.fmax(own, floor))
    keep = np.union1d(decimate(x), decimate(y))
    path = {"type": "scatter3d", "mode": "lines", "x": x[keep], "y": y[keep], "z": z[keep], "name": "path"}
    data.append(path | {"line": {"color": shade, "width": 7}, "hoverinfo": "skip"})
    z = z + 0.04 * np.ptp(data[0]["z"])  # the whole marker above the surface
    look = {"type": "scatter3d", "z": z[-1:], "marker": {"size": 7}}
    return [cursor | {"z": z} for cursor in follow(data, plane["path_step"], x, y, shade, **look)]


def _mean_of_corners(x: np.ndarray, y: np.ndarray, z: np.ndarray, at_x: np.ndarray, at_y: np.ndarray) -> np.ndarray:
    """The mean height of the grid cell that holds each point; NaN where the grid has no cell."""
    if min(z.shape) < 2:
        return np.full(len(at_x), np.nan)
    j = np.clip(np.searchsorted(x, at_x) - 1, 0, len(x) - 2)
    i = np.clip(np.searchsorted(y, at_y) - 1, 0, len(y) - 2)
    return (z[i, j] + z[i + 1, j] + z[i, j + 1] + z[i + 1, j + 1]) / 4


def _edge(text: str, **more: Any) -> dict[str, Any]:
    """An axis of the 3-D scene."""
    return {"title": {"text": text, "font": {"size": 13}}, "tickfont": {"size": 11}, "nticks": 5, **more}


def _draw_in(plane: Table) -> tuple[np.ndarray, np.ndarray]:
    """The path until it leaves for far away, and from where it is back; a gap for what is no number."""
    x, y = finite(plane["path_x"]), finite(plane["path_y"])
    if not (plane["x"].size and plane["y"].size):
        return x, y
    middle = [(plane[a].min() + plane[a].max()) / 2 for a in "xy"]
    half = [max(np.ptp(plane[a]) / 2, 1e-12) for a in "xy"]
    distance = np.maximum(np.abs(x - middle[0]) / half[0], np.abs(y - middle[1]) / half[1])
    far = ~(distance <= FAR)
    shrink = FAR / np.maximum(distance, FAR)
    shrink[1:][far[1:] & far[:-1]] = np.nan
    return middle[0] + (x - middle[0]) * shrink, middle[1] + (y - middle[1]) * shrink


def _fading(plane: Table) -> np.ndarray | None:
    """How pale each iterate is: 0 in the plane, 1 where it is as far off as the path is long."""
    largest, scale = extent(plane)
    if largest <= 1e-9 * scale or not scale:
        return None
    return np.nan_to_num(np.minimum(finite(plane["off_plane"]) / scale, 1.0), nan=1.0)
