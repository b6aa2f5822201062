"""The flow behind a comparison: what was chosen in, two linked pictures out; what did not change is not run again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from widgetlib import catalog
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, Range
from widgetlib.figures.paths import paths
from widgetlib.figures.picture import Picture
from widgetlib.figures.progress import progress
from widgetlib.figures.rivals import AXES, Clock, clock
from widgetlib.widgets.controls import NOTCH
from widgetlib.widgets.experiment import SMALL, Settings, tuned
from widgetlib.widgets.worker import Pace, Token

MEMORY = 2**25
"""Bytes that the iterates of one side may take: a path on screen needs no more."""


@dataclass(frozen=True)
class Contest:
    """What a person chose: slugs, the fields of each method, the problem, and what all runs share."""

    methods: tuple[str, ...]
    problem: str
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem_fields: dict[str, Any] = field(default_factory=dict)
    steps: int = 500
    seeds: int = 1
    start: str | None = None
    batch: int | None = None
    axis: str = ""  # "" for the first on which all of them spend

    def side(self, slug: str) -> Settings:
        """The run of one method, as a card would have it."""
        return Settings(slug, self.problem, self.fields.get(slug, {}), self.problem_fields, self.steps, 0, self.start)


class Comparison:
    """Runs the sides one after the other on the worker's thread and draws them at equal cost.

    Args:
        show: takes `landscape` or `progress` and the picture.
        say: takes a sentence on how far the work is.
        progress: takes the share done, 0 to 1.
        ran: takes the clock of what is on screen.
    """

    def __init__(
        self,
        show: Callable[[str, Picture], None],
        say: Callable[[str], None],
        progress: Callable[[float], None],
        ran: Callable[[Clock], None],
    ):
        self.show, self.say, self.progress, self.ran = show, say, progress, ran
        self.traces: dict[str, Any] = {}
        self.contest: Table | None = None
        self.plane: Table | None = None
        self._keys: dict[str, Any] = {}
        self._sides: tuple = ()  # of which runs the plane is

    def rate(self, want: Contest, slug: str, name: str, legal: Range, token: Token) -> float:
        """A rate to begin with for the dotted field `name` of one side, where the slider can stand."""
        self.say(f"Looking for a rate for {catalog.entry(slug).title} …")
        rate = tuned(want.side(slug), name, legal, token)
        if not legal.log:
            return float(f"{rate:.2g}")
        stop = round(math.log10(rate / legal.low) / NOTCH)  # elsewhere the page would move it, and run again
        return float(f"{min(10 ** (math.log10(legal.low) + NOTCH * stop), legal.high):.12g}")

    def run(self, want: Contest, token: Token) -> None:
        """Runs the sides that changed, then draws the merit, the landscape, and says how it stands."""
        import torch

        torch.set_num_threads(1)  # small nets lose with more, and the page's own thread needs the core
        traces: dict[str, Any] = {}
        for done, slug in enumerate(want.methods):
            key = (want.side(slug), want.seeds, want.batch)
            if self._keys.get(slug) != key:
                self._forget(slug)
                trace = self._side(want, slug, done, traces, token)
                token.check()
                self.traces[slug] = trace
                self._keys[slug] = None if trace.stopped else key
            traces[slug] = self.traces[slug]
            if token.stopped:
                break
        for slug in {*self.traces} - {*traces}:
            self._forget(slug)
        self._draw(traces, want, token)

    def axis(self, want: Contest) -> str:
        """The axis to compare on: the one chosen, else the first on which every side spends."""
        if want.axis:
            return want.axis
        sides = len(self.contest["side"])
        return next(a for a in ("gradients", "values", "steps") if len(clock(self.contest, a).sides) == sides)

    def _forget(self, slug: str) -> None:
        self.traces.pop(slug, None)
        self._keys.pop(slug, None)

    def _side(self, want: Contest, slug: str, done: int, traces: dict[str, Any], token: Token) -> Any:
        """The runs of one method, one for each seed, batched; a net's are shown as they grow."""
        from widgetlib.engine.run import Running, run, sweep
        from widgetlib.measure.contest import contest

        method, problem = want.side(slug).build()
        small, pace, title = problem.layout.size <= SMALL, Pace(2), catalog.entry(slug).title
        options: dict[str, Any] = {"batch": want.batch, "memory": MEMORY}
        run(method, problem, 1, start=want.start, **options)  # what only the first call costs is not the method's

        def on_step(running: Running) -> None:
            if token.ended:
                running.stop()
            elif pace.due():
                self.progress((done + running.k / running.steps) / len(want.methods))
                if not small:
                    self.say(f"Training {title}: step {running.k} of {running.steps}, about {running.left:.0f} s left.")
                    table = contest([*traces.values(), running.trace()])
                    self.show("progress", progress(table, want.axis or "steps", growing=True))

        starts = None if want.start is None else [want.start]
        return sweep(method, problem, want.steps, seeds=range(want.seeds), starts=starts, on_step=on_step, **options)

    def _draw(self, traces: dict[str, Any], want: Contest, token: Token) -> None:
        from widgetlib.measure.contest import contest

        self.contest = contest(list(traces.values()))
        axis = self.axis(want)
        at = clock(self.contest, axis)
        token.check()
        self.ran(at)
        self.show("progress", progress(self.contest, axis))
        self._landscape(list(traces.values()), axis, token)
        token.check()
        self.progress(1.0)
        stopped = "Stopped: " if token.stopped else ""
        sides = "1 method" if len(traces) == 1 else f"{len(traces)} methods"
        sides += f", {want.seeds} seeds each" if want.seeds > 1 else ""
        budget = f"compared at {at.spent(at.budget)}" if at.sides else f"none of them asks for {AXES[axis]}"
        self.say(f"{stopped}{sides}: {budget}.")

    def _landscape(self, traces: list[Any], axis: str, token: Token) -> None:
        """The plane of all paths, coarse at once for a net and fine after; measured anew where a path is new."""
        from widgetlib.measure.shared_plane import shared_plane

        sides = tuple(map(id, traces))
        if self._sides == sides and self.plane is not None:
            self.show("landscape", paths(self.plane, self.contest, axis))
            return
        self._sides, self.plane = (), None
        small = traces[0].problem.layout.size <= SMALL
        for size in (64,) if small else (13, 41):
            try:
                self.plane = shared_plane(traces, size=size, on_row=lambda _: token.ended)
            except AtlasError as problem:  # runs too short for a plane still have their curves
                self.say(str(problem))
                return
            token.check()
            self.show("landscape", paths(self.plane, self.contest, axis))
            if token.stopped:
                return
        self._sides = sides
