"""The merit of several methods at equal cost, the seeds as bands."""

from __future__ import annotations

import warnings

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    band,
    decimate,
    finite,
    follow,
    label,
    layout,
    line,
    merit,
    merit_column,
    need,
    number,
    wants_log,
)
from widgetlib.figures.rivals import AXES, Clock, clock, diverged, marks, middle, within

EDGE = 300
"""Points of a band's outline at most."""
LEVEL = 1.01
"""Two merits whose ratio is below this count as level."""


def progress(contest: Table, cost: str = "gradients", growing: bool = False) -> Picture:
    """Draws the merit of each side against what it has spent: the median of its seeds, from least to largest a band.

    Args:
        contest: contest table: `side` and `title` [side], the merit [step, side, seed], and the axes of cost
            [step, side].
        cost: the axis: steps, gradients, values, products or seconds. Sides that spend nothing on it are left out.
        growing: the runs are under way, and those that are ahead are drawn to their end.

    Returns:
        The picture. Its cursors move by the ticks of `rivals.clock`: at equal cost.

    Raises:
        AtlasError: a column is missing, or there is no such axis.
    """
    need(contest, "progress", "side", "title", merit_column(contest), *AXES)
    at = clock(contest, cost, growing)
    values, _, text = merit(contest)
    text_x = label("time" if cost in ("steps", "seconds") else "cost", {"seconds": "s"}.get(cost, AXES[cost]))
    page = layout("progress", contest, xaxis=axis(text_x), yaxis=axis(text))
    page["uirevision"] += f"/{cost}"
    if not at.sides:
        return Picture([], page, f"None of these methods asks for {AXES[cost]}: choose another axis.", [])
    shown = {side: within(contest, at, side) for side in at.sides}
    members = {side: finite(values[keep, side]) for side, keep in shown.items()}
    drawn = np.concatenate([m.ravel() for m in members.values()])
    log, median, look = wants_log(drawn), middle(contest), marks(contest["side"].tolist())
    bands, lines, dots, cursors = [], [], [], []
    for side, keep in shown.items():
        mark, x, y = look[contest["side"][side]], contest[cost][keep, side], median[keep, side]
        y = np.where(y > 0, y, np.nan) if log else y
        if members[side].shape[1] > 1:
            bands.append(_band(x, members[side], mark.colour, log))
        style = {"color": mark.colour, "width": 2.25, "dash": mark.dash}
        lines.append(line(x, y, str(contest["title"][side]), mark.colour, line=style))
        dots += follow(cursors, at.ticks(x), x, y, mark.colour, marker={"symbol": mark.symbol, "size": 13})
    shift = len(bands) + len(lines)
    page["yaxis"] = axis(text, np.where(drawn > 0, drawn, np.nan) if log else drawn, log)
    page["xaxis"]["range"] = [0.0, 1.02 * at.budget]
    page["showlegend"] = True
    moved = [dot | {"trace": dot["trace"] + shift} for dot in dots]
    return Picture([*bands, *lines, *cursors], page, _read(contest, at), moved)


def _band(x: np.ndarray, members: np.ndarray, shade: str, log: bool) -> dict:
    """The area from the least to the largest seed."""
    members = np.where(members > 0, members, np.nan) if log else members
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where all seeds have diverged there is no band
        low, high = np.nanmin(members, axis=1), np.nanmax(members, axis=1)
    keep = np.union1d(decimate(low, EDGE), decimate(high, EDGE))
    return band(x[keep], low[keep], high[keep], shade, name="seeds")


def _read(contest: Table, at: Clock) -> str:
    """Who is lowest at the budget, by what ratio and in how many seeds; who diverged; who is not on this axis."""
    name, titles = merit(contest)[1], contest["title"]
    lost = {side: diverged(contest, side) for side in at.sides}
    order = _order(contest, at, [side for side in at.sides if lost[side] is None])
    values = finite(merit(contest)[0])
    alike = values.shape[2] > 1 and np.allclose(values, values[..., :1], equal_nan=True)
    words = [_winner(contest, at, order, name, alike)] if order else []
    gone = [(str(titles[side]), step) for side, step in lost.items() if step is not None]
    if len(gone) == 1:
        words.append(f"{gone[0][0]} diverges at step {gone[0][1]}.")
    elif gone:
        words.append(f"{_and([who for who, _ in gone])} diverge, at steps {_and([str(step) for _, step in gone])}.")
    absent = [str(title) for side, title in enumerate(titles) if side not in at.sides]
    if absent:
        verb = "asks" if len(absent) == 1 else "ask"
        words.append(f"{_and(absent)} {verb} for no {AXES[at.axis]} and cannot be compared on this axis.")
    words += _unpaid(contest, at)
    if alike:
        words.append(f"All {values.shape[2]} seeds give the same run: the start is fixed and nothing is drawn.")
    return " ".join(words)


def _unpaid(contest: Table, at: Clock) -> list[str]:
    """What some of the sides spend besides, where one kind of call is counted: nothing is exchanged for another."""
    if at.axis in ("steps", "seconds"):
        return []
    found = []
    for kind in ("gradients", "values", "products"):
        for side in at.sides if kind != at.axis else ():
            spent = float(contest[kind][within(contest, at, side), side][-1])
            if spent:
                found.append(f"{number(spent)} {AXES[kind]} of {contest['title'][side]}")
    return [f"Not counted on this axis: {_and(found)}."] if found else []


def _order(contest: Table, at: Clock, sides: list[int]) -> list[int]:
    """The sides by their median at the budget, lowest first."""
    return sorted(sides, key=lambda side: _at_budget(contest, at, side)[0])


def _at_budget(contest: Table, at: Clock, side: int) -> tuple[float, np.ndarray]:
    """The median, and the merit of each seed, at the last iterate that the budget pays for."""
    last = int(np.flatnonzero(within(contest, at, side))[-1])
    return float(middle(contest)[last, side]), finite(merit(contest)[0][last, side])


def _winner(contest: Table, at: Clock, order: list[int], name: str, alike: bool) -> str:
    """The sentence about the lowest side."""
    titles = contest["title"]
    best, seeds = _at_budget(contest, at, order[0])
    text = f"After {at.spent(at.budget)} {titles[order[0]]} is"
    if len(order) == 1:
        return f"{text} at {name} {number(best)}."
    second, others = _at_budget(contest, at, order[1])
    ratio = second / best if best > 0 else np.inf
    if best == second or ratio < LEVEL:
        return f"{text} level with {titles[order[1]]}, at {name} {number(best)}."
    text += f" lowest, at {name} {number(best)}; the next, {titles[order[1]]}, is at {number(second)}"
    text += f", {number(ratio)} times as much" if np.isfinite(ratio) else ""
    if len(seeds) > 1 and not alike:
        won = int(np.sum(~(seeds >= others)))
        text += f", and higher in {'all' if won == len(seeds) else f'{won} of'} {len(seeds)} seeds"
    return text + "."


def _and(names: list[str]) -> str:
    """Names as a person lists them."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
