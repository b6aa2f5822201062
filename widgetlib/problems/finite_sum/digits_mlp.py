"""A small network on handwritten digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import torch
from torch import Tensor

from widgetlib.core.algebra import dot, norm
from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.problems.finite_sum import _backprop, _net, _pearlmutter
from widgetlib.problems.finite_sum._digits import Data, accuracy, cross_entropy, digits


@dataclass(frozen=True, eq=False)
class DigitsMLP(Problem):
    """A fully connected net on scikit-learn's 1797 handwritten digits of 8 by 8 pixels.

    Pixels are scaled to [0, 1] and the mean image is removed. The square loss is half the squared error
    summed over the ten outputs and averaged over the images; cross-entropy is averaged over the images.
    Weights start normal with variance 1/inputs (LeCun et al. 1998, for tanh), biases at zero.
    """

    title = "Digits, fully connected net"
    idea = "Real data, small enough to train in seconds: curvature climbs while the net learns."
    oracle = FiniteSum
    dtype = torch.float32

    width: Annotated[int, Range(4, 128)] = 32
    depth: Annotated[int, Range(1, 4)] = 2  # hidden layers
    activation: Literal["tanh", "relu", "gelu"] = "tanh"
    objective: Literal["square", "cross_entropy"] = "square"
    subset: Annotated[int, Range(50, 1797)] = 1797  # images, the first ones

    @property
    def samples(self) -> int:
        return self.subset

    @cached_property
    def layout(self) -> Layout:
        return _net.dense([64, *[self.width] * self.depth, 10])

    def load(self) -> Data:
        return digits(self.subset)

    def draw(self, generator: torch.Generator) -> Tensor:
        return _net.lecun(self.layout, generator)

    def outputs(self, w: Tensor, data: Data) -> Tensor:
        """Network outputs, `(..., n, 10)`."""
        return _net.outputs(self.layout, w, data.x, self.activation)

    def criterion(self, outputs: Tensor, data: Data) -> Tensor:
        if self.objective == "square":
            return 0.5 * ((outputs - data.y) ** 2).sum(-1).mean(-1, keepdim=True)
        return cross_entropy(outputs, data.y)

    def loss_and_grad(self, w: Tensor, data: Data) -> tuple[Tensor, Tensor]:
        return _backprop.passes(self.layout, w, data.x, self.activation, self._head(data))[:2]

    def curvature(self, w: Tensor, data: Data) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
        head = self._head(data)
        return _pearlmutter.curvature(self.layout, w, data.x, self.activation, head, self._bent)

    def _head(self, data: Data) -> _backprop.Head:
        lying = data._replace(y=data.y.mT.contiguous().mT)  # images last, as the outputs lie

        def head(out: Tensor) -> tuple[Tensor, Tensor]:
            aim = out if self.objective == "square" else out.mT.softmax(-2).mT
            return self.criterion(out, lying), (aim - lying.y) / out.shape[-2]

        return head

    def _bent(self, out: Tensor) -> Callable[[Tensor], Tensor]:
        if self.objective == "square":
            return lambda move: move / out.shape[-2]
        p = out.mT.softmax(-2).mT
        return lambda move: p * (move - dot(p, move)) / out.shape[-2]

    def loss_on(self, origin: Tensor, axes: Tensor, data: Data) -> Callable[[Tensor], Tensor]:
        y = data.y.mT.contiguous().mT  # images last, as the outputs lie

        def judge(out: Tensor) -> Tensor:
            if self.objective == "square":  # written over the outputs, which nobody else wants
                return norm(out.sub_(y).mT.flatten(-2)) ** 2 / (2 * len(y))
            return cross_entropy(out, y)

        return _net.on_span(self.layout, origin, axes, data.x, self.activation, judge)

    def accuracy(self, w: Tensor, data: Data) -> Tensor:
        return accuracy(self.outputs(w, data), data.y)
