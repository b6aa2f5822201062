"""A rotated quadratic bowl."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range, Start


class Data(NamedTuple):
    hessian: Tensor  # (d, d)


@dataclass(frozen=True, eq=False)
class Quadratic(Problem):
    r"""$L(w) = \tfrac12 w^\top H w$ with eigenvalues from 1 to the condition number, turned by an angle.

    In two dimensions the axes are turned by `rotation`; in more, by a Givens rotation of each neighbouring
    pair of coordinates, so that no coordinate is an eigenvector.
    """

    title = "Quadratic bowl"
    idea = "Every smooth minimum looks like this from close by: one curvature for each direction."
    starts = (Start("on the slope"),)
    window = ((-2.6, 2.6), (-2.6, 2.6))

    condition: Annotated[float, Range(1.0, 1000.0, log=True)] = 10.0
    rotation: Annotated[float, Range(0.0, 90.0)] = 30.0  # degrees
    dimension: Annotated[int, Range(2, 50)] = 2

    @cached_property
    def layout(self) -> Layout:
        return Layout({"w": (self.dimension,)})

    @property
    def minima(self) -> tuple[tuple[float, ...], ...]:
        return ((0.0,) * self.dimension,)

    def load(self) -> Data:
        spectrum = torch.logspace(0, 1, self.dimension, base=self.condition, dtype=torch.float64)
        turn = torch.eye(self.dimension, dtype=torch.float64)
        angle = torch.deg2rad(torch.tensor(self.rotation, dtype=torch.float64))
        for i in range(self.dimension - 1):
            givens = torch.eye(self.dimension, dtype=torch.float64)
            givens[i, i] = givens[i + 1, i + 1] = angle.cos()
            givens[i + 1, i], givens[i, i + 1] = angle.sin(), -angle.sin()
            turn = turn @ givens
        return Data(turn * spectrum @ turn.T)

    def draw(self, generator: torch.Generator) -> Tensor:
        """(2, 1) turned with the bowl's seed: seed 0 starts at a fixed point, others on the same circle."""
        if self.dimension == 2 and generator.initial_seed() == 0:
            return torch.tensor([2.0, 1.0], dtype=self.dtype)
        w = torch.randn(self.dimension, generator=generator, dtype=self.dtype)
        return w * (5**0.5 / w.norm())

    def loss(self, w: Tensor, data: Data) -> Tensor:
        return 0.5 * (w * (w @ data.hessian)).sum(-1, keepdim=True)

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        g = w @ data.hessian
        return 0.5 * (w * g).sum(-1, keepdim=True), g
