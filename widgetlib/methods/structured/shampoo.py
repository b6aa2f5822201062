"""Shampoo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.algebra import map_leaves, slow, symmetric_power
from widgetlib.core.method import Kronecker, Method
from widgetlib.core.oracle import Minimize
from widgetlib.core.words import Claim, Range


class State(NamedTuple):
    sums: tuple  # for each part the factors L and R, or L alone, (..., n, n)
    roots: tuple  # their inverse roots as they were last taken, the same form


@dataclass(frozen=True, eq=False)
class Shampoo(Method):
    r"""AdaGrad with one matrix for the rows and one for the columns of each weight matrix.

    $$L = L + G G^\top, \qquad R = R + G^\top G, \qquad W_{k+1} = W_k - \mathrm{lr}\, L^{-1/4}\, G\, R^{-1/4}$$

    Followed text: Gupta, Koren and Singer, algorithms 1 and 2, and the documentation of TensorFlow's optimizer of that
    name: both sums start at $\varepsilon I$, and the power is -1/2 over the number of axes, so that a vector is stepped
    by $L^{-1/2}$, full-matrix AdaGrad (often copied ports to torch take twice that power). A kernel of more than two
    axes is the matrix of its first axis against the rest (the paper keeps all axes), and there is no momentum. Roots
    are taken by eigenvalues, each `every`-th step; between, the step divides by stale ones, which early on are almost
    $\varepsilon$ where no gradient has been. With the roots held fixed, $P^{-1} X = L^{-1/4} X R^{-1/4}$ and the edge
    is $2/\mathrm{lr}$; P only grows, so that a run may leave its edge again.
    """

    title = "Shampoo"
    family = "structured"
    idea = "Learn which rows and which columns of a weight matrix have moved much, and shrink the step along both."
    paper = dict(title="Shampoo: Preconditioned Stochastic Tensor Optimization", year=2018)
    invariances = ("rotation", "translation")
    claim = Claim(
        "Each at its best rate, it ends at or below AdaGrad's loss after 100 steps on the digits net.",
        study="race", baselines=("adagrad",), problem="digits_mlp", settings={"subset": 600}, axis="steps", budget=100,
        trials=8, tuning=1, seeds=3,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-4, 10.0, log=True)] = 0.1
    eps: Annotated[float, Range(1e-8, 1.0, log=True)] = 1e-4
    every: Annotated[int, Range(1, 100)] = 1

    def init(self, oracle: Minimize, w: Tensor) -> State:
        first = map_leaves(torch.zeros_like, self._squares(oracle, w))
        first = map_leaves(lambda x: x + self._eye(x), first)
        return State(first, first)

    def step(self, oracle: Minimize, w: Tensor, s: State) -> tuple[Tensor, State, dict]:
        g = oracle.grad(w)
        sums = map_leaves(lambda x, y: slow(x + y), s.sums, self._squares(oracle, g))
        roots = s.roots
        if oracle.k % self.every == 0:
            roots = tuple(tuple(symmetric_power(x, -0.5 / len(part)) for x in part) for part in sums)
        s = State(sums, map_leaves(slow, roots))
        return w - self.lr * self.preconditioner(oracle, w, s).solve(g), s, {}

    def _eye(self, x: Tensor) -> Tensor:
        eye = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
        return eye * (self.eps.unsqueeze(-1) if isinstance(self.eps, Tensor) else self.eps)

    def _squares(self, oracle: Minimize, g: Tensor) -> tuple:
        """G Gᵀ and Gᵀ G of each matrix, g gᵀ of everything else."""
        found: list[tuple[Tensor, ...]] = []

        def matrix(x: Tensor) -> Tensor:
            found.append((x @ x.mT, x.mT @ x))
            return x

        def vector(x: Tensor) -> Tensor:
            found.append((x.unsqueeze(-1) * x.unsqueeze(-2),))
            return x

        oracle.layout.map(matrix, g, vector=vector)
        return tuple(found)

    def preconditioner(self, oracle: Minimize, w: Tensor, s: State) -> Kronecker:
        return Kronecker(oracle.layout, s.roots)

    def stability_limit(self, oracle: Minimize, w: Tensor, s: State) -> Tensor | float:
        return 2 / self.lr
