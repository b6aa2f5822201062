"""What a preset runs, and what is measured while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from widgetlib import catalog
from widgetlib.core.table import Table
from widgetlib.figures.edge_of_stability import edge_of_stability
from widgetlib.figures.picture import Picture
from widgetlib.widgets.experiment import Settings
from widgetlib.widgets.worker import Pace, Token

LOOKS = 50  # how often the sharpness is measured along a run
METERS = 9  # how often the one-step map is: it costs ten times as much
LATE = 0.8  # from this share of the run on, numbers are called late


@dataclass(frozen=True)
class Preset:
    """A run under a name that a button shows.

    Attributes:
        label: the words of the button.
        settings: method, problem and their fields.
        then: fields that change half-way, by dotted name; the run goes on from where it stands.
        meter: whether the eigenvalues of the one-step map are measured too.
    """

    label: str
    settings: Settings
    then: dict[str, Any] | None = None
    meter: bool = False


def preset(
    label: str, method: str, problem: str, steps: int, *, seed: int = 0, on: dict[str, Any] | None = None,
    then: dict[str, Any] | None = None, meter: bool = False, **fields: Any,
) -> Preset:  # fmt: skip
    """A preset, checked against the catalogue without importing torch.

    Args:
        label: the words of the button.
        method, problem: slugs.
        steps: length of the run.
        seed: decides where it starts.
        on: fields of the problem.
        then: fields of the method that change half-way.
        meter: whether the eigenvalues of the one-step map are measured too.
        **fields: fields of the method by dotted name.

    Raises:
        AtlasError: an unknown slug or field, or a value out of its range.
    """
    for slug, kind, values in (
        (method, "method", fields),
        (method, "method", then or {}),
        (problem, "problem", on or {}),
    ):
        entry = catalog.entry(slug, kind)
        for name, value in values.items():
            head, _, rest = name.partition(".")
            field = entry.field(head)
            if rest:  # a field of the base
                field = catalog.entry(values.get(head, field.default)).field(rest)
            field.check(value, slug)
    if steps < 2:
        raise catalog.AtlasError(f"{label!r} takes {steps} steps; give at least 2.")
    return Preset(label, Settings(method, problem, fields, on or {}, steps, seed), then, meter)


class Look(NamedTuple):
    """What a run showed.

    Attributes:
        run: run table: step and merit.
        sharpness: sharpness table.
        meter: table of the one-step map, None where it was not measured.
    """

    run: Table
    sharpness: Table
    meter: Table | None = None

    def picture(self) -> Picture:
        """Sharpness against the method's own limit, the loss under it, the meter beside it."""
        return edge_of_stability(self.sharpness, self.meter, self.run)

    def late(self, column: str = "gauge") -> float:
        """Median of a column of the sharpness table over the last fifth of the run."""
        step = self.sharpness["step"]
        values = self.sharpness[column].reshape(len(step), -1)[:, 0]
        return float(np.median(values[step >= LATE * step[-1]]))

    def ratio(self) -> float:
        """Late gauge over the method's own limit."""
        return self.late() / self.late("limit")


def look(wanted: Preset, token: Token, show: Callable[[Look, float], None]) -> Look:
    """Runs a preset and looks on.

    Args:
        wanted: what to run.
        token: ends it early; what there is by then is returned.
        show: takes what is there, a few times a second, and the share done.

    Returns:
        The whole of it.

    Raises:
        Cancelled: another wish came.
    """
    from widgetlib.core.method import with_fields
    from widgetlib.engine.run import run
    from widgetlib.measure.sharpness import Sharpness

    settings = wanted.settings
    method, problem = settings.build()
    halves = [(method, settings.steps)]
    if wanted.then:
        first = settings.steps // 2
        halves = [(method, first), (with_fields(method, wanted.then), settings.steps - first)]
    sharp = Sharpness(k=1, every=max(1, settings.steps // LOOKS), tol=1e-2)
    pace, tables, start = Pace(4), [], settings.start

    def so_far(trace: Any) -> Look:
        return Look(_joined([*tables, trace.table()]), sharp.table(trace.attrs()))

    def on_step(running: Any) -> None:
        if token.ended:
            running.stop()
        elif sharp.rows and pace.due():
            show(so_far(running.trace()), running.point.k / settings.steps)

    for method, steps in halves:
        trace = run(method, problem, steps, seed=settings.seed, start=start, measure=[sharp], on_step=on_step)
        token.check()
        tables.append(trace.table())
        start = trace.at(-1)
        if trace.stopped:
            break
    seen = Look(_joined(tables), sharp.table(trace.attrs()))
    return _metered(seen, trace, token, show) if wanted.meter and not token.ended else seen


def _metered(seen: Look, trace: Any, token: Token, show: Callable[[Look, float], None]) -> Look:
    """The look with the one-step map measured along its run."""
    from widgetlib.measure.update_map import UpdateMap

    meter = UpdateMap(every=max(1, (len(trace) - 1) // METERS), modes=2)
    for point in trace.points(meter.every):
        if token.ended:
            break
        meter.observe(point)
        seen = seen._replace(meter=meter.table(trace.attrs()))
        show(seen, 1.0)
    token.check()
    return seen


def _joined(tables: list[Table]) -> Table:
    """Run tables one after the other: a run that went on with other fields."""
    columns = {
        name: (np.concatenate([t[name] for t in tables]), column.dims, column.symbol, column.unit)
        for name, column in tables[-1].columns.items()
        if column.dims == ("step",)
    }
    return Table(columns, tables[-1].attrs)
