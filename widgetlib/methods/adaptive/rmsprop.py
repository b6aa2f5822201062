"""RMSProp."""

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
    v: Tensor  # average of squared gradients, (..., d)


@dataclass(frozen=True, eq=False)
class RMSProp(Method):
    r"""Divides each gradient by the root of a running average of its squares.

    $$v_{k+1} = \beta_2 v_k + (1-\beta_2)\, g^2, \qquad
    w_{k+1} = w_k - \mathrm{lr}\, \frac{g}{\sqrt{v_{k+1}} + \varepsilon}$$

    Followed text: Tieleman and Hinton's lecture, in the form of torch (epsilon outside the root, no bias
    correction: the first steps are longer, by up to $1/\sqrt{1-\beta_2}$). With $P = \sqrt{v} + \varepsilon$
    held fixed a mode of curvature $\mu$ of $P^{-1} H$ is multiplied by $1 - \mathrm{lr}\,\mu$: the edge is
    $2/\mathrm{lr}$.
    """

    title = "RMSProp"
    family = "adaptive"
    idea = "Divide every coordinate's gradient by its recent root mean square, so that all move at about one pace."
    paper = dict(title="Lecture 6.5: Divide the gradient by a running average of its recent magnitude", year=2012)
    reference = ("torch.optim.RMSprop", {"beta2": "alpha"})
    invariances = ("translation", "permutation", "loss_scale")
    claim = Claim(
        "At lr 2e-3 the preconditioned sharpness of the digits net settles within 10 % of 2/lr.",
        study="threshold", problem="digits_mlp", fields={"lr": 2e-3}, tolerance=0.1,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 1e-3
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.99
    eps: Annotated[float, Range(1e-12, 1e-2, log=True)] = 1e-8

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        s = State(slow(self.beta2 * s.v + (1 - self.beta2) * g**2))
        return w - self.lr * self.preconditioner(oracle, w, s).solve(g), s, {}

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        return Diagonal(s.v.sqrt() + self.eps)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return 2 / self.lr
