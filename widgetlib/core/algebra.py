"""Reductions over the last axis, functions of matrices, and the switch that freezes slow state.

A method never looks at leading axes: `w` is `(..., d)`, and what is one number a member is `(..., 1)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

_frozen: ContextVar[bool] = ContextVar("frozen", default=False)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product over the last axis, `(..., 1)`."""
    return (a * b).sum(-1, keepdim=True)


def norm(a: Tensor) -> Tensor:
    """Euclidean norm over the last axis, `(..., 1)`."""
    return torch.linalg.vector_norm(a, dim=-1, keepdim=True)


def symmetric_power(a: Tensor, power: float) -> Tensor:
    """A^power of symmetric positive definite matrices `(..., n, n)`, by their eigenvalues.

    Its derivative is that of Daleckii and Krein, which is finite where eigenvalues coincide (the derivative of
    the eigenvectors is not, and a freshly started second moment has n - 1 equal ones).
    """
    return _Power.apply(a, power)


class _Power(torch.autograd.Function):
    @staticmethod
    def forward(context, a, power):
        # eigh raises on what a diverged member brings, and the other members would be lost with it
        size = a.abs().amax((-2, -1), keepdim=True)
        sound = torch.isfinite(size)
        scale = torch.where(sound, size, 1).clamp_min(torch.finfo(a.dtype).tiny)
        eye = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
        values, vectors = torch.linalg.eigh(torch.where(sound, a / scale, eye))
        values = (values * scale.squeeze(-1)).clamp_min(torch.finfo(a.dtype).tiny)
        context.save_for_backward(values, vectors)
        context.power = power
        return torch.where(sound, (vectors * values.pow(power).unsqueeze(-2)) @ vectors.mT, torch.nan)

    @staticmethod
    def backward(context, g):
        values, vectors = context.saved_tensors
        row, column, p = values.unsqueeze(-1), values.unsqueeze(-2), context.power
        gap, tie = row - column, (row - column).abs() <= 1e-6 * (row + column)
        slope = torch.where(tie, p * ((row + column) / 2).pow(p - 1), (row.pow(p) - column.pow(p)) / (gap + tie * row))
        inner = vectors.mT @ (g + g.mT) @ vectors / 2
        return vectors @ (slope * inner) @ vectors.mT, None


def newton_schulz(g: Tensor, steps: int = 5) -> Tensor:
    """Moves all singular values of matrices `(..., m, n)` near 1 (to 0.7 to 1.2, not to 1) without an SVD.

    The odd quintic a X + b (X Xᵀ) X + c (X Xᵀ)² X, its coefficients chosen by Jordan et al. for the largest slope
    at zero; it starts from g over its Frobenius norm.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = g.mT if tall else g
    x = x / torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True).clamp_min(1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


def slow(x: Tensor) -> Tensor:
    """Marks what a stability law treats as constant: the identity, and `x.detach()` inside `frozen()`."""
    return x.detach() if _frozen.get() else x


@contextmanager
def frozen() -> Iterator[None]:
    """Inside, `slow` holds its argument constant, so that a step can be linearised as its law assumes."""
    token = _frozen.set(True)
    try:
        yield
    finally:
        _frozen.reset(token)


def leaves(tree: Any) -> list[Tensor]:
    """The tensors of a nest of tuples, in order."""
    return [tree] if isinstance(tree, Tensor) else [leaf for branch in tree for leaf in leaves(branch)]


def map_leaves(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The nest of the same form with `f` applied leaf by leaf (to the matching leaves of all trees)."""
    if isinstance(tree, Tensor):
        return f(tree, *others)
    branches = [map_leaves(f, *parts) for parts in zip(tree, *others, strict=True)]
    return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)
