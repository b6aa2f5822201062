"""The world of games: players descend their own losses at once, and what moves them all is one field."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from widgetlib.core.algebra import norm
from widgetlib.core.oracle import Answer, Merit, Oracle
from widgetlib.core.words import View


class Game(Oracle):
    """A game of players whose unknowns are the parts of one vector z: the field of their own gradients.

    A problem of this world defines `field(z, data)`, `(..., d)`; in a min-max game of f(x, y) it is
    (∇x f, -∇y f), so that `z - lr * field` moves every player downhill on his own loss.
    """

    merit = Merit("size of the field", "‖F‖")
    views = {
        "landscape": View("Field and orbit", "orbit", "landscape"),
        "trajectory": View("Along the run", "", "trajectory"),
        "eigenvalues": View("Spectrum of the field", "field_sharpness", "spectrum"),
        "edge": View("Edge of stability", "update_map", "edge_of_stability"),
    }

    def field(self, z: Tensor) -> Tensor:
        """The field at `z`, `(..., d)`; costs one gradient.

        Keeps the graph where `z` requires a gradient, and none otherwise.
        """
        self.cost.gradients += self.share
        x = self._at(z)
        graph = x.requires_grad and torch.is_grad_enabled()
        with torch.set_grad_enabled(graph):
            f = self.problem.field(x, self.sample)
        if self.seen is None and self.point is None and self.batch is None:
            self.seen = Answer(z, norm(f.detach()), f)
        return f

    def merit_at(self, w: Tensor) -> Tensor:
        """The size of the field at `w`, `(..., 1)`."""
        return norm(self.problem.field(w, self.data))

    def curvature(self, z: Tensor) -> Callable[[Tensor], Tensor]:
        """The map v → Jᵀ(z) v of the field's Jacobian J, which has the spectrum of J; one product a call."""
        x = self._at(z).detach().requires_grad_()
        with torch.enable_grad():
            f = self.problem.field(x, self.sample)

        def product(v: Tensor) -> Tensor:
            self.cost.products += self.share
            return torch.autograd.grad(f, x, v, retain_graph=True)[0]

        return product
