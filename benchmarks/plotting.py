"""Plotting: the Python side of a redrawing, from the table of a sweep to the one message that a page is sent."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.engine.run import sweep
from widgetlib.figures.trajectory import trajectory
from widgetlib.widgets.live import LiveFigure

RATES = torch.logspace(-4, 0, 64, dtype=torch.float64).tolist()
LIMIT = 300  # kB


class Listening(LiveFigure):
    """A figure that keeps count of what it sends."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        super().__init__()
        self.sizes.clear()

    def _send(self, msg: dict, buffers: list | None = None) -> None:
        self.sizes.append(len(repr(msg)) + sum(len(buffer) for buffer in buffers or ()))


def rows() -> Iterator[Row]:
    """64 trajectories of 500 steps, drawn anew."""
    table = sweep(catalog.method("adam"), catalog.problem("rosenbrock"), 500, {"lr": RATES}).table()
    figure = Listening()
    figure.draw(trajectory(table))
    count, size = len(figure.sizes), sum(figure.sizes) / 1000
    fits = "met" if count == 1 and size < LIMIT else "missed"
    what = f"redrawing 64 trajectories of 500 steps: {count} message of {size:.0f} kB (1 of {LIMIT}: {fits})"
    times, _ = race(lambda: figure.draw(trajectory(table)), None, 50)
    yield Row(what, times, target=1e-3, number=7)
