"""The small convex problem behind the central flow: how strongly each direction at the edge oscillates."""

from __future__ import annotations

import numpy as np


def oscillation(drive: np.ndarray, brake: np.ndarray, start: np.ndarray, tol: float = 1e-6, most: int = 500):
    r"""The covariance $\Sigma \succeq 0$ that keeps the curvature at the edge.

    Solves the semidefinite complementarity problem
    $\Sigma \succeq 0,\; R = A - \tfrac12 B\Sigma \preceq 0,\; \langle \Sigma, R\rangle = 0$, which is the optimality
    condition of $\min_{\Sigma \succeq 0} \tfrac14 \langle \Sigma, B \Sigma\rangle - \langle A, \Sigma\rangle$, by
    projected gradient steps with momentum and restarts (O'Donoghue and Candès 2015). In one direction it is
    $\sigma^2 = \max(0, 2A/B)$, in closed form.

    Args:
        drive: A `(k, k)`, symmetric: how fast the curvature grows without oscillation.
        brake: B `(k, k, k, k)`: how much of that growth each oscillation takes away.
        start: `(k, k)`, the last solution.
        tol: relative to the largest entry of A.
        most: steps at most; what was reached by then is returned.

    Returns:
        `(k, k)`, symmetric and positive semidefinite.
    """
    k = len(drive)
    matrix = brake.reshape(k * k, k * k) / 2
    if k == 1:
        return np.maximum(0.0, drive / matrix)
    length = np.linalg.eigvalsh((matrix + matrix.T) / 2)[-1]
    found = ahead = start
    pace = 1.0
    for _ in range(most):
        new = _positive(ahead - ((matrix @ ahead.ravel()).reshape(k, k) - drive) / length)
        moved = new - found
        if ((ahead - new) * moved).sum() > 0:  # the momentum has carried it too far
            ahead, faster = new, 1.0
        else:
            faster = (1 + (1 + 4 * pace**2) ** 0.5) / 2
            ahead = new + (pace - 1) / faster * moved
        found, pace = new, faster
        if length * np.abs(moved).max() <= tol * np.abs(drive).max():
            break
    return found


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The nearest positive semidefinite matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * values.clip(0)) @ vectors.T
