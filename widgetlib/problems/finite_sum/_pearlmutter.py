"""Hessian products of fully connected layers, written out: two thirds of the time of autograd on nets this small."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.problems.finite_sum._backprop import Head, Layer, passes

Slope = Callable[[Tensor], Tensor]


def _tanh(layer: Layer, h: Tensor, back: Callable[[], Tensor]) -> tuple[Slope, Tensor]:
    """φ'' is -2 φ φ', and δ holds φ' Wᵀδ already."""
    return lambda x: torch.ops.aten.tanh_backward(x, h), (h * layer.d).mul_(-2)


def _relu(layer: Layer, h: Tensor, back: Callable[[], Tensor]) -> tuple[Slope, Tensor]:
    return lambda x: torch.ops.aten.threshold_backward(x, h, 0), h.new_zeros(1)


def _gelu(layer: Layer, h: Tensor, back: Callable[[], Tensor]) -> tuple[Slope, Tensor]:
    z = layer.z
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    slope = torch.special.ndtr(z) + z * density
    return lambda x: x * slope, (2 - z**2) * density * back()


# Multiplication by φ', and φ'' Wᵀδ, of a hidden layer: from what the passes left there, its output h and a way to
# get Wᵀδ.
CURVES = {"tanh": _tanh, "relu": _relu, "gelu": _gelu}


def curvature(
    layout: Layout, w: Tensor, x: Tensor, activation: str, head: Head, bent: Callable[[Tensor], Callable]
) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
    r"""The loss and gradient of `passes`, to the last bit, and the map $v \mapsto \nabla^2 L\, v$.

    Both passes are differentiated along v (Pearlmutter 1994). With a dot for that derivative, $V_i, c_i$ the parts of
    v, $z$, $h$ and $\delta$ as in `passes`: $\dot z_i = V_i h_{i-1} + W_i \dot h_{i-1} + c_i$,
    $\dot h_i = \phi'(z_i)\, \dot z_i$, and back $\dot\delta_{i-1} = \phi'(z_{i-1}) (W_i^\top \dot\delta_i +
    V_i^\top \delta_i) + \phi''(z_{i-1}) (W_i^\top \delta_i)\, \dot z_{i-1}$.

    Args:
        bent: outputs `(..., n, outputs)` to the map of their change to the change of the head's slope.
    """
    value, gradient, layers = passes(layout, w, x, activation, head)
    parts, last = layout.views(w), len(layers)
    weights = [parts[f"W{i}"] for i in range(1, last + 1)]
    at_head = bent(layers[-1].z.mT)
    curves = [
        CURVES[activation](layer, after.h, lambda w=weight, after=after: w.mT @ after.d)
        for layer, after, weight in zip(layers, layers[1:], weights[1:], strict=False)
    ]

    def product(v: Tensor) -> Tensor:
        moves = layout.views(v)
        turned = [moves[f"W{i}"] for i in range(1, last + 1)]
        z_dots: list[Tensor] = []
        h_dots: list[Tensor] = []
        for i, layer in enumerate(layers):
            z_dot = _plus(turned[i] @ layer.h, weights[i], h_dots[-1]) if i else turned[i] @ layer.h
            z_dots.append(z_dot.add_(moves[f"b{i + 1}"].unsqueeze(-1)))
            if i < last - 1:
                h_dots.append(curves[i][0](z_dot))
        d_dot, found = at_head(z_dots[-1].mT).mT, {}
        for i in range(last - 1, -1, -1):
            layer = layers[i]
            found[f"W{i + 1}"], found[f"b{i + 1}"] = d_dot @ layer.h.mT, d_dot.sum(-1)
            if i:
                _plus(found[f"W{i + 1}"], layer.d, h_dots[i - 1].mT)
                slope, curve = curves[i - 1]
                d_dot = slope(_plus(weights[i].mT @ d_dot, turned[i].mT, layer.d)).addcmul_(curve, z_dots[i - 1])
        return layout.flat(found)

    return value, gradient, product


def _plus(out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Adds a @ b in place."""
    return out.addmm_(a, b) if out.ndim == 2 else out.add_(a @ b)
