"""A grid of heights of which a part is computed: coarse first, interpolated, refined where the error asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

COARSEST = 6  # intervals of the first grid, at least
POINTS = 6  # lines through which a polynomial predicts: of local reach, so that a spike disturbs no more than that
DECAY = 16  # how much less error is expected of half the step; where heights are smooth, six points earn 64
CHECKED = 16  # one in so many of the points that would be left out is computed all the same
RELATIVE = 0.01  # of heights that are all positive, and so drawn by their logarithm: an error that no colour shows


class Refined(NamedTuple):
    """A grid, and where its numbers come from.

    Attributes:
        values: heights `(rows, columns)`; NaN where nothing is known.
        computed: which of them were computed; the others are interpolated.
        error: the largest error that is expected of those, in units of the height; infinite where unknown.
    """

    values: np.ndarray
    computed: np.ndarray
    error: float

    @property
    def share(self) -> float | None:
        """The error as a share of the range of the heights; None where it is unknown."""
        known = self.values[np.isfinite(self.values)]
        share = self.error / (np.ptp(known) or 1.0) if known.size else np.inf
        return float(share) if np.isfinite(share) else None


def refined(
    compute: Callable[[np.ndarray, np.ndarray], np.ndarray], y: np.ndarray, x: np.ndarray, tol: float
) -> Refined:
    """Heights on a grid, each with an error of at most `tol` times their range.

    Each halving of the step is first predicted by polynomials of degree five through the nearest lines, in y and
    then in x. Points whose expected error is too large are computed, and a few of the others as a check. The surplus of
    a computed height over its prediction is what its neighbours err by too: it decides about them, on this grid and on
    the next (hierarchical surpluses; Bungartz and Griebel, Sparse grids, 2004). The first two grids are computed whole;
    what lies between the points of the second and touches no check goes unseen.

    Args:
        compute: numbers of rows and of columns `(m,)` to the heights there; fewer than m end the work.
        y, x: positions of rows and of columns, increasing.
        tol: error that is allowed, as a share of the range; no positive height errs by more than 1 %.
    """
    shape, random = (len(y), len(x)), np.random.default_rng(0)
    values, computed, error = np.full(shape, np.nan), np.zeros(shape, dtype=bool), 0.0
    halvings = int(np.log2(max((min(shape) - 1) / COARSEST, 1)))
    lines = [_every(2**halvings, n) for n in shape]
    at = tuple(grid.ravel() for grid in np.meshgrid(*lines, indexing="ij"))
    found = compute(*at)
    ended = len(found) < len(at[0])
    at = tuple(index[: len(found)] for index in at)
    values[at], computed[at] = found, True
    if ended:
        return Refined(values, computed, np.inf)
    doubt = np.full([len(a) for a in lines], np.inf)  # how wrong each prediction was, or may be
    for left in range(halvings)[::-1]:
        old, lines = lines, [_every(2**left, n) for n in shape]
        mesh, coarse = np.ix_(*lines), np.ix_(*(np.isin(a, b) for a, b in zip(lines, old, strict=True)))
        new = np.ones([len(a) for a in lines], dtype=bool)
        new[coarse] = False
        down, across = (_weights(p[a], p[b]) for p, a, b in zip((y, x), old, lines, strict=True))
        level = np.where(new, down @ _capped(values[np.ix_(*old)]) @ across.T, values[mesh])
        before, doubt = doubt, np.zeros(new.shape)
        doubt[coarse] = before
        expected = _near(doubt) / DECAY
        allowed = _allowed(level, values[computed], tol) / max(halvings - 1, 1)
        done, surplus = computed[mesh], np.where(np.isfinite(level), 0.0, np.inf)
        todo = new & ((expected > allowed) | (random.random(new.shape) < 1 / CHECKED))
        while todo.any() and not ended:
            at = np.nonzero(todo)
            found = compute(*(a[index] for a, index in zip(lines, at, strict=True)))
            ended, at = len(found) < len(at[0]), tuple(index[: len(found)] for index in at)
            surplus[at] = np.nan_to_num(np.abs(found - level[at]), nan=np.inf)
            level[at], done[at] = found, True
            todo = new & ~done & (_near(surplus) > allowed)
        doubt = np.where(done, surplus, np.maximum(expected, _near(surplus)))
        error += doubt[new & ~done].max(initial=0.0)
        values[mesh], computed[mesh] = level, done
    return Refined(values, computed, error)


def _every(stride: int, n: int) -> np.ndarray:
    """Every so many of n lines, and the last one."""
    return np.union1d(np.arange(0, n, stride), n - 1)


def _weights(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The matrix `(len(at), len(known))` that interpolates between positions: Lagrange's weights of the nearest six."""
    k = min(POINTS, len(known))
    index = np.clip(np.searchsorted(known, at) - k // 2, 0, len(known) - k)[:, None] + np.arange(k)
    nodes, matrix = known[index], np.zeros((len(at), len(known)))
    gaps = nodes[:, :, None] - nodes[:, None] + np.eye(k)
    steps = np.where(np.eye(k, dtype=bool), 1.0, (at[:, None] - nodes)[:, None])
    np.put_along_axis(matrix, index, (steps / gaps).prod(-1), axis=1)
    return matrix


def _near(values: np.ndarray) -> np.ndarray:
    """The largest within two lines: on the lines of the grid before, next to a prediction, there is no surplus."""
    return sliding_window_view(np.pad(values, 2), (5, 5)).max((2, 3))


def _capped(values: np.ndarray) -> np.ndarray:
    """Finite heights, to predict from: what overflowed stands at the highest."""
    return np.where(np.isfinite(values), values, values[np.isfinite(values)].max(initial=0.0))


def _allowed(level: np.ndarray, known: np.ndarray, tol: float) -> np.ndarray:
    """The error that each height may have."""
    known = known[np.isfinite(known)]
    allowed = np.full(level.shape, tol * np.ptp(known) if known.size else 0.0)
    return np.minimum(allowed, RELATIVE * np.abs(level)) if (known > 0).all() else allowed
