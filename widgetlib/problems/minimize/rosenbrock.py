"""Rosenbrock's banana valley."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range, Start


@dataclass(frozen=True, eq=False)
class Rosenbrock(Problem):
    r"""$L(x, y) = (1 - x)^2 + b\,(y - x^2)^2$: a curved, flat valley between steep walls.

    Rosenbrock (1960), with b = 100. The minimum is at (1, 1); the Hessian there has the eigenvalues 0.40
    and 1001.6.
    """

    title = "Rosenbrock"
    idea = "A steep-walled, curved valley with an almost flat floor: getting in is easy, getting along is not."
    layout = Layout({"w": (2,)})
    opens_cards = True
    starts = (Start("classic", (-1.2, 1.0)), Start("upper right", (1.6, 2.2)), Start("below", (0.0, -0.8)))
    minima = ((1.0, 1.0),)
    window = ((-2.0, 2.0), (-1.0, 3.0))

    b: Annotated[float, Range(1.0, 200.0, log=True)] = 100.0

    def loss(self, w: Tensor, data: Any) -> Tensor:
        x, y = w[..., :1], w[..., 1:]
        return (1 - x) ** 2 + self.b * (y - x**2) ** 2

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        x, y = w[..., :1], w[..., 1:]
        rest, gap = x - 1, y - x * x
        pull = 2 * self.b * gap
        return rest * rest + 0.5 * pull * gap, torch.cat([2 * rest - 2 * x * pull, pull], dim=-1)
