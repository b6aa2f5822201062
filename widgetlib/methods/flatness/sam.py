"""Sharpness-aware minimisation around any base method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from widgetlib.core.algebra import norm, slow
from widgetlib.core.method import Diagonal, Method
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import Base, Claim, Range


@dataclass(frozen=True, eq=False)
class SharpnessAware(Method):
    r"""Hands its base the gradient at the worst nearby point.

    $$w_{k+1} = \mathrm{base}\big(w_k,\ \nabla L(w_k + \rho\, g / \lVert g \rVert)\big), \qquad g = \nabla L(w_k)$$

    Followed text: Foret et al., algorithm 1 with p = 2, norm over all weights, the derivative of the ascent
    dropped. With $r = \rho/\lVert g\rVert$ held fixed a mode of curvature $\lambda$ is seen by the base as
    $\lambda(1 + r\lambda)$, so a base with limit $\ell$ becomes unstable at
    $\lambda = (\sqrt{1 + 4 r \ell} - 1) / (2r) < \ell$; for gradient descent $\ell = 2/\mathrm{lr}$
    (Long and Bartlett 2023). The edge moves: it falls as the gradient vanishes.
    """

    title = "SAM"
    family = "flatness"
    idea = "Climb to the worst point within a small radius, take the gradient there, and apply it where you stood."
    paper = dict(title="Sharpness-Aware Minimization for Efficiently Improving Generalization", year=2020)
    invariances = ("rotation", "translation")
    claim = Claim(
        "Around gradient descent at lr 0.1 sharpness settles within 7 % of SAM's own moving limit, far below 2/lr.",
        study="threshold", problem="digits_mlp", fields={"base.lr": 0.1, "rho": 0.05}, tolerance=0.07,
    )  # fmt: skip

    base: Annotated[Method, Base("gd")]
    rho: Annotated[float, Range(1e-4, 1.0, log=True)] = 0.05

    def init(self, oracle: Minimize, w: Tensor) -> Any:
        return self.base.init(oracle, w)

    def step(self, oracle: Minimize, w: Tensor, s: Any) -> tuple[Tensor, Any, dict]:
        g = oracle.grad(w)
        ascent = self.rho * g / slow(self._length(g))
        return self.base.step(oracle.seen_from(lambda w: w + ascent), w, s)

    def _length(self, g: Tensor) -> Tensor:
        return norm(g) + 1e-12  # at a critical point the ascent is zero, not 0/0

    def preconditioner(self, oracle: Minimize, w: Tensor, s: Any) -> Diagonal | None:
        return self.base.preconditioner(oracle, w, s)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: Any) -> Tensor | None:
        limit = self.base.stability_limit(oracle, w, s)
        if limit is None or self.base.preconditioner(oracle, w, s) is not None:
            return None  # the ascent ignores the base's preconditioner: no one curvature decides
        r = self.rho / self._length(oracle.grad(w))
        return (torch.sqrt(1 + 4 * r * limit) - 1) / (2 * r)
