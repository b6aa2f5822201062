"""Fully connected layers on a flat vector of weights with leading axes."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from widgetlib.core.layout import Layout


def tanh(x: Tensor) -> Tensor:
    """tanh; by way of the sigmoid, which takes a sixth of the time, where no gradient will be asked for."""
    return torch.tanh(x) if x.requires_grad else 2 * torch.sigmoid(2 * x) - 1


BENDS = {"tanh": tanh, "relu": torch.relu, "gelu": functional.gelu}


def dense(sizes: list[int]) -> Layout:
    """Layers W1, b1, W2, ... between widths `sizes`."""
    parts: dict[str, tuple[int, ...]] = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
        parts |= {f"W{i}": (fan_out, fan_in), f"b{i}": (fan_out,)}
    return Layout(parts)


def lecun(layout: Layout, generator: torch.Generator) -> Tensor:
    """Weights normal with variance 1/inputs (LeCun et al. 1998, for tanh), vectors zero."""
    return torch.cat([
        torch.randn(shape, generator=generator).flatten() / math.prod(shape[1:]) ** 0.5
        if len(shape) > 1 else torch.zeros(shape)
        for shape in layout.parts.values()
    ])  # fmt: skip


def outputs(layout: Layout, w: Tensor, x: Tensor, activation: str) -> Tensor:
    """What the layers of `w` `(..., d)` make of rows `x`, `(..., n, outputs)`."""
    parts = layout.views(w)
    last = len(parts) // 2
    for i in range(1, last + 1):
        x = x @ parts[f"W{i}"].mT + parts[f"b{i}"].unsqueeze(-2)
        x = BENDS[activation](x) if i < last else x
    return x
