"""Sophia."""

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
    h: Tensor  # average of drawn Hessian diagonals, (..., d)


@dataclass(frozen=True, eq=False)
class Sophia(Method):
    r"""Momentum over a rarely drawn Hessian diagonal, each coordinate of the step clipped.

    $$m = \beta_1 m + (1-\beta_1) g, \quad h = \beta_2 h + (1-\beta_2)\, u \odot H u \ \text{(each } n\text{-th)}, \quad
    w_{k+1} = w_k - \mathrm{lr}\, \mathrm{clip}\Big(\frac{m}{\max(\gamma h, \varepsilon)}, 1\Big)$$

    Followed text: the paper's algorithm 3 with the Hutchinson estimate (u normal), checked against the authors'
    `sophia.py`, whose SophiaH also divides lr by $1-\beta_1^t$ and adds epsilon to $\gamma \max(h, 0)$. Weight decay
    is left out. h starts at zero, so that the first steps are sign steps. Where nothing is clipped a mode of
    curvature $\mu$ of $P^{-1} H$, $P = \max(\gamma h, \varepsilon)$, has the edge of averaged momentum. A clipped
    coordinate does not feel its gradient's size: it has no threshold but a zig-zag of about lr, so its P is infinite
    here (the gauge looks at the others alone), and there is no limit where all are clipped.
    """

    title = "Sophia"
    family = "second_order"
    idea = "Take Newton-like steps where curvature is large, sign steps where it is small, negative or stale."
    paper = dict(
        title="Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training", year=2023
    )
    invariances = ("translation", "loss_scale")
    known_failures = {"preconditioner": "clipped coordinates take sign steps, which no preconditioner describes"}
    claim = Claim(
        "On an axis-aligned bowl of condition 1000 it ends at a hundredth of gradient descent's loss, or less, "
        "after 250 gradients.",
        study="race", baselines=("gd",), problem="quadratic", settings={"condition": 1000.0, "rotation": 0.0},
        budget=250, ratio=0.01,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 1e-3
    beta1: Annotated[float, Range(0.0, 0.999)] = 0.96
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.99
    gamma: Annotated[float, Range(1e-3, 10.0, log=True)] = 0.01
    eps: Annotated[float, Range(1e-15, 1e-3, log=True)] = 1e-12
    every: Annotated[int, Range(1, 100)] = 10

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w), torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        m = self.beta1 * s.m + (1 - self.beta1) * oracle.grad(w)
        h = s.h
        if oracle.k % self.every == 0:
            u = oracle.noise(w)
            h = self.beta2 * h + (1 - self.beta2) * u * oracle.hvp(w, u)
        s = State(m, slow(h))
        clipped = self._clipped(s).to(w.dtype).mean(-1, keepdim=True)
        return w - self.lr * (m / self._scale(s)).clamp(-1, 1), s, {"clipped": clipped}

    def _scale(self, s: State) -> Tensor:
        return (self.gamma * s.h).clamp(min=self.eps)

    def _clipped(self, s: State) -> Tensor:
        return s.m.abs() > self._scale(s)

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        return Diagonal(torch.where(self._clipped(s), torch.inf, self._scale(s)))

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        limit = (2 + 2 * self.beta1) / ((1 - self.beta1) * self.lr)
        return torch.where(self._clipped(s).all(-1, keepdim=True), torch.nan, limit)
