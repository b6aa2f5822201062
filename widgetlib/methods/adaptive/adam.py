"""Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.algebra import slow
from widgetlib.core.method import Diagonal, Method
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import Claim, Range


class State(NamedTuple):
    m: Tensor  # average of gradients, (..., d)
    v: Tensor  # average of squared gradients, (..., d)


@dataclass(frozen=True, eq=False)
class Adam(Method):
    r"""Momentum divided by the root of an average of squared gradients.

    $$m = \beta_1 m + (1-\beta_1) g, \quad v = \beta_2 v + (1-\beta_2) g^2, \quad
    w_{k+1} = w_k - \mathrm{lr}\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \varepsilon},
    \qquad t = k + 1$$

    Followed text: Kingma and Ba, algorithm 1 (epsilon outside the root, after the bias correction). With
    $P = (1-\beta_1^t)(\sqrt{\hat v} + \varepsilon)$ held fixed the step is $\mathrm{lr}\, P^{-1} m$, and a mode of
    curvature $\mu$ of $P^{-1} H$ obeys $z^2 - (1 + \beta_1 - (1-\beta_1)\,\mathrm{lr}\,\mu) z + \beta_1 = 0$:
    the edge is $(2 + 2\beta_1) / ((1-\beta_1)\,\mathrm{lr})$, which is $38/\mathrm{lr}$ at $\beta_1 = 0.9$.
    """

    title = "Adam"
    family = "adaptive"
    idea = (
        "Average the gradients, and divide by the root of the averaged squares: every coordinate takes steps of "
        "about the same length, whatever its gradient's scale."
    )
    paper = dict(title="Adam: A Method for Stochastic Optimization", year=2014)
    reference = ("torch.optim.Adam", {"beta1": "betas[0]", "beta2": "betas[1]"})
    invariances = ("translation", "permutation", "loss_scale")
    claim = Claim(
        "Multiplying the loss by 1000 leaves the path unchanged (epsilon towards 0).",
        study="scaling", problem="digits_mlp", fields={"lr": 1e-3, "eps": 1e-12}, settings={"subset": 300},
        steps=100, tolerance=1e-2,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 1e-3
    beta1: Annotated[float, Range(0.0, 0.999)] = 0.9
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.999
    eps: Annotated[float, Range(1e-12, 1e-2, log=True)] = 1e-8

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w), torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        m = self.beta1 * s.m + (1 - self.beta1) * g
        v = slow(self.beta2 * s.v + (1 - self.beta2) * g**2)
        s = State(m, v)
        return w - self.lr * self.preconditioner(oracle, w, s).solve(m), s, {}

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        t = oracle.k + 1
        root = (s.v / (1 - self.beta2**t)).sqrt() + self.eps
        return Diagonal((1 - self.beta1**t) * root)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return (2 + 2 * self.beta1) / ((1 - self.beta1) * self.lr)
