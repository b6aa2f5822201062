"""AdaGrad."""

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
    v: Tensor  # sum of squared gradients, (..., d)


@dataclass(frozen=True, eq=False)
class AdaGrad(Method):
    r"""Divides each gradient by the root of the sum of all its squares so far.

    $$v_{k+1} = v_k + g^2, \qquad w_{k+1} = w_k - \mathrm{lr}\, \frac{g}{\sqrt{v_{k+1}} + \varepsilon}$$

    Followed text: Duchi, Hazan and Singer (2011), the diagonal form, as in torch (no decay of the rate). With
    $P = \sqrt{v} + \varepsilon$ held fixed a mode of curvature $\mu$ of $P^{-1} H$ is multiplied by
    $1 - \mathrm{lr}\,\mu$: the edge is $2/\mathrm{lr}$. P only grows, so the gauge sinks away from the edge
    wherever H does not grow faster, and no rate makes a bowl diverge.
    """

    title = "AdaGrad"
    family = "adaptive"
    idea = "Remember the square of every gradient: a coordinate that has moved much is trusted with smaller steps."
    paper = dict(title="Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", year=2011)
    reference = ("torch.optim.Adagrad", {})
    invariances = ("translation", "permutation", "loss_scale")
    claim = Claim(
        "On an axis-aligned bowl of condition 1000 it ends at half of gradient descent's loss, or less, in 200 steps.",
        study="race", baselines=("gd",), problem="quadratic", settings={"condition": 1000.0, "rotation": 0.0},
        budget=200, ratio=0.5,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-4, 10.0, log=True)] = 1e-2
    eps: Annotated[float, Range(1e-12, 1e-2, log=True)] = 1e-10

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        s = State(slow(s.v + g**2))
        return w - self.lr * self.preconditioner(oracle, w, s).solve(g), s, {}

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        return Diagonal(s.v.sqrt() + self.eps)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return 2 / self.lr
