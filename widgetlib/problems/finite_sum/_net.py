"""Fully connected layers on a flat vector of weights with leading axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from widgetlib.core.layout import Layout


def tanh(x: Tensor) -> Tensor:
    """tanh; by way of the sigmoid, which takes a sixth of the time, where no gradient will be asked for."""
    return torch.tanh(x) if x.requires_grad else 2 * torch.sigmoid(2 * x) - 1


CACHED = 2**19  # numbers of an activation that is overwritten while it is in the cache
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
    """What the layers of `w` `(..., d)` make of rows `x`, `(..., n, outputs)`; in memory the rows lie last."""
    parts, h = layout.views(w), x.mT
    last = len(parts) // 2
    for i in range(1, last + 1):
        h = parts[f"W{i}"] @ h + parts[f"b{i}"].unsqueeze(-1)
        h = BENDS[activation](h) if i < last else h
    return h.mT


def on_span(
    layout: Layout, origin: Tensor, axes: Tensor, x: Tensor, activation: str, judge: Callable[[Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """What `judge` makes `(m, 1)` of the outputs `(m, n, outputs)` of nets at `origin + c @ axes`, by c `(m, k)`.

    No gradients, and a third of the time of `outputs`. The first layer is linear in the weights, so that its k + 1
    products with `x` serve every c; a tanh net runs as the sigmoid net that it equals; a few nets at a time, images
    last, overwrite the same activations, which so stay in the cache.
    """
    weights, bend = torch.cat([origin.unsqueeze(0), axes]), BENDS[activation]
    if activation == "tanh":
        weights, bend = _with_sigmoids(layout, weights), torch.sigmoid_
    parts = layout.views(weights)
    (matrix, bias), *layers = [(parts[f"W{i}"], parts[f"b{i}"].unsqueeze(-1)) for i in range(1, len(parts) // 2 + 1)]
    first = torch.baddbmm(bias, matrix, x.mT.expand(len(weights), -1, -1)).flatten(1)
    widths = [part.shape[1] for part in (bias, *(b for _, b in layers))]
    at_once = max(1, CACHED // (max(widths) * len(x)))
    rooms = [x.new_empty(at_once, width, len(x)) for width in widths]

    def at(c: Tensor) -> Tensor:
        c = functional.pad(c, (1, 0), value=1.0)
        mixed = [[_mixed(c, part).split(at_once) for part in layer] for layer in layers]
        found = []
        for i, some in enumerate(c.split(at_once)):
            h, *rest = (room[: len(some)] for room in rooms)
            torch.mm(some, first, out=h.flatten(1))
            for (matrix, bias), out in zip(mixed, rest, strict=True):
                h = torch.baddbmm(bias[i], matrix[i], bend(h), out=out)
            found.append(judge(h.mT))
        return torch.cat(found)

    return at


def _mixed(c: Tensor, parts: Tensor) -> Tensor:
    """The sums `(m, ...)` of the parts `(k, ...)` with coefficients c `(m, k)`."""
    return (c @ parts.flatten(1)).view(-1, *parts.shape[1:])


def _with_sigmoids(layout: Layout, w: Tensor) -> Tensor:
    """The weights of a sigmoid net that does what the tanh net of `w` does: tanh x = 2 σ(2x) - 1; linear in `w`."""
    parts, last = dict(layout.views(w)), len(layout.parts) // 2
    for i in range(1, last + 1):
        matrix, bias = parts[f"W{i}"], parts[f"b{i}"]
        if i > 1:
            matrix, bias = 2 * matrix, bias - matrix.sum(-1)
        parts[f"W{i}"], parts[f"b{i}"] = (2 * matrix, 2 * bias) if i < last else (matrix, bias)
    return layout.flat(parts)
