"""A bilinear game of two players."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from widgetlib.core.game import Game
from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range


class Data(NamedTuple):
    a: Tensor  # (n, n), the coupling


@dataclass(frozen=True, eq=False)
class BilinearGame(Problem):
    r"""$\min_x \max_y\ x^\top A y + \tfrac{\mu}{2}(\lVert x\rVert^2 - \lVert y\rVert^2)$ with n unknowns each.

    The singular values of A run from the coupling s down to s/n, none of them along a coordinate. The field's
    Jacobian has the eigenvalues $\mu \pm i\sigma$: with $\mu = 0$ a pure rotation around the equilibrium at 0.
    """

    title = "Bilinear game"
    idea = "Each player runs after the other: following one's own gradient leads round in circles, and outward."
    oracle = Game
    window = ((-2.5, 2.5), (-2.5, 2.5))

    coupling: Annotated[float, Range(0.1, 10.0, log=True)] = 1.0
    mu: Annotated[float, Range(0.0, 1.0)] = 0.0  # strong monotonicity
    dimension: Annotated[int, Range(1, 20)] = 1  # unknowns of each player

    @cached_property
    def layout(self) -> Layout:
        return Layout({"x": (self.dimension,), "y": (self.dimension,)})

    @property
    def minima(self) -> tuple[tuple[float, ...], ...]:
        """The equilibrium."""
        return ((0.0,) * (2 * self.dimension),)

    def load(self) -> Data:
        n = self.dimension
        turns = torch.randn(2, n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        left, right = torch.linalg.qr(turns).Q if n > 1 else turns.sign() * turns.sign()
        return Data(left * (self.coupling / torch.arange(1, n + 1, dtype=torch.float64)) @ right.mT)

    def draw(self, generator: torch.Generator) -> Tensor:
        """(1.5, 1) where there are two unknowns and the seed is 0; else a point as far from the equilibrium."""
        if self.dimension == 1 and generator.initial_seed() == 0:
            return torch.tensor([1.5, 1.0], dtype=self.dtype)
        z = torch.randn(2 * self.dimension, generator=generator, dtype=self.dtype)
        return z * (3.25**0.5 / z.norm())

    def field(self, z: Tensor, data: Data) -> Tensor:
        """(∇x f, -∇y f) at `z`, `(..., 2 n)`."""
        x, y = z.split(self.dimension, dim=-1)
        return torch.cat([y @ data.a.mT + self.mu * x, self.mu * y - x @ data.a], dim=-1)
