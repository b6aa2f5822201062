"""A height over the points of a grid: all of them, or those that an allowed error asks for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from widgetlib.measure._heights import Heights
from widgetlib.measure._refine import Refined, refined


def grid(heights: Heights, x: Tensor, y: Tensor, tol: float, on_row: Callable[[int], bool] | None) -> Refined:
    """The heights with columns at `x` and rows at `y`; at `tol` 0 every point is computed.

    Args:
        tol: error that is allowed, as a share of their range.
        on_row: called with the number of rows (of a refined grid: points, in rows) that are done; True ends the work.
    """
    if not tol:
        return _whole(heights, x, y, on_row)
    spent, over = 0, False

    def compute(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        nonlocal spent, over
        found = [x[:0]]
        for points in torch.stack([x[columns], y[rows]], -1).split(max(len(x), heights.at_once)):
            if over:
                break
            found.append(heights(points))
            spent += len(points)
            over = bool(on_row and on_row(spent // len(x)))
        return torch.cat(found).numpy()

    return refined(compute, y.numpy(), x.numpy(), tol)


def _whole(heights: Heights, x: Tensor, y: Tensor, on_row: Callable[[int], bool] | None) -> Refined:
    """Every point, in as many rows at once as one batch takes."""
    values, computed = np.full((len(y), len(x)), np.nan), np.zeros((len(y), len(x)), dtype=bool)
    rows = max(1, heights.at_once // len(x))
    for i in range(0, len(y), rows):
        points = torch.cartesian_prod(y[i : i + rows], x).flip(-1)
        values[i : i + rows], computed[i : i + rows] = heights(points).reshape(-1, len(x)), True
        if on_row and on_row(min(i + rows, len(y))):
            break
    return Refined(values, computed, 0.0)
