"""The flow behind a card: settings in, pictures out, cheap ones at once and the others as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

from widgetlib import catalog
from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError, Range, View
from widgetlib.figures.picture import Picture
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
    batch: int | None = None  # samples in a mini-batch; None for all

    def build(self) -> tuple[Any, Any]:
        """The method and the problem, validated."""
        return catalog.method(self.method, **self.fields), catalog.problem(self.problem, **self.problem_fields)


class Drawn(NamedTuple):
    """What a figure was drawn from: its tables in order, and its options."""

    tables: tuple[Table | None, ...]
    options: dict[str, Any]


class Experiment:
    """Computes the four views of a run on the worker's thread, each as the problem's world has it.

    Args:
        show: takes the name of a view, its heading and its picture.
        say: takes a sentence on how far the work is.
        progress: takes the share done, 0 to 1.
        ran: takes the first and last step of a run that is on screen.
    """

    def __init__(
        self,
        show: Callable[[str, str, Picture], None],
        say: Callable[[str], None],
        progress: Callable[[float], None],
        ran: Callable[[int, int], None],
    ):
        self.show, self.say, self.progress, self.ran = show, say, progress, ran
        self.trace: Any = None
        self.views: dict[str, View] = {}
        self.drawn: dict[str, Drawn] = {}
        self.slice: Table | None = None
        self.surface = False

    def run(self, want: Settings, token: Token) -> None:
        """Runs `want` and draws: the path, the loss and the landscape first, then curvature, then the meter."""
        import torch

        from widgetlib.engine.run import Running, run

        torch.set_num_threads(1)  # small nets lose with more, and the page's own thread needs the core
        method, problem = want.build()
        self.views = problem.oracle.views
        self.clock = next((c.clock for c in problem.oracle.__mro__ if c.__name__ == method.asks()), "step")
        small = problem.layout.size <= SMALL
        k = min(3, problem.layout.size)
        curvature = _observer(self.views["eigenvalues"].measure)(k=k, every=max(1, want.steps // LOOKS))
        pace = Pace(10)

        def on_step(running: Running) -> None:
            if token.ended:
                running.stop()
            elif not small:
                if running.k % curvature.every == 1 or curvature.every == 1:
                    curvature.observe(running.point)
                if pace.due():
                    self._growing(running, curvature)
            elif pace.due():
                self.progress(running.k / running.steps)

        if not small:
            self.say("Training …")
        trace = run(method, problem, want.steps, seed=want.seed, start=want.start, batch=want.batch, on_step=on_step)
        token.check()
        self.trace = trace
        self._cheap(token)
        token.rest(0.15)  # while a slider is being dragged nothing else is worth beginning
        self._curvature(curvature if small else None, token)
        self._meter(token)
        self._done(token)

    def replay(self, views: dict[str, View], drawn: dict[str, Drawn], first: int, last: int) -> None:
        """Shows the pictures of a recorded run; nothing is computed and torch is not imported."""
        self.views = views
        self.slice = drawn["landscape"].tables[0] if "landscape" in drawn else None
        for name, (tables, options) in drawn.items():
            self._draw(name, *tables, **options)
        self.ran(first, last)

    def redraw(self, token: Token) -> None:
        """Draws the landscape again, as a contour or as a surface."""
        if self.slice is not None:
            self._landscape(self.slice, token)

    def _draw(self, name: str, *tables: Table | None, **options: Any) -> None:
        """Hands the picture of one view over, and keeps what it was drawn from."""
        view = self.views[name]
        self.drawn[name] = Drawn(tables, options)
        self.show(name, view.title, _function("figures", view.figure)(*tables, **options))

    def _growing(self, running: Any, curvature: Any) -> None:
        """What a run under way shows: the curves so far."""
        trace = running.trace()
        self.table = trace.table()
        self._draw("trajectory", self.table, clock=self.clock)
        if curvature.rows:
            self._show_curvature(curvature, trace)
        self.progress(running.k / running.steps)
        self.say(f"Training: step {running.k} of {running.steps}, about {running.left:.0f} s left.")

    def _cheap(self, token: Token) -> None:
        """The path, the merit and the landscape."""
        trace = self.trace
        self.table = trace.table()
        small = trace.problem.layout.size <= SMALL
        self.ran(int(trace.steps[0]), int(trace.steps[-1]))
        plane, slopes = (self.views[name].measure for name in ("landscape", "trajectory"))
        plane = _function("measure", plane)
        norms = _function("measure", slopes)(trace, **({} if small else {"most": 60})) if slopes else None
        self._draw("trajectory", self.table, norms, clock=self.clock)  # the page paints it while the plane is measured
        if small:
            self._landscape(plane(trace), token)
        for size in () if small else (13, 41):  # coarse at once, fine after
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
        self._draw("landscape", table, surface=self.surface)

    def _curvature(self, curvature: Any, token: Token) -> None:
        """Eigenvalues and gauge of a small problem, after its run; a net's were measured while it trained."""
        if curvature is None:
            return
        pace = Pace(4)
        pace.due()
        for point in self.trace.points(curvature.every):
            token.check()
            curvature.observe(point)
            if pace.due():
                self._show_curvature(curvature, self.trace)
        self._show_curvature(curvature, self.trace)

    def _show_curvature(self, curvature: Any, trace: Any) -> None:
        self.sharp = curvature.table(trace.attrs())
        self._draw("eigenvalues", self.sharp)
        self._draw("edge", self.sharp, None, self.table)

    def _meter(self, token: Token) -> None:
        if not len(self.sharp["step"]):
            return
        last = int(self.trace.steps[-1])
        meter = _observer(self.views["edge"].measure)(every=max(1, 2 * last // LOOKS))
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
        self._draw("edge", self.sharp, meter.table(self.trace.attrs()), self.table)

    def _done(self, token: Token) -> None:
        trace = self.trace
        self.progress(1.0)
        cost = {name: values[-1] for name, values in trace.cost.items()}
        counted = ", ".join(f"{cost[n]:.0f} {n}" for n in ("gradients", "values", "products") if cost[n])
        stopped = "Stopped: " if trace.stopped or token.stopped else ""
        self.say(f"{stopped}{len(trace) - 1} steps, {counted or 'no oracle calls'}, {cost['seconds']:.2f} s.")


def _function(folder: str, name: str) -> Callable[..., Any]:
    """The measure or figure of that file."""
    return getattr(import_module(f"widgetlib.{folder}.{name}"), name)


def _observer(name: str) -> type:
    """The class of a measure that looks at a run as it goes: `Sharpness` of `sharpness`."""
    return getattr(import_module(f"widgetlib.measure.{name}"), name.title().replace("_", ""))


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
