"""Damped Newton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from widgetlib.core.algebra import slow
from widgetlib.core.method import Dense, Method, as_column
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import AtlasError, Claim, Range

MOST = 1000  # unknowns: a step costs as many Hessian products, and a solve of that size


@dataclass(frozen=True, eq=False)
class Newton(Method):
    r"""Steps to the minimum of the local parabola, its curvatures raised by a constant.

    $$w_{k+1} = w_k - \mathrm{lr}\, p, \qquad (\nabla^2 L(w_k) + \mu I)\, p = \nabla L(w_k)$$

    Followed text: Nocedal and Wright, section 3.4 (a multiple of the identity added), with the same $\mu$ at each
    step. With $P = H + \mu I$ held fixed a mode of curvature $\lambda$ is multiplied by
    $1 - \mathrm{lr}\,\lambda / (\lambda + \mu)$. Where P is positive the gauge is the largest
    $\lambda / (\lambda + \mu) < 1$ and the edge is $2/\mathrm{lr}$: a rate up to 2 is stable on every bowl.
    Directions of $-\mu < \lambda < 0$ are left, the faster the closer to $-\mu$, where the step blows up; those of
    $\lambda < -\mu$ are followed uphill, so that saddles and maxima attract. There P is not positive: no limit is
    stated (NaN). No $\mu$ is safe for every function; one larger than all negative curvatures always descends.
    """

    title = "Newton"
    family = "second_order"
    idea = "Divide the gradient by the whole Hessian, not by one rate: every direction of a bowl arrives together."
    paper = dict(title="Numerical Optimization", year=2006)
    invariances = ("rotation", "translation", "affine", "loss_scale")
    claim = Claim(
        "On Rosenbrock it ends at a millionth of gradient descent's loss, or less, after 50 gradients.",
        study="race", baselines=("gd",), problem="rosenbrock", budget=50, ratio=1e-6,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-2, 4.0, log=True)] = 1.0
    mu: Annotated[float, Range(1e-6, 1e3, log=True)] = 3.0

    def init(self, oracle: Minimize, w: Tensor) -> tuple:
        if w.shape[-1] > MOST:
            raise AtlasError(
                f"{self.title} solves with the whole Hessian, and {w.shape[-1]} unknowns are too many for that; "
                f"choose a problem, or settings of it, of at most {MOST}."
            )
        return ()

    def step(self, oracle: Minimize, w: Tensor, s: tuple) -> tuple[Tensor, tuple, dict]:
        return w - self.lr * self.preconditioner(oracle, w, s).solve(oracle.grad(w)), s, {}

    def preconditioner(self, oracle: Minimize, w: Tensor, s: tuple) -> Dense:
        return Dense(slow(oracle.hessian(w)) + torch.diag_embed(as_column(self.mu, w).expand_as(w)))

    def stability_limit(self, oracle: Minimize, w: Tensor, s: tuple) -> Tensor:
        smallest = self.preconditioner(oracle, w, s).eigen[0][..., :1]
        return torch.where(smallest > 0, as_column(2 / self.lr, w), torch.nan)
