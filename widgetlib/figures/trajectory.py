"""The merit along a run, or along all runs of a sweep, and the gradient norm and step length under it."""

from __future__ import annotations

from typing import Any

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    POINTS,
    Picture,
    axis,
    decimate_all,
    diverged,
    finite,
    follow,
    ink,
    label,
    lasting,
    layout,
    line,
    matrix,
    merit,
    merit_column,
    need,
    number,
    single,
    steps,
    title,
    wants_log,
)
from widgetlib.figures.theme import NEUTRAL, fade

FEWEST = 120
"""Points that a run of a sweep keeps, however many runs share the picture."""


def trajectory(run: Table, gradient: Table | None = None, clock: str = "step") -> Picture:
    """Draws the merit against the step or a cost; for a sweep all runs in one trace, the best one on top.

    Args:
        run: run table: `step` [step] and the merit [step, ...]. Every dimension after step is a sweep; a
            column of the dimension's name (`lr` [lr]) holds the values that were swept.
        gradient: gradient table of the same run: `step`, `gradient_norm`, `step_length` [record].
        clock: the column of `run` that is the axis of time: `step`, or `values`, `gradients`, ... [step].

    Returns:
        The picture, with a cursor on every curve of one run.

    Raises:
        AtlasError: a column is missing, or `gradient` or the clock holds a sweep.
    """
    need(run, "trajectory", "step", clock)
    single(run, "trajectory", clock)
    step, when, (values, name, text) = run["step"], finite(run[clock]), merit(run)
    time = steps() if clock == "step" else axis(label(clock, run.column(clock).unit))
    values = finite(values)
    members = matrix(values)
    shade, data, cursors = ink(run), [], []
    if not members.size:
        page = layout("trajectory", run, xaxis=time, yaxis=axis(text))
        return Picture([], page, "Nothing is recorded yet.", [])
    swept = values.ndim > 1
    best, reading = _compare(run, members, name) if swept else (0, _read(run, step, values, name))
    if clock != "step":
        reading = f"{reading[:-1]}, for {number(when[-1])} {run.column(clock).unit or clock} in all."
    log = wants_log(members)
    drawn = np.where(members > 0, members, np.nan) if log else members
    if swept:
        data.append(_bundle(when, drawn))
    data.append(line(when, drawn[:, best], "best" if swept else name, shade, showlegend=swept))
    data[-1]["line"] = {"color": shade, "width": 2.5}
    cursors += follow(data, step, when, drawn[:, best], shade)
    page = layout("trajectory", run, xaxis=time, yaxis=axis(text, drawn.ravel(), log))
    page["showlegend"] = swept or gradient is not None
    lost = None if swept else diverged(step, values)
    if lost is not None and lost - step[0] < (step[-1] - step[0]) / 2:  # no half-empty picture
        page["xaxis"]["range"] = [float(when[0]), float(when[min(2 * (lost - step[0]) + 1, len(when) - 1)])]
    if gradient is not None:
        _norms(gradient, step, when, shade, data, page, cursors)
    return Picture(data, page, reading, cursors)


def _bundle(when: np.ndarray, members: np.ndarray) -> dict[str, Any]:
    """All runs as one trace with gaps between them: one trace a run would be ten times slower to draw."""
    keep = decimate_all(members, max(POINTS // members.shape[1], FEWEST))
    gap = np.full((1, members.shape[1]), np.nan)
    x, y = (np.concatenate([a, gap]).T.ravel() for a in (when[keep], np.take_along_axis(members, keep, 0)))
    trace = {"type": "scatter", "mode": "lines", "x": x, "y": y}
    look = {"line": {"color": fade(NEUTRAL, 0.5), "width": 1}, "hoverinfo": "skip"}
    return trace | look | {"name": f"{members.shape[1]} runs", "connectgaps": False}


def _norms(
    gradient: Table, steps: np.ndarray, when: np.ndarray, shade: str, data: list, page: dict, cursors: list
) -> None:
    """Adds the lower panel: gradient norm on the left axis, step length on the right one."""
    need(gradient, "trajectory", "step", "gradient_norm", "step_length")
    single(gradient, "trajectory", "gradient_norm", "step_length")
    page["yaxis"]["domain"], page["xaxis"]["anchor"] = [0.46, 1], "y2"
    step = gradient["step"]
    when = when[np.minimum(np.searchsorted(steps, step), len(when) - 1)]
    left = {"domain": [0, 0.38]}
    right = {"overlaying": "y2", "side": "right", "showgrid": False, "anchor": "x"}
    for column, symbol, key, tone, dash, place in (
        ("gradient_norm", "‖∇<i>L</i>‖", "2", shade, "solid", left),
        ("step_length", "‖Δ<i>w</i>‖", "3", NEUTRAL, "dot", right),
    ):
        values = finite(gradient[column])
        log = wants_log(values)
        values = np.where(values > 0, values, np.nan) if log else values
        text = label(symbol, gradient.column(column).unit)
        page[f"yaxis{key}"] = axis(text, values, log, ticks=4, **place)
        look = {"line": {"color": tone, "width": 2, "dash": dash}, "yaxis": f"y{key}"}
        data.append(line(when, values, column.replace("_", " "), tone, **look))
        cursors += follow(data, step, when, values, tone, yaxis=f"y{key}")


def _read(run: Table, step: np.ndarray, values: np.ndarray, name: str) -> str:
    """What one run does."""
    known = values[np.isfinite(values)]
    if not len(known):
        return f"{title(run)} starts at a point where the {name} is not finite."
    if len(step) == 1:
        return f"{title(run)} starts at {name} {number(known[0])}."
    lost = diverged(step, values)
    if lost is not None:
        return f"{title(run)} diverges at step {lost}, from {name} {number(known[0])}."
    end, low = known[-1], known.argmin()
    verb = "lowers" if end < known[0] else "raises" if end > known[0] else "leaves"
    change = f"at {number(end)}" if verb == "leaves" else f"from {number(known[0])} to {number(end)}"
    tail = ""
    if known[low] < end and known[low] < known[0]:
        tail = f"; it was lowest, {number(known[low])}, at step {int(step[low])}"
    return f"{title(run)} {verb} the {name} {change} in {lasting(step)}{tail}."


def _compare(run: Table, members: np.ndarray, name: str) -> tuple[int, str]:
    """The position of the run that ends lowest, and the sentence that names its values."""
    dims = run.column(merit_column(run)).dims[1:]
    over = " and ".join(dims)
    alive = np.isfinite(members).all(axis=0)
    count = members.shape[1]
    if not alive.any():
        return 0, f"All {count} runs of {title(run)} over {over} diverge."
    best = int(np.where(alive, members[-1], np.inf).argmin())
    place = np.unravel_index(best, [run.sizes[dim] for dim in dims])
    named = [
        f"{dim} = {number(run[dim][i])}" if dim in run and run[dim].ndim == 1 and run[dim].dtype.kind in "fiu"
        else f"{dim} number {i + 1}"
        for dim, i in zip(dims, place, strict=True)
    ]  # fmt: skip
    lost = "none diverges" if alive.all() else f"{count - alive.sum()} diverge"
    return best, (
        f"Of {count} runs of {title(run)} over {over}, {' and '.join(named)} ends lowest, "
        f"at {name} {number(members[-1, best])}; {lost}."
    )
