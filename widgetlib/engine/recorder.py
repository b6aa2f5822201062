"""What a run under way collects, and what can be seen of it from outside."""

from __future__ import annotations

import dataclasses
import math
import time
from itertools import count

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.oracle import Cost
from widgetlib.core.point import Point, in_turns
from widgetlib.core.trace import Trace

COUNTERS = [field.name for field in dataclasses.fields(Cost)]


class Recorder:
    """Collects what a Trace holds while a run goes on.

    Args:
        first: where the run begins.
        coords: values along each leading axis.
        every: steps between two recorded iterates.
        stride: steps between two checkpoints, a multiple of `every`.
        looks: how many members' merit is worked out at once; None for all.
    """

    def __init__(self, first: Point, coords: dict[str, list], every: int, stride: int, looks: int | None):
        self.first, self.point, self.coords = first, first, coords
        self.every, self.stride, self.looks = every, stride, looks
        self.cost = Cost()
        self.began = time.perf_counter()
        self.merits: list[Tensor] = []
        self.infos: list[dict[str, Tensor]] = []
        self.spent = [(first.k, 0.0, 0.0, 0.0, 0.0)]
        self.kept = [first]

    def step(self, merit: Tensor | None, info: dict[str, Tensor], point: Point) -> None:
        """Records the point just left (its merit is worked out here where the step did not ask for it)."""
        if merit is None and (self.point.k - self.first.k) % self.every == 0:
            merit = self._merit(self.point)
        self.steps([merit], [info], point)

    def steps(
        self, merits: list[Tensor], infos: list[dict[str, Tensor]], point: Point, cost: Cost | None = None
    ) -> None:
        """Records the points just left, where the run stands now, and what that cost where it is not charged yet."""
        for name in COUNTERS if cost else ():
            setattr(self.cost, name, getattr(self.cost, name) + getattr(cost, name))
        for k, merit, info in zip(count(self.point.k - self.first.k), merits, infos, strict=False):
            if k % self.every == 0:
                self.merits.append(merit)
                self.infos.append(info)
        c = self.cost
        self.spent.append((point.k, c.values, c.gradients, c.products, time.perf_counter() - self.began))
        if (point.k - self.first.k) % self.stride == 0:
            self.kept.append(point)
        self.point = point

    def hopeless(self) -> bool:
        """Whether no member is finite any more."""
        last = self.merits[-1]
        return not (math.isfinite(last.flatten()[0]) or torch.isfinite(last).any())  # one is looked at in no time

    def trace(self, stopped: bool = False) -> Trace:
        """The Trace so far; reads only, so that a live view may ask at any time."""
        first, point, kept, spent = self.first, self.point, self.kept[:], np.array(self.spent).T
        steps = np.append(np.arange(first.k, point.k, self.every), point.k)
        lead, merits, infos = first.w.shape[:-1], self.merits[: len(steps) - 1], self.infos[: len(steps) - 1]
        merit = torch.stack([*merits, self._merit(point)]).squeeze(-1).expand(len(steps), *lead)
        names = infos[0] if infos else {}
        return Trace(
            first.method, first.problem, tuple(self.coords), self.coords, first.seeds, first.batch, first.data,
            steps, merit,
            {name: np.interp(steps, spent[0], c) for name, c in zip([*COUNTERS, "seconds"], spent[1:], strict=True)},
            {name: _ended([info[name] for info in infos]) for name in names},
            np.array([p.k for p in kept]), torch.stack([p.w for p in kept]), [p.state for p in kept], stopped,
            together=first.together,
        )  # fmt: skip

    def _merit(self, point: Point) -> Tensor:
        with torch.no_grad():
            return in_turns(lambda part: part.oracle().uncounted().merit_at(part.w), point, self.looks)


def _ended(rows: list[Tensor]) -> Tensor:
    """What the steps recorded, and NaN at the last iterate, from which none was taken."""
    return torch.stack([*rows, torch.full_like(rows[0], torch.nan)]).squeeze(-1)


class Running:
    """A run under way, as `on_step` sees it.

    Attributes:
        k: steps taken so far, counted from where the run began.
        steps: how many were asked for.
        stopped: whether somebody stopped it.
    """

    def __init__(self, steps: int, recorder: Recorder):
        self.k, self.steps, self.stopped = 0, steps, False
        self._recorder = recorder

    @property
    def left(self) -> float:
        """Seconds that the rest will take at the pace so far."""
        return (time.perf_counter() - self._recorder.began) / max(self.k, 1) * (self.steps - self.k)

    @property
    def point(self) -> Point:
        """Where the run stands now."""
        return self._recorder.point

    def stop(self) -> None:
        """Ends the run after this step; what there is comes back as a Trace."""
        self.stopped = True

    def trace(self) -> Trace:
        """What has been recorded so far."""
        return self._recorder.trace()


class Bar:
    """One line on the terminal or in the notebook: how far, and how long the rest will take."""

    def __init__(self) -> None:
        self._shown = 0.0

    def show(self, running: Running, ended: bool) -> None:
        """Writes the line anew, at most five times a second; the last one stays."""
        now = time.perf_counter()
        if now - self._shown > 0.2 or ended:
            self._shown = now
            line = f"\rstep {running.k} of {running.steps}, {running.left:.0f} s left   "
            print(line, end="\n" if ended else "", flush=True)
