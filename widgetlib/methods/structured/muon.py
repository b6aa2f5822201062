"""Muon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.algebra import newton_schulz
from widgetlib.core.method import Method
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import Claim, Range


class State(NamedTuple):
    m: Tensor  # average of gradients, (..., d)


@dataclass(frozen=True, eq=False)
class Muon(Method):
    r"""Momentum whose matrices are made nearly orthogonal before the step.

    $$m = \beta m + (1-\beta) g, \qquad u = (1-\beta)\, g + \beta\, m, \qquad
    W_{k+1} = W_k - \mathrm{lr}\, \sqrt{\max(1, \text{rows}/\text{columns})}\ \mathrm{NS}_5(U)$$

    Followed code: Jordan's `muon.py` (five steps of the quintic with coefficients 3.4445, -4.7750 and 2.0315), in
    w's own precision where he computes in bfloat16; torch's Muon is the same rule. Weight decay is left out. Muon
    is made for the matrices inside a net and leaves the rest to AdamW; here whatever is no matrix steps by the
    signs of u, which is the same idea for a vector: every entry moves equally far.
    """

    title = "Muon"
    family = "structured"
    idea = "Make all singular values of the update nearly equal: rare directions move as far as loud ones."
    paper = dict(title="Muon: An optimizer for hidden layers in neural networks", year=2024)
    invariances = ("translation",)
    no_law = (
        "A step of Muon is equally long whatever the gradient, so that no curvature makes it diverge: it ends in a "
        "zig-zag as wide as its rate, and what is shown is the length of its steps and an edge that says nothing."
    )
    claim = Claim(
        "Each at its best rate, it ends at or below Adam's loss after 200 steps on the digits net.",
        study="race", baselines=("adam",), problem="digits_mlp", settings={"subset": 600}, axis="steps", budget=200,
        trials=8, tuning=1, seeds=3,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-5, 1.0, log=True)] = 0.02
    beta: Annotated[float, Range(0.0, 0.999)] = 0.95

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        m = self.beta * s.m + (1 - self.beta) * g
        u = oracle.layout.map(_orthogonal, (1 - self.beta) * g + self.beta * m, vector=torch.sign)
        return w - self.lr * u, State(m), {}


def _orthogonal(x: Tensor) -> Tensor:
    """The published scale keeps the size of the outputs whatever the matrix's form."""
    return max(1.0, x.shape[-2] / x.shape[-1]) ** 0.5 * newton_schulz(x)
