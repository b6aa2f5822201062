"""Adam with decoupled weight decay."""

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
class AdamW(Method):
    r"""Adam, with the weights shrunk directly instead of through the gradient.

    $$m = \beta_1 m + (1-\beta_1) g, \quad v = \beta_2 v + (1-\beta_2) g^2, \quad
    w_{k+1} = (1 - \mathrm{lr}\,\omega)\, w_k - \mathrm{lr}\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} +
    \varepsilon}, \qquad t = k + 1$$

    Followed text: Loshchilov and Hutter, algorithm 2, with the decay times the rate as in torch. The decay acts on
    w without the preconditioner, but as a multiple of the identity it commutes with every P, so that with
    $P = (1-\beta_1^t)(\sqrt{\hat v} + \varepsilon)$ held fixed no modes mix. With $c = 1 - \mathrm{lr}\,\omega$ one of
    curvature $\mu$ of $P^{-1} H$ obeys $z^2 - (c + \beta_1 - (1-\beta_1)\,\mathrm{lr}\,\mu) z + \beta_1 c = 0$: the
    edge is $(1 + \beta_1)(2 - \mathrm{lr}\,\omega) / ((1-\beta_1)\,\mathrm{lr})$: Adam's, lowered by
    $19\,\omega$ at $\beta_1 = 0.9$.
    """

    title = "AdamW"
    family = "adaptive"
    idea = "Adam, and beside it every weight shrinks by the same share: decay that no gradient scale can undo."
    paper = dict(title="Decoupled Weight Decay Regularization", year=2017)
    reference = ("torch.optim.AdamW", {"beta1": "betas[0]", "beta2": "betas[1]"})
    invariances = ("permutation", "loss_scale")
    claim = Claim(
        "At lr 3e-3 its gauge on the digits net settles within 7 % of its own limit, decay included.",
        study="threshold", problem="digits_mlp", fields={"lr": 3e-3}, tolerance=0.07,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 1e-3
    beta1: Annotated[float, Range(0.0, 0.999)] = 0.9
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.999
    eps: Annotated[float, Range(1e-12, 1e-2, log=True)] = 1e-8
    weight_decay: Annotated[float, Range(0.0, 1.0)] = 1e-2

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w), torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        m = self.beta1 * s.m + (1 - self.beta1) * g
        v = slow(self.beta2 * s.v + (1 - self.beta2) * g**2)
        s = State(m, v)
        kept = (1 - self.lr * self.weight_decay) * w
        return kept - self.lr * self.preconditioner(oracle, w, s).solve(m), s, {}

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        t = oracle.k + 1
        root = (s.v / (1 - self.beta2**t)).sqrt() + self.eps
        return Diagonal((1 - self.beta1**t) * root)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return (1 + self.beta1) * (2 - self.lr * self.weight_decay) / ((1 - self.beta1) * self.lr)
