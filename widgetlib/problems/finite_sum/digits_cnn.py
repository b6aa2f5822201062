"""A small convolutional network on handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import torch
from torch import Tensor
from torch.nn import functional

from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.problems.finite_sum._digits import Data, accuracy, cross_entropy, digits
from widgetlib.problems.finite_sum._net import BENDS, lecun


@dataclass(frozen=True, eq=False)
class DigitsCNN(Problem):
    """Two convolutions of 3 by 3 with mean pooling and a linear layer, on scikit-learn's 8 by 8 digits.

    8 x 8 → channels → pooled 4 x 4 → twice the channels → pooled 2 x 2 → 10 outputs; 1898 weights with 8
    channels. Cross-entropy is averaged over the images. Weights start normal with variance 1/inputs, biases at zero.
    """

    title = "Digits, convolutional net"
    idea = "Shared weights: the kernels of a small convolutional net learn strokes that fit everywhere."
    oracle = FiniteSum
    dtype = torch.float32

    channels: Annotated[int, Range(2, 16)] = 8
    activation: Literal["tanh", "relu", "gelu"] = "tanh"
    subset: Annotated[int, Range(50, 1797)] = 1797  # images, the first ones

    @property
    def samples(self) -> int:
        return self.subset

    @cached_property
    def layout(self) -> Layout:
        c = self.channels
        kernels = {"K1": (c, 1, 3, 3), "b1": (c,), "K2": (2 * c, c, 3, 3), "b2": (2 * c,)}
        return Layout(kernels | {"W3": (10, 8 * c), "b3": (10,)})

    def load(self) -> Data:
        return digits(self.subset)

    def draw(self, generator: torch.Generator) -> Tensor:
        return lecun(self.layout, generator)

    def outputs(self, w: Tensor, data: Data) -> Tensor:
        """Network outputs, `(..., n, 10)`: one net a member, side by side."""
        lead = torch.broadcast_shapes(w.shape[:-1], data.x.shape[:-2])
        if not lead:
            return self._net(w, data.x)
        members = w.expand(*lead, -1).reshape(-1, w.shape[-1])
        if data.x.ndim == 2:  # all see the same images
            return torch.vmap(self._net, (0, None))(members, data.x).unflatten(0, lead)
        x = data.x.expand(*lead, *data.x.shape[-2:]).reshape(len(members), *data.x.shape[-2:])
        return torch.vmap(self._net)(members, x).unflatten(0, lead)

    def _net(self, w: Tensor, x: Tensor) -> Tensor:
        """The outputs `(n, 10)` of one net on images `(n, 64)`."""
        parts, bend = self.layout.views(w), BENDS[self.activation]
        x = x.unflatten(-1, (1, 8, 8))
        for i in "12":
            x = functional.avg_pool2d(bend(functional.conv2d(x, parts[f"K{i}"], parts[f"b{i}"], padding=1)), 2)
        return x.flatten(1) @ parts["W3"].mT + parts["b3"]

    def criterion(self, outputs: Tensor, data: Data) -> Tensor:
        return cross_entropy(outputs, data.y)

    def accuracy(self, w: Tensor, data: Data) -> Tensor:
        return accuracy(self.outputs(w, data), data.y)
