"""A river valley made for the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from widgetlib.core.layout import Layout
from widgetlib.core.problem import Problem
from widgetlib.core.words import Range, Start

SHARPEST = 12.0  # the sharpness at the river's end, the X below


@dataclass(frozen=True, eq=False)
class Valley(Problem):
    r"""$L(x, y) = a(x)\,(\sqrt{1 + y^2} - 1) + \frac{s}{2X} (x - X)^2$, $a(x) = \sqrt{1 + x^2}$, X = 12.

    Along the river y = 0 the Hessian is diag(s/X, a(x)): for x > 1 the place on the river is the sharpness itself, and
    the edge of a rate is a place, x = 2/lr. The river falls gently, with slope s (1 - x/X), towards its sharp end
    (progressive sharpening); a bounce of height y falls towards flat places, with slope $a' (\sqrt{1+y^2} - 1)$
    (self-stabilisation). Gradient descent multiplies y by $1 - \mathrm{lr}\, a / \sqrt{1 + y^2}$, so bounces
    grow beyond the edge and die before it, and the two slopes balance in a cycle of period two with
    $\mathrm{lr}\, a / 2 = \sqrt{1 + y^2} = 1 + s (1 - x/X) / a'$: at its own edge, but for the small slope s. The
    balance attracts, since a higher bounce meets less curvature: with $y^2/2$ as the section it would repel. A rate
    above 2/X never reaches the minimum. Made for this project, after the equations of Damian, Nichani and Lee (2022).

    From the sharp end every rate from 0.2 to 1.3 arrives within 250 steps. From the flat end small rates pass their
    edge first, since by then the bounce has died to nothing and must grow again: a delayed loss of stability.
    """

    title = "River valley"
    idea = "The banks steepen down the river: a method drifts along it to where they are as sharp as its rate can bear."
    layout = Layout({"w": (2,)})
    starts = (Start("sharp end", (11.0, 0.2)), Start("flat end", (0.5, 1.0)), Start("on the bank", (8.0, 2.0)))
    minima = ((12.0, 0.0),)
    window = ((-2.0, 13.0), (-4.0, 4.0))

    slope: Annotated[float, Range(0.0, 0.1)] = 0.04

    def loss(self, w: Tensor, data: Any) -> Tensor:
        x, y = w[..., :1], w[..., 1:]
        bounce = (1 + y**2).sqrt() - 1
        return (1 + x**2).sqrt() * bounce + self.slope / (2 * SHARPEST) * (x - SHARPEST) ** 2

    def loss_and_grad(self, w: Tensor, data: Any) -> tuple[Tensor, Tensor]:
        x, y = w[..., :1], w[..., 1:]
        a, b, fall = (1 + x * x).sqrt(), (1 + y * y).sqrt(), self.slope / SHARPEST * (x - SHARPEST)
        return a * (b - 1) + 0.5 * fall * (x - SHARPEST), torch.cat([x / a * (b - 1) + fall, a * y / b], dim=-1)
