"""What the figures of a comparison share: a mark for each side, and one clock that runs at equal cost."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, nearest
from widgetlib.figures.picture import finite, merit
from widgetlib.figures.theme import DASHES, colour

AXES = {"steps": "steps", "gradients": "gradients", "values": "loss values", "products": "Hessian products",
        "seconds": "seconds"}  # fmt: skip
"""The axes on which cost can be equal, and their names in words."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
FINEST = 100
"""A budget that is no whole number is divided into at least so many ticks."""
TENTHS = {"seconds": ("s", "0.1 s", "10 ms", "ms", "0.1 ms", "10 µs", "µs")}


class Mark(NamedTuple):
    """How one side is drawn: its method's own colour, and what tells it from others of that colour."""

    colour: str
    dash: str
    symbol: str


def marks(slugs: Sequence[str]) -> dict[str, Mark]:
    """A mark for each method: the first of a colour is solid, the second dashed, and so on.

    Args:
        slugs: the sides in order.
    """
    found: dict[str, Mark] = {}
    for slug in slugs:
        shade = colour(slug)
        n = sum(mark.colour == shade for mark in found.values()) % len(DASHES)
        found[slug] = Mark(shade, DASHES[n], SYMBOLS[n])
    return found


class Clock(NamedTuple):
    """Time as cost: at tick t every side has spent t / `scale` on the axis.

    Attributes:
        axis: one of AXES.
        budget: the cost at which the sides are compared; 0 where nobody spends on this axis.
        last: the tick at which the budget is spent.
        scale: ticks for one unit of cost, a power of ten.
        sides: positions of the sides that spend on this axis.
    """

    axis: str
    budget: float
    last: int
    scale: int
    sides: tuple[int, ...]

    @property
    def unit(self) -> str:
        """What a tick is: `gradients`, `0.1 ms`."""
        power = len(str(self.scale)) - 1
        if self.axis in TENTHS:
            return TENTHS[self.axis][power]
        return AXES[self.axis] + (f" / {self.scale}" if power else "")

    def ticks(self, cost: np.ndarray) -> np.ndarray:
        """The tick at which each cost has been paid, as whole numbers."""
        return np.ceil(cost * self.scale - 1e-6).astype(int)

    def spent(self, cost: float) -> str:
        """A cost in words: `500 gradients`, `0.0123 seconds`."""
        number = f"{cost:.0f}" if float(cost).is_integer() else f"{cost:.3g}"
        return f"{number} {AXES[self.axis].removesuffix('s') if number == '1' else AXES[self.axis]}"


def clock(contest: Table, axis: str, growing: bool = False) -> Clock:
    """The clock of a contest on one axis.

    The budget is what the cheapest side that did not diverge spent in all: so far all of them have come.

    Args:
        contest: contest table.
        axis: one of AXES.
        growing: a run is under way, and the budget is what the dearest side has spent.

    Raises:
        AtlasError: there is no such axis.
    """
    if axis not in AXES:
        raise AtlasError(f"costs cannot be compared on {axis!r}; {nearest(axis, AXES)}")
    total = np.nanmax(contest[axis], axis=0)
    sides = np.flatnonzero(total > 0)
    if not len(sides):
        return Clock(axis, 0.0, 1, 1, ())
    alive = [i for i in sides if diverged(contest, i) is None]
    budget = float(total[alive].min() if alive and not growing else total[sides].max())
    scale, most = 1, 10 ** (len(TENTHS["seconds"]) - 1)
    while not budget.is_integer() and budget * scale < FINEST and scale < most:
        scale *= 10
    return Clock(axis, budget, max(1, int(np.ceil(budget * scale - 1e-6))), scale, tuple(map(int, sides)))


def middle(contest: Table) -> np.ndarray:
    """The median of the merit over the seeds, (step, side); NaN where half of the seeds or more are lost."""
    values = np.where(np.isnan(finite(merit(contest)[0])), np.inf, merit(contest)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the middle of two infinite values
        return finite(np.median(values, axis=2))


def diverged(contest: Table, side: int) -> int | None:
    """The first step at which the median of a side is no number, None where it lasts."""
    lost = np.isnan(middle(contest)[:, side]) & _reached(contest, side)
    return int(lost.argmax()) if lost.any() else None


def within(contest: Table, clock: Clock, side: int) -> np.ndarray:
    """Which iterates of a side the budget pays for."""
    return contest[clock.axis][:, side] <= clock.budget * (1 + 1e-9)


def _reached(contest: Table, side: int) -> np.ndarray:
    """Which iterates a side has."""
    return np.isfinite(contest["steps"][:, side])
