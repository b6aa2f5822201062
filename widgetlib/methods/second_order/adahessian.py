"""AdaHessian."""

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
    v: Tensor  # average of squared Hessian diagonals, (..., d)


@dataclass(frozen=True, eq=False)
class AdaHessian(Method):
    r"""Adam whose second moment averages squares of a drawn Hessian diagonal.

    $$D = |z \odot H z|, \quad m = \beta_1 m + (1-\beta_1) g, \quad v = \beta_2 v + (1-\beta_2) \bar D^2, \quad
    w_{k+1} = w_k - \mathrm{lr}\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^r)} + \varepsilon}$$

    z is a vector of random signs, $\bar D$ the mean of D over blocks of a matrix's row (vectors are left alone),
    $t = k + 1$ the number of steps and r that of the draws so far. Followed code: the authors'
    `optim_adahessian.py` with Hessian power 1, without its weight decay. It always averages over the 3 x 3 of a
    convolution, which is `block` = 9 here, and draws at each step, which is `every` = 1. With single entries the
    average of $D_i^2$ tends to $\sum_j H_{ij}^2$, the squared norm of a row of H, not to $H_{ii}^2$. The law is
    Adam's, with this diagonal.
    """

    title = "AdaHessian"
    family = "second_order"
    idea = "Divide the averaged gradient by the size of each coordinate's curvature, felt out by random signs."
    paper = dict(title="ADAHESSIAN: An Adaptive Second Order Optimizer for Machine Learning", year=2020)
    invariances = ("translation", "loss_scale")
    claim = Claim(
        "Each at its best rate, it ends at or below Adam's loss after 200 steps on the digits net.",
        study="race", baselines=("adam",), problem="digits_mlp", settings={"subset": 600}, axis="steps", budget=200,
        trials=8, tuning=1, seeds=3,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-4, 100.0, log=True)] = 0.15
    beta1: Annotated[float, Range(0.0, 0.999)] = 0.9
    beta2: Annotated[float, Range(0.0, 0.9999)] = 0.999
    eps: Annotated[float, Range(1e-12, 1e-1, log=True)] = 1e-4
    every: Annotated[int, Range(1, 100)] = 1
    block: Annotated[int, Range(1, 64)] = 1

    def init(self, oracle: Minimize, w: Tensor) -> State:
        return State(torch.zeros_like(w), torch.zeros_like(w))

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        m = self.beta1 * s.m + (1 - self.beta1) * oracle.grad(w)
        v = s.v
        if oracle.k % self.every == 0:
            z = oracle.noise(w, "rademacher")
            d = oracle.layout.map(self._averaged, (z * oracle.hvp(w, z)).abs(), vector=lambda x: x)
            v = self.beta2 * v + (1 - self.beta2) * d**2
        s = State(m, slow(v))
        return w - self.lr * self.preconditioner(oracle, w, s).solve(m), s, {}

    def _averaged(self, x: Tensor) -> Tensor:
        """Each run of `block` entries of a row replaced by its mean; the last run may be shorter."""
        runs = [run.mean(-1, keepdim=True).expand_as(run) for run in x.split(self.block, dim=-1)]
        return torch.cat(runs, dim=-1) if self.block > 1 else x

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Diagonal:
        root = (s.v / (1 - self.beta2 ** (oracle.k // self.every + 1))).sqrt() + self.eps
        return Diagonal((1 - self.beta1 ** (oracle.k + 1)) * root)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return (2 + 2 * self.beta1) / ((1 - self.beta1) * self.lr)
