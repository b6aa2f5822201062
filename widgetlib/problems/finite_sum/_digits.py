"""Scikit-learn's 1797 handwritten digits, read once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Data(NamedTuple):
    x: Tensor  # (n, 64), pixels in [0, 1] with the mean image removed
    y: Tensor  # (n, 10), one-hot


def digits(subset: int) -> Data:
    """The first `subset` images and their labels, float32."""
    x, y = _all()
    return Data(x[:subset] - x[:subset].mean(0), y[:subset])


def cross_entropy(out: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy of outputs `(..., n, 10)` against one-hot labels, averaged over the images, `(..., 1)`."""
    logs = functional.log_softmax(out.mT, dim=-2).mT  # many images side by side: torch's kernel for ten is slow
    return -(y * logs).sum(-1).mean(-1, keepdim=True)


def accuracy(out: Tensor, y: Tensor) -> Tensor:
    """The share of the images whose largest output of `(..., n, 10)` is that of their label, `(..., 1)`."""
    return (out.argmax(-1) == y.argmax(-1)).to(out.dtype).mean(-1, keepdim=True)


@lru_cache(maxsize=1)
def _all() -> Data:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    x = torch.tensor(bunch.data / 16.0, dtype=torch.float32)
    return Data(x, functional.one_hot(torch.tensor(bunch.target), 10).float())
