"""A bowl whose eigenvalues are all known, and the spectra that measures of them are tried on."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.trace import Point


class Data(NamedTuple):
    hessian: torch.Tensor


@dataclass(frozen=True, eq=False)
class Known(Problem):
    """½ wᵀHw, H with the given eigenvalues in random directions."""

    eigenvalues: tuple[float, ...] = ()

    @cached_property
    def layout(self):
        return Layout({"w": (len(self.eigenvalues),)})

    def load(self):
        d = len(self.eigenvalues)
        turn = torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
        return Data(turn * torch.tensor(self.eigenvalues, dtype=torch.float64) @ turn.mT)

    def draw(self, generator):
        return torch.randn(len(self.eigenvalues), generator=generator, dtype=torch.float64)

    def loss(self, w, data):
        return 0.5 * (w * (w @ data.hessian)).sum(-1, keepdim=True)


def net_like(d=600):
    """A bulk around zero, a tail below it, twelve that stand alone above, and a cluster of thirty at 2."""
    random = np.random.default_rng(0)
    bulk = random.standard_normal(d - 46) * 0.05
    alone = np.geomspace(2.5, 10, 12)
    return tuple(np.sort(np.concatenate([bulk, alone, np.full(30, 2.0), [-1.0, -0.9, -0.7, -0.6]])).tolist())


def point(eigenvalues, dtype=torch.float64):
    """A point of gradient descent on that bowl."""
    problem = Known(tuple(eigenvalues))
    w = problem.start().to(dtype)
    data = Data(problem.load().hessian.to(dtype))
    return Point(catalog.method("gd"), problem, 0, w, (), data=data)


def broadened(eigenvalues, grid, width):
    """The density of all eigenvalues, each a Gaussian."""
    bumps = np.exp(-(((grid[:, None] - np.asarray(eigenvalues)) / width) ** 2) / 2)
    return bumps.mean(1) / (width * (2 * np.pi) ** 0.5)
