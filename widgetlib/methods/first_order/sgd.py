"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from widgetlib.core.method import Method
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.words import Range


@dataclass(frozen=True, eq=False)
class StochasticGradientDescent(Method):
    r"""Walks downhill along the gradient of a mini-batch.

    $$w_{k+1} = w_k - \mathrm{lr}\, \nabla L_B(w_k), \qquad B \text{ drawn anew at each step}$$

    Followed text: Robbins and Monro (1951), with a constant rate; the batch size belongs to the run.
    """

    title = "SGD"
    family = "first_order"
    idea = "Step against the gradient of a few samples drawn at random: cheap, noisy, and right on average."
    paper = dict(title="A Stochastic Approximation Method", year=1951)
    gauge = "batch_sharpness"
    reference = ("torch.optim.SGD", {})
    invariances = ("rotation", "translation")

    lr: Annotated[float, Range(1e-5, 10.0, log=True)] = 1e-3

    def step(self, oracle: FiniteSum, w: Tensor, s: tuple) -> tuple[Tensor, tuple, dict]:
        return w - self.lr * oracle.grad(w), s, {}

    def stability_limit(self, oracle: FiniteSum, w: Tensor, s: tuple) -> Tensor | float:
        return 2 / self.lr
