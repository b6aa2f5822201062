"""Rastrigin's egg box."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Annotated, Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range, Start


@dataclass(frozen=True, eq=False)
class Rastrigin(Problem):
    r"""$L(x, y) = 2a + \sum_i \big(w_i^2 - a \cos 2 \pi w_i\big)$: a bowl under a regular grid of wells.

    Rastrigin (1974), with a = 10. The lowest well is at the origin, of sharpness $2 + 4 \pi^2 a = 396.8$; near each
    point with whole coordinates lies another one, nearly as sharp, and higher by about its distance squared.
    """

    title = "Rastrigin"
    idea = "Dozens of wells in one bowl: a step shorter than a well is caught in the first, a longer one sees the bowl."
    layout = Layout({"w": (2,)})
    starts = (Start("far rim", (2.2, 1.7)), Start("next well", (0.9, 0.2)), Start("drawn from the seed"))
    minima = ((0.0, 0.0),)
    window = ((-2.6, 2.6), (-2.6, 2.6))

    a: Annotated[float, Range(0.0, 20.0)] = 10.0

    def draw(self, generator: torch.Generator) -> Tensor:
        """Anywhere in the window."""
        return 5.2 * torch.rand(2, generator=generator, dtype=self.dtype) - 2.6

    def loss(self, w: Tensor, data: Any) -> Tensor:
        return (w**2 + self.a * (1 - torch.cos(2 * pi * w))).sum(-1, keepdim=True)

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        return self.loss(w, data), 2 * w + 2 * pi * self.a * torch.sin(2 * pi * w)
