"""The monkey saddle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range, Start


@dataclass(frozen=True, eq=False)
class MonkeySaddle(Problem):
    r"""$L(x, y) = x^3 - 3 x y^2 + \tfrac14 c\,(x^2 + y^2)^2$: three ways down and three up, two legs and a tail.

    The classical saddle (Hilbert and Cohn-Vossen, Anschauliche Geometrie, 1932) is the first two terms; c = 0 is it
    alone: unbounded below, and whatever leaves the origin runs to infinity. A small confinement c gives each way down
    an end, at the radius 3/c and the loss $-27 / (4 c^3)$, where the Hessian has the eigenvalues 9/c and 27/c; within a
    radius much below that the picture is the classical one. At the origin slope and Hessian vanish both: no curvature
    says where down is. Three ridges lead into it, and a point exactly on one of them stays there.
    """

    title = "Monkey saddle"
    idea = (
        "A saddle without curvature: the slope and the Hessian vanish, and only third derivatives know the ways down."
    )
    layout = Layout({"w": (2,)})
    starts = (
        Start("beside the ridge", (1.5, 0.02)),
        Start("on the ridge", (1.5, 0.0)),
        Start("near the saddle", (0.1, 0.15)),
        Start("high up", (-1.6, 2.6)),
    )
    window = ((-3.8, 3.2), (-3.5, 3.5))

    c: Annotated[float, Range(0.0, 4.0)] = 1.0

    @property
    def minima(self) -> tuple[tuple[float, ...], ...]:
        if not self.c:
            return ()
        reach = 3 / self.c
        return ((-reach, 0.0), (reach / 2, 3**0.5 / 2 * reach), (reach / 2, -(3**0.5) / 2 * reach))

    def loss(self, w: Tensor, data: Any) -> Tensor:
        x, y = w[..., :1], w[..., 1:]
        return x**3 - 3 * x * y**2 + 0.25 * self.c * (x**2 + y**2) ** 2

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        x, y = w[..., :1], w[..., 1:]
        square = x * x + y * y
        slope = torch.cat([3 * (x * x - y * y), -6 * x * y], dim=-1) + self.c * square * w
        return x**3 - 3 * x * y * y + 0.25 * self.c * square**2, slope
