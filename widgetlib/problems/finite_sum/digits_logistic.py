"""Logistic regression on handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import torch
from torch import Tensor

from widgetlib.core.algebra import dot
from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range
from widgetlib.problems.finite_sum import _net
from widgetlib.problems.finite_sum._digits import Data, accuracy, cross_entropy, digits


@dataclass(frozen=True, eq=False)
class DigitsLogistic(Problem):
    r"""$L(w) = \text{mean cross-entropy of softmax}(W x + b) + \tfrac12\,\mathrm{l2}\,\lVert w\rVert^2$.

    Convex in its 650 unknowns, and strongly so where l2 > 0: one minimum, no curvature below l2. Scikit-learn's
    handwritten digits, pixels in [0, 1] with the mean image removed; the penalty holds the biases too.
    """

    title = "Digits, logistic regression"
    idea = "A convex problem on real data: one minimum, curvature that falls as the classes come apart."
    oracle = FiniteSum

    l2: Annotated[float, Range(0.0, 0.1)] = 1e-3
    subset: Annotated[int, Range(50, 1797)] = 1797  # images, the first ones

    @property
    def samples(self) -> int:
        return self.subset

    @cached_property
    def layout(self) -> Layout:
        return _net.dense([64, 10])

    def load(self) -> Data:
        return Data(*(part.double() for part in digits(self.subset)))

    def draw(self, generator: torch.Generator) -> Tensor:
        return _net.lecun(self.layout, generator)

    def outputs(self, w: Tensor, data: Data) -> Tensor:
        """The scores of the classes, `(..., n, 10)`."""
        return _net.outputs(self.layout, w, data.x, "tanh")

    def criterion(self, outputs: Tensor, data: Data) -> Tensor:
        return cross_entropy(outputs, data.y)

    def penalty(self, w: Tensor) -> Tensor:
        return 0.5 * self.l2 * dot(w, w)

    def accuracy(self, w: Tensor, data: Data) -> Tensor:
        return accuracy(self.outputs(w, data), data.y)
