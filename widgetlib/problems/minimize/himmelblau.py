"""Himmelblau's function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Start


@dataclass(frozen=True, eq=False)
class Himmelblau(Problem):
    r"""$L(x, y) = (x^2 + y - 11)^2 + (x + y^2 - 7)^2$: four equal minima around one hill.

    Himmelblau, Applied Nonlinear Programming (1972). All four minima have the loss 0, and sharpness from 80 to 134;
    the hill is at (-0.2708, -0.9230), 181.62 high, and four saddles lie between the minima.
    """

    title = "Himmelblau"
    idea = "Four minima of equal depth: which one a method finds depends on its start, its rate and its inertia."
    layout = Layout({"w": (2,)})
    starts = (
        Start("on the hill", (-0.2, -1.0)),
        Start("corner", (-4.5, 4.5)),
        Start("by a saddle", (0.1, 2.9)),
        Start("right edge", (4.8, 0.2)),
    )
    minima = (
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.2831859912861696),
        (3.5844283403304917, -1.8481265269644036),
    )
    window = ((-5.0, 5.0), (-5.0, 5.0))

    def loss(self, w: Tensor, data: Any) -> Tensor:
        x, y = w[..., :1], w[..., 1:]
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        x, y = w[..., :1], w[..., 1:]
        a, b = x * x + y - 11, x + y * y - 7
        return a * a + b * b, torch.cat([4 * a * x + 2 * b, 2 * a + 4 * b * y], dim=-1)
