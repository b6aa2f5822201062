"""A small network on handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.problems.finite_sum import _net
from widgetlib.problems.finite_sum._digits import Data, cross_entropy, digits


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

    def loss(self, w: Tensor, data: Data) -> Tensor:
        out = self.outputs(w, data)
        if self.objective == "square":
            return 0.5 * ((out - data.y) ** 2).sum(-1).mean(-1, keepdim=True)
        return cross_entropy(out, data.y)
