"""MeZO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from widgetlib.core.method import Method
from widgetlib.core.oracle import Blackbox
from widgetlib.core.words import Claim, Range


@dataclass(frozen=True, eq=False)
class MeZO(Method):
    r"""Descends along one random direction, by two values of the loss.

    $$p = \frac{L(w_k + \varepsilon z) - L(w_k - \varepsilon z)}{2 \varepsilon}, \qquad
    w_{k+1} = w_k - \mathrm{lr}\, p\, z, \qquad z \sim N(0, I)$$

    Followed text: Malladi et al., algorithm 1, and the authors' `trainer.py`, with one direction a step and without
    weight decay. The direction follows from the seed of the step, so that it is drawn again instead of stored. On a
    quadratic the step is $w - \mathrm{lr}\, z z^\top H w$; with $E[z z^\top A z z^\top] = 2A + \mathrm{tr}(A) I$ the
    mean squares $s_i$ of the modes obey $s_i' = (1 - 2 a_i + 2 a_i^2)\, s_i + \mathrm{lr}^2 \sum_j
    \lambda_j^2 s_j$, $a_i = \mathrm{lr}\,\lambda_i$: a diagonal plus a matrix of rank one, which reaches the
    eigenvalue 1 where $\sum_i a_i / (2 (1 - a_i)) = 1$. So the sum over all curvatures counts, not the largest.
    """

    title = "MeZO"
    family = "zeroth_order"
    idea = "Try one random direction both ways, and move along it by the difference: no gradient and no memory."
    paper = dict(title="Fine-Tuning Language Models with Just Forward Passes", year=2023)
    gauge = "zeroth_order_sum"
    invariances = ("translation",)
    claim = Claim(
        "Function values alone halve the loss of the digits net (3 466 weights) in 1000 steps, fewer steps than "
        "weights, over at least a quarter of a decade of rates.",
        study="sweep", problem="digits_mlp", settings={"subset": 200}, steps=1000, points=33, seeds=2, share=0.5,
        decades=0.25,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-7, 1.0, log=True)] = 1e-3
    eps: Annotated[float, Range(1e-6, 1e-1, log=True)] = 1e-3

    def step(self, oracle: Blackbox, w: Tensor, s: tuple) -> tuple[Tensor, tuple, dict]:
        z = oracle.noise(w)
        p = (oracle.loss(w + self.eps * z) - oracle.loss(w - self.eps * z)) / (2 * self.eps)
        return w - self.lr * p * z, s, {}

    def stability_limit(self, oracle: Blackbox, w: Tensor, s: tuple) -> Tensor | float:
        return 1.0
