"""How a race is timed, and how its row reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        what: the work that both sides do.
        ours: seconds of each repetition.
        peer: what it is compared with.
        theirs: seconds of each of its repetitions; empty where there is no peer.
        target: seconds that `ours` should stay below; None without a target.
    """

    what: str
    ours: list[float]
    peer: str = ""
    theirs: list[float] = []
    target: float | None = None

    def cells(self) -> list[str]:
        """Text of each column: medians with the best in brackets, and the ratio of the best."""
        ratio = f"{min(self.theirs) / min(self.ours):.1f} ×" if self.theirs else ""
        goal = "" if self.target is None else f"{milliseconds([self.target])}: {self._verdict()}"
        return [self.what, milliseconds(self.ours), self.peer, milliseconds(self.theirs), ratio, goal]

    def _verdict(self) -> str:
        return "met" if median(self.ours) <= self.target else "missed"


HEAD = ["what", "here, median (best), ms", "peer", "peer, median (best), ms", "times faster", "target, ms"]


def milliseconds(seconds: list[float]) -> str:
    """Median and best of some times, in milliseconds with three digits."""
    if not seconds:
        return ""
    middle, best = (f"{1e3 * x:.3g}" if x < 1 else f"{1e3 * x:.0f}" for x in (median(seconds), min(seconds)))
    return middle if len(seconds) == 1 else f"{middle} ({best})"


def race(
    ours: Callable[[], object], theirs: Callable[[], object] | None = None, repeat: int = 5, scale: float = 1.0
) -> tuple[list[float], list[float]]:
    """Times both sides in turn, so that a busy machine is busy for both.

    Args:
        ours, theirs: the work; each is done once before the clock starts.
        repeat: timed repetitions.
        scale: how much more work the peer would have to do than it is asked to.

    Returns:
        Seconds of each repetition, ours and theirs (scaled).
    """
    sides = [ours] if theirs is None else [ours, theirs]
    times: tuple[list[float], list[float]] = ([], [])
    for i in range(-1, repeat):
        for side, column in zip(sides, times, strict=False):
            began = time.perf_counter()
            side()
            if i >= 0:
                column.append(time.perf_counter() - began)
    return times[0], [scale * x for x in times[1]]
