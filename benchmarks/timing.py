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
        reach: how many times faster than the peer is wanted; below 1 how many times slower is allowed (1/4.5).
        number: the target that the row stands for; 0 for a row that is only good to know.
        stretch: the ratio that would be better still.
    """

    what: str
    ours: list[float]
    peer: str = ""
    theirs: list[float] = []
    target: float | None = None
    reach: float | None = None
    number: int = 0
    stretch: float | None = None

    def cells(self) -> list[str]:
        """Text of each column: medians with the best in brackets, the ratio of the best, and what was wanted."""
        goals, faster = [], ""
        if self.ours and self.target is not None:
            goals.append(f"{milliseconds([self.target])} ms: {_verdict(median(self.ours) <= self.target)}")
        if self.ours and self.theirs:
            ratio = min(self.theirs) / min(self.ours)
            faster = times(ratio)
            goals += [f"{times(x)}: {_verdict(ratio >= x)}" for x in (self.reach, self.stretch) if x is not None]
        ours, theirs = milliseconds(self.ours), milliseconds(self.theirs)
        return [str(self.number or ""), self.what, ours, self.peer, theirs, faster, ", ".join(goals)]


def _verdict(kept: bool) -> str:
    return "met" if kept else "missed"


HEAD = ["target", "what", "here, median (best), ms", "peer", "peer, median (best), ms", "times faster", "wanted"]


def times(ratio: float) -> str:
    """How many times faster: `4.2 ×`, or `1/4.2 ×` for what is slower."""
    if ratio < 0.5:
        return f"1/{1 / ratio:.3g} ×"
    return f"{ratio:.3g} ×" if ratio < 1000 else f"{ratio:.0f} ×"


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
