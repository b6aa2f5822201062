"""What a run under way collects, and what can be seen of it from outside."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.algebra import leaves
from widgetlib.core.oracle import Cost
from widgetlib.core.trace import Point, Trace

COUNTERS = [field.name for field in dataclasses.fields(Cost)]


class Recorder:
    """Collects what a Trace holds while a run goes on.

    Args:
        first: where the run begins.
        steps: how many steps it may take.
        coords: values along each leading axis.
        memory: bytes for checkpoints of w and state; beyond it fewer are kept and the rest replayed.
    """

    def __init__(self, first: Point, steps: int, coords: dict[str, list], memory: int):
        size = sum(x.numel() * x.element_size() for x in (first.w, *leaves(first.state)))
        self.stride = max(1, -(-size * (steps + 1) // max(memory, 1)))
        self.first, self.point, self.coords = first, first, coords
        self.cost = Cost()
        self.began = time.perf_counter()
        self.losses: list[Tensor] = []
        self.infos: list[dict[str, Tensor]] = []
        self.costs = [(0.0, 0.0, 0.0, 0.0)]
        self.kept = [first]

    def step(self, loss: Tensor | None, info: dict[str, Tensor], point: Point) -> None:
        """Records the loss at the point just left (computed here where the step did not) and the new point."""
        self.losses.append(self._loss(self.point) if loss is None else loss)
        self.infos.append(info)
        c = self.cost
        self.costs.append((c.values, c.gradients, c.products, time.perf_counter() - self.began))
        if (point.k - self.first.k) % self.stride == 0:
            self.kept.append(point)
        self.point = point

    def hopeless(self) -> bool:
        """Whether no member is finite any more."""
        return not torch.isfinite(self.losses[-1]).any()

    def trace(self, stopped: bool = False) -> Trace:
        """The Trace so far; reads only, so that a live view may ask at any time."""
        first, kept, n = self.first, self.kept[:], len(self.losses)
        lead = first.w.shape[:-1]
        losses = torch.stack([*self.losses, self._loss(self.point)]).squeeze(-1).expand(n + 1, *lead)
        names = self.infos[0] if self.infos else {}
        return Trace(
            first.method, first.problem, tuple(self.coords), self.coords, first.seeds, first.batch, first.data,
            first.k + np.arange(n + 1), losses,
            dict(zip([*COUNTERS, "seconds"], np.array(self.costs).T, strict=True)),
            {name: self._info([info[name] for info in self.infos]) for name in names},
            np.array([p.k for p in kept]), torch.stack([p.w for p in kept]), [p.state for p in kept], stopped,
        )  # fmt: skip

    def _loss(self, point: Point) -> Tensor:
        with torch.no_grad():
            return point.oracle().uncounted().merit_at(point.w)

    def _info(self, rows: list[Any]) -> Tensor:
        w = self.first.w
        rows = [torch.as_tensor(x, dtype=w.dtype, device=w.device).expand(*w.shape[:-1], 1) for x in rows]
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
