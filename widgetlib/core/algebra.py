"""Reductions over the last axis, and the switch that freezes slow state.

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
