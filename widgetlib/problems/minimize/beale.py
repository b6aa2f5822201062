"""Beale's function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Start


@dataclass(frozen=True, eq=False)
class Beale(Problem):
    r"""$L(x, y) = \sum_{i=1}^3 \big(c_i - x (1 - y^i)\big)^2$, c = (1.5, 2.25, 2.625): plateaus and a sharp ridge.

    Beale (1958); problem 5 of Moré, Garbow and Hillstrom (1981), who start at (1, 1). The minimum is at (3, 1/2); at
    (0, 1) the slope vanishes too, and the Hessian has the eigenvalues 27.75 and -27.75: a saddle as steep down as up.
    """

    title = "Beale"
    idea = "Flat plateaus, a steep saddle, and a curved valley to the minimum: no one rate suits all three."
    layout = Layout({"w": (2,)})
    starts = (Start("classic", (1.0, 1.0)), Start("by the saddle", (0.05, 1.1)), Start("far valley", (-0.5, -1.2)))
    minima = ((3.0, 0.5),)
    window = ((-1.0, 4.5), (-1.6, 1.6))

    def loss(self, w: Tensor, data: Any) -> Tensor:
        x, y = w[..., :1], w[..., 1:]
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        x, y = w[..., :1], w[..., 1:]
        loss, dx, dy = 0.0, 0.0, 0.0
        for i, c in ((1, 1.5), (2, 2.25), (3, 2.625)):
            bend = y**i - 1
            rest = c + x * bend
            loss, dx, dy = loss + rest**2, dx + 2 * rest * bend, dy + 2 * i * rest * x * y ** (i - 1)
        return loss, torch.cat([dx, dy], dim=-1)
