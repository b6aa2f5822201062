"""The arrows of a field over a plane, as one light trace."""

from __future__ import annotations

from typing import Any

import numpy as np

from widgetlib.core.table import Table

LONGEST, HEAD = 0.85, 0.3  # of the distance between two arrows; of the arrow


def arrows(plane: Table) -> list[dict[str, Any]]:
    """One trace of arrows along -F, where the plain step of the game would go; none without a field.

    An arrow's length grows with the cube root of its field: small fields stay visible.

    Args:
        plane: orbit table: `arrow_x` [arrow_column], `arrow_y` [arrow_row], `field_x` and `field_y` over both.
    """
    if "field_x" not in plane:
        return []
    cell = np.array([np.ptp(plane[f"arrow_{a}"]) / max(len(plane[f"arrow_{a}"]) - 1, 1) for a in "xy"])
    middle = np.stack(np.meshgrid(plane["arrow_x"], plane["arrow_y"]), axis=-1).reshape(-1, 2)
    way = -np.stack([plane["field_x"], plane["field_y"]], axis=-1).reshape(-1, 2) / cell
    size = np.linalg.norm(way, axis=1, keepdims=True)
    seen = np.isfinite(size[:, 0]) & (size[:, 0] > 0)
    middle, way, size = middle[seen], way[seen], size[seen]
    way = LONGEST * way * size ** (1 / 3 - 1) / size.max(initial=1e-300) ** (1 / 3)
    side = way @ np.array([[0, 1], [-1, 0]])
    tip, wings = way / 2, [way / 2 - HEAD * (way + sign * side / 2) for sign in (1, -1)]
    gap = np.full_like(way, np.nan)
    points = middle[:, None] + cell * np.stack([-way / 2, tip, wings[0], tip, wings[1], gap], axis=1)
    x, y = points.reshape(-1, 2).T
    look = {"line": {"color": "rgba(255,255,255,0.7)", "width": 1.2}, "hoverinfo": "skip", "showlegend": False}
    return [{"type": "scatter", "mode": "lines", "x": x, "y": y, "name": "field"} | look]
