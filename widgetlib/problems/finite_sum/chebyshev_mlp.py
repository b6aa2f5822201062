"""A small network that learns a Chebyshev polynomial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.problems.finite_sum import _backprop, _net, _pearlmutter


class Data(NamedTuple):
    x: Tensor  # (n, 1)
    y: Tensor  # (n, 1)


@dataclass(frozen=True, eq=False)
class ChebyshevMLP(Problem):
    r"""$L(w) = \tfrac{1}{2n} \sum_i (f_w(x_i) - T_q(x_i))^2$, $T_q(x) = \cos(q \arccos x)$, x evenly in [-1, 1].

    A tanh net 1-30-30-1 of 1021 weights (after the regression of Cohen et al. 2021). Weights start normal with
    variance 1/inputs, biases at zero.
    """

    title = "Chebyshev regression"
    idea = "The smallest net that shows the edge of stability: one wave, a thousand weights, milliseconds a step."
    oracle = FiniteSum

    degree: Annotated[int, Range(1, 8)] = 4
    points: Annotated[int, Range(10, 200)] = 20
    width: Annotated[int, Range(4, 64)] = 30

    @property
    def samples(self) -> int:
        return self.points

    @cached_property
    def layout(self) -> Layout:
        return _net.dense([1, self.width, self.width, 1])

    def load(self) -> Data:
        x = torch.linspace(-1, 1, self.points, dtype=torch.float64).unsqueeze(-1)
        return Data(x, torch.cos(self.degree * torch.arccos(x)))

    def draw(self, generator: torch.Generator) -> Tensor:
        return _net.lecun(self.layout, generator)

    def outputs(self, w: Tensor, data: Data) -> Tensor:
        """What the net makes of the points, `(..., n, 1)`."""
        return _net.outputs(self.layout, w, data.x, "tanh")

    def criterion(self, outputs: Tensor, data: Data) -> Tensor:
        return 0.5 * ((outputs - data.y) ** 2).sum(-1).mean(-1, keepdim=True)

    def loss_and_grad(self, w: Tensor, data: Data) -> tuple[Tensor, Tensor]:
        return _backprop.passes(self.layout, w, data.x, "tanh", self._head(data))[:2]

    def curvature(self, w: Tensor, data: Data) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
        def bent(out: Tensor) -> Callable[[Tensor], Tensor]:
            return lambda move: move / out.shape[-2]

        return _pearlmutter.curvature(self.layout, w, data.x, "tanh", self._head(data), bent)

    def _head(self, data: Data) -> _backprop.Head:
        return lambda out: (self.criterion(out, data), (out - data.y) / out.shape[-2])
