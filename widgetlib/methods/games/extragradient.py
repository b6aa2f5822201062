"""The extragradient method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from widgetlib.core.game import Game
from widgetlib.core.method import Method
from widgetlib.core.words import Claim, Range


@dataclass(frozen=True, eq=False)
class Extragradient(Method):
    r"""Looks one step ahead, and steps from where it stood by the field that it saw there.

    $$\tilde z = z_k - \mathrm{lr}\, F(z_k), \qquad z_{k+1} = z_k - \mathrm{lr}\, F(\tilde z)$$

    Followed text: Korpelevich (1976), without constraints, with one rate for both halves, as in the ExtraSGD of Gidel
    et al. An eigenvalue $\mu$ of the field's Jacobian is multiplied by $1 - a + a^2$, $a = \mathrm{lr}\,\mu$. For the
    rotation $\mu = i\sigma$ of a bilinear game its squared modulus is $1 - a^2 + a^4$ with $a = \mathrm{lr}\,\sigma$:
    below 1 exactly for $\sigma < 1/\mathrm{lr}$, where the plain step $1 - i a$ always spirals outward. On the unit
    circle $|1 - a + a^2| = |2 \cos(\arg a) - 1|$, so that $|\mu| < 1/\mathrm{lr}$ is safe in every monotone game, and
    is the edge at the angles 0 and 90 degrees alone.
    """

    title = "Extragradient"
    family = "games"
    idea = "Ask where everybody is heading, and react to that instead of to where everybody stands."
    paper = dict(title="The extragradient method for finding saddle points and other problems", year=1976)
    gauge = "field_sharpness"
    invariances = ("rotation", "translation", "permutation")
    claim = Claim(
        "On the bilinear game a decade of rates, or more, brings the field to a hundredth of its start in 500 steps.",
        study="sweep", problem="bilinear_game", steps=500, share=0.01, decades=1.0,
    )  # fmt: skip

    lr: Annotated[float, Range(1e-4, 10.0, log=True)] = 0.1

    def step(self, oracle: Game, w: Tensor, s: tuple) -> tuple[Tensor, tuple, dict]:
        ahead = w - self.lr * oracle.field(w)
        return w - self.lr * oracle.field(ahead), s, {}

    def stability_limit(self, oracle: Game, w: Tensor, s: tuple) -> Tensor | float:
        return 1 / self.lr
