"""The flow behind a card: settings in, pictures out, cheap ones at once and the others as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from widgetlib import catalog
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, Range
from widgetlib.figures.edge_of_stability import edge_of_stability
from widgetlib.figures.eigenvalues import eigenvalues
from widgetlib.figures.landscape import landscape
from widgetlib.figures.picture import Picture
from widgetlib.figures.trajectory import trajectory
from widgetlib.widgets.worker import Pace, Token

SMALL = 64  # unknowns up to which a whole run answers a slider at once
LOOKS = 50  # how often curvature is measured along a run; the meter half as often


@dataclass(frozen=True)
class Settings:
    """What a person chose: slugs, fields by dotted name, and the run's own arguments."""

    method: str
    problem: str
    fields: dict[str, Any] = field(default_factory=dict)
    problem_fields: dict[str, Any] = field(default_factory=dict)
    steps: int = 500
    seed: int = 0
    start: str | None = None

    def build(self) -> tuple[Any, Any]:
        """The method and the problem, validated."""
        return catalog.method(self.method, **self.fields), catalog.problem(self.problem, **self.problem_fields)


class Experiment:
    """Computes the four views of a run on the worker's thread.

    Args:
        show: takes the name of a view and its picture.
        say: takes a sentence on how far the work is.
        progress: takes the share done, 0 to 1.
        ran: takes the first and last step of a run that is on screen.
    """

    def __init__(
        self,
        show: Callable[[str, Picture], None],
        say: Callable[[str], None],
        progress: Callable[[float], None],
        ran: Callable[[int, int], None],
    ):
        self.show, self.say, self.progress, self.ran = show, say, progress, ran
        self.trace: Any = None
        self.slice: Table | None = None
        self.surface = False

    def run(self, want: Settings, token: Token) -> None:
        """Runs `want` and draws: the path, the loss and the landscape first, then curvature, then the meter."""
        import torch

        from widgetlib.engine.run import Running, run
        from widgetlib.measure.sharpness import Sharpness

        torch.set_num_threads(1)  # small nets lose with more, and the page's own thread needs the core
        method, problem = want.build()
        small = problem.layout.size <= SMALL
        sharp = Sharpness(k=min(3, problem.layout.size), every=max(1, want.steps // LOOKS))
        pace = Pace(10)

        def on_step(running: Running) -> None:
            if token.ended:
                running.stop()
            elif not small:
                if running.k % sharp.every == 1 or sharp.every == 1:
                    sharp.observe(running.point)
                if pace.due():
                    self._growing(running, sharp)
            elif pace.due():
                self.progress(running.k / running.steps)

        if not small:
            self.say("Training …")
        trace = run(method, problem, want.steps, seed=want.seed, start=want.start, on_step=on_step)
        token.check()
        self.trace = trace
        self._cheap(token)
        self._curvature(sharp if small else None, token)
        self._meter(token)
        self._done(token)

    def redraw(self, token: Token) -> None:
        """Draws the landscape again, as a contour or as a surface."""
        if self.slice is not None:
            self._landscape(self.slice, token)

    def _growing(self, running: Any, sharp: Any) -> None:
        """What a run under way shows: the curves so far."""
        trace = running.trace()
        attrs = trace.attrs()
        table = trace.table()
        self.show("trajectory", trajectory(table))
        if sharp.rows:
            self.sharp = sharp.table(attrs)
            self.show("eigenvalues", eigenvalues(self.sharp))
            self.show("edge", edge_of_stability(self.sharp, None, table))
        self.progress(running.k / running.steps)
        self.say(f"Training: step {running.k} of {running.steps}, about {running.left:.0f} s left.")

    def _cheap(self, token: Token) -> None:
        from widgetlib.measure.gradient import gradient
        from widgetlib.measure.plane import plane

        trace = self.trace
        self.table = trace.table()
        small = trace.problem.layout.size <= SMALL
        self.ran(int(trace.steps[0]), int(trace.steps[-1]))
        if small:
            self._landscape(plane(trace), token)
            self.show("trajectory", trajectory(self.table, gradient(trace)))
            return
        self.show("trajectory", trajectory(self.table, gradient(trace, most=60)))
        for size in (13, 41):  # coarse at once, fine after
            self.say("Drawing the landscape …")
            try:
                self._landscape(plane(trace, size=size, on_row=lambda _: token.ended), token)
            except AtlasError as problem:  # a run too short for a plane still has its other views
                self.say(str(problem))
                return
            if token.ended:
                return

    def _landscape(self, table: Table, token: Token) -> None:
        token.check()
        self.slice = table
        self.show("landscape", landscape(table, surface=self.surface))

    def _curvature(self, sharp: Any, token: Token) -> None:
        """Eigenvalues and gauge of a small problem, after its run; a net's were measured while it trained."""
        if sharp is None:
            return
        pace = Pace(4)
        pace.due()
        for point in self.trace.points(sharp.every):
            token.check()
            sharp.observe(point)
            if pace.due():
                self._show_curvature(sharp)
        self._show_curvature(sharp)

    def _show_curvature(self, sharp: Any) -> None:
        self.sharp = sharp.table(self.trace.attrs())
        self.show("eigenvalues", eigenvalues(self.sharp))
        self.show("edge", edge_of_stability(self.sharp, None, self.table))

    def _meter(self, token: Token) -> None:
        from widgetlib.measure.update_map import UpdateMap

        if not len(self.sharp["step"]):
            return
        last = int(self.trace.steps[-1])
        meter = UpdateMap(every=max(1, 2 * last // LOOKS))
        pace = Pace(3)
        pace.due()
        for point in self.trace.points(meter.every):
            if token.ended:
                break
            meter.observe(point)
            if pace.due():
                self.progress(point.k / max(last, 1))
                self.say("Measuring the eigenvalues of the one-step map …")
                self._show_meter(meter)
        token.check()
        self._show_meter(meter)

    def _show_meter(self, meter: Any) -> None:
        table = meter.table(self.trace.attrs())
        self.show("edge", edge_of_stability(self.sharp, table, self.table))

    def _done(self, token: Token) -> None:
        trace = self.trace
        self.progress(1.0)
        cost = {name: values[-1] for name, values in trace.cost.items()}
        counted = ", ".join(f"{cost[n]:.0f} {n}" for n in ("gradients", "values", "products") if cost[n])
        stopped = "Stopped: " if trace.stopped or token.stopped else ""
        self.say(f"{stopped}{len(trace) - 1} steps, {counted or 'no oracle calls'}, {cost['seconds']:.2f} s.")


def tuned(want: Settings, name: str, legal: Range, token: Token) -> float:
    """A rate to begin with for the dotted field `name`, inside `legal`: one batched sweep of short runs."""
    from widgetlib.engine.rate import good_rate

    method, problem = want.build()
    small = problem.layout.size <= SMALL
    rate = good_rate(
        method, problem, name, legal, steps=min(want.steps, 300) if small else 30, members=48 if small else 12,
        on_step=lambda running: running.stop() if token.ended else None,
    )  # fmt: skip
    token.check()
    return rate
