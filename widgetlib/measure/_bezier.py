"""The quadratic Bézier curve between two points along which the mean loss is least."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._heights import Heights

NODES = 5  # of the quadrature along the curve
NUDGE = 0.01  # of the distance: off the straight line, along which a symmetric barrier would hold the middle


def bezier(t: Tensor) -> Tensor:
    """Coefficients `(n, 2)` at t `(n,)` of the axes θ - a and b - a: a curve (1-t)² a + 2t(1-t) θ + t² b."""
    return torch.stack([2 * t * (1 - t), t**2], -1)


def bent(trace: Trace, a: Tensor, b: Tensor, most: int, memory: int | None, ended: Callable[[], bool]) -> Tensor:
    """The point θ `(d,)` that bends the curve from a to b where the mean loss along it is least.

    min over θ of ∫ L((1-t)² a + 2t(1-t) θ + t² b) dt, t from 0 to 1 (Garipov et al., Loss surfaces, mode connectivity,
    and fast ensembling of DNNs, 2018), by L-BFGS on a Gauss-Legendre rule where the paper draws t at random and takes
    steps of SGD.

    Args:
        a, b: the ends, `(d,)`.
        most: iterations at most.
        memory: bytes that the activations of one batch of nodes may take; None for as many as are fast.
        ended: asked after each iteration; True keeps what was reached.

    Raises:
        AtlasError: the problem's world has no gradient of one loss.
    """
    oracle = trace.at(int(trace.steps[0])).oracle().uncounted()
    if not hasattr(oracle, "hvp"):
        raise AtlasError(f"{trace.problem.slug} has no one loss to bend a curve by; use kind='between'.")
    at_once = Heights(trace, a, (b - a).unsqueeze(0), "gradient_norm", memory).at_once
    nodes, weights = (torch.as_tensor(x, device=a.device) for x in np.polynomial.legendre.leggauss(NODES))
    t, weights = (nodes + 1) / 2, (weights / 2).unsqueeze(-1)
    c = bezier(t).to(a)

    def mean_loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        axes = torch.stack([torch.as_tensor(theta).to(a) - a, b - a])
        values, slopes = [], []
        for part in (a + c @ axes).split(at_once):
            view = oracle.uncounted()
            slopes.append(view.grad(part).double())
            values.append(view.seen.merit.double())
        slope = (weights * c[:, :1].double() * torch.cat(slopes)).sum(0)
        return float((weights * torch.cat(values)).sum()), slope.numpy(force=True)

    def after(intermediate_result: OptimizeResult) -> None:
        if ended():
            raise StopIteration

    random = torch.randn(len(a), generator=torch.Generator().manual_seed(0), dtype=a.dtype).to(a.device)
    start = (a + b) / 2 + NUDGE * norm(b - a) * random / norm(random)
    found = minimize(
        mean_loss, start.double().numpy(force=True), jac=True, method="L-BFGS-B", callback=after,
        options={"maxiter": most},
    )  # fmt: skip
    return torch.as_tensor(found.x).to(a)
