"""A small network on handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from widgetlib.core.layout import Layout
from widgetlib.core.oracle import FiniteSum
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range


class Data(NamedTuple):
    x: Tensor  # (n, 64), pixel mean removed
    y: Tensor  # (n, 10), one-hot


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
        sizes = [64, *[self.width] * self.depth, 10]
        parts: dict[str, tuple[int, ...]] = {}
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
            parts |= {f"W{i}": (fan_out, fan_in), f"b{i}": (fan_out,)}
        return Layout(parts)

    def load(self) -> Data:
        x, y = _digits()
        return Data(x[: self.subset] - x[: self.subset].mean(0), y[: self.subset])

    def draw(self, generator: torch.Generator) -> Tensor:
        pieces = []
        for name, shape in self.layout.parts.items():
            weight = name.startswith("W")
            pieces.append(
                torch.randn(shape, generator=generator).flatten() / shape[1] ** 0.5 if weight else torch.zeros(shape)
            )
        return torch.cat(pieces)

    def outputs(self, w: Tensor, data: Data) -> Tensor:
        """Network outputs, `(..., n, 10)`."""
        parts = self.layout.views(w)
        bend = {"tanh": torch.tanh, "relu": torch.relu, "gelu": functional.gelu}[self.activation]
        h = data.x
        for i in range(1, self.depth + 1):
            h = bend(h @ parts[f"W{i}"].mT + parts[f"b{i}"].unsqueeze(-2))
        last = self.depth + 1
        return h @ parts[f"W{last}"].mT + parts[f"b{last}"].unsqueeze(-2)

    def loss(self, w: Tensor, data: Data) -> Tensor:
        out = self.outputs(w, data)
        if self.objective == "square":
            each = 0.5 * ((out - data.y) ** 2).sum(-1)
        else:
            each = -(data.y * functional.log_softmax(out, dim=-1)).sum(-1)
        return each.mean(-1, keepdim=True)


@lru_cache(maxsize=1)
def _digits() -> Data:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.tensor(bunch.data / 16.0, dtype=torch.float32)
    return Data(x, functional.one_hot(torch.tensor(bunch.target), 10).float())
