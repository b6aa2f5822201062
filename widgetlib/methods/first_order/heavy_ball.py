"""Heavy-ball momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.method import Method
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import Claim, Range


class State(NamedTuple):
    m: Tensor  # the velocity, (..., d)


@dataclass(frozen=True, eq=False)
class HeavyBall(Method):
    r"""Gradient descent with inertia.

    $$m_{k+1} = \beta\, m_k + \nabla L(w_k), \qquad w_{k+1} = w_k - \mathrm{lr}\, m_{k+1}$$

    Followed text: Polyak (1964), in the form of torch's SGD (dampening 0). A mode of curvature $\lambda$ obeys
    $z^2 - (1 + \beta - \mathrm{lr}\,\lambda) z + \beta = 0$: a ringing pair of modulus $\sqrt\beta$ that becomes
    real and leaves the unit circle through $-1$ at $\lambda = (2 + 2\beta)/\mathrm{lr}$.
    """

    title = "Heavy ball"
    family = "first_order"
    idea = "Keep most of the last velocity and add the gradient: a heavy ball that rolls through small bumps."
    paper = dict(title="Some methods of speeding up the convergence of iteration methods", year=1964)
    reference = ("torch.optim.SGD", {"beta": "momentum"})
    invariances = ("rotation", "translation")
    claim = Claim(
        "On a bowl of condition 100 it ends at a tenth of gradient descent's loss, or less, after 100 gradients.",
        study="race", baselines=("gd",), problem="quadratic", settings={"condition": 100.0}, budget=100, ratio=0.1,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 10.0, log=True)] = 1e-3
    beta: Annotated[float, Range(0.0, 0.999)] = 0.9

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        m = self.beta * s.m + oracle.grad(w)
        return w - self.lr * m, State(m), {}

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return (2 + 2 * self.beta) / self.lr
