"""The largest Hessian eigenvalues along a run, with what the eigensolver left open."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    band,
    finite,
    follow,
    ink,
    label,
    layout,
    line,
    need,
    number,
    percent,
    steps,
    title,
    wants_log,
)
from widgetlib.figures.theme import NEUTRAL


def eigenvalues(sharpness: Table) -> Picture:
    """Draws the top-k eigenvalues of the Hessian against the step, each with its residual as a band.

    For a symmetric matrix an eigenvalue lies within the residual norm |Hv - λv| of λ, so the band is a bound.

    Args:
        sharpness: sharpness table: `step` [record], `eigenvalue` and `residual` [record, rank] (in 1/lr),
            `limit` [record]. The limit is drawn where it bounds these eigenvalues: not when the method's
            gauge is another or a preconditioned one.

    Returns:
        The picture; its cursor marks all k eigenvalues.

    Raises:
        AtlasError: a column is missing.
    """
    need(sharpness, "eigenvalues", "step", "eigenvalue", "residual", "limit")
    step = sharpness["step"]
    values, residual = finite(sharpness["eigenvalue"]), finite(sharpness["residual"])
    unit = sharpness.column("eigenvalue").unit or "1/lr"
    page = layout("eigenvalues", sharpness, xaxis=steps(), showlegend=True)
    page["yaxis"] = axis(label("Hessian λ", unit))
    if not values.size or np.isnan(values).all():
        return Picture([], page, "No eigenvalue is measured yet.", [])
    shade, log = ink(sharpness), wants_log(values, decades=1.5)
    if log:
        values = np.where(values > 0, values, np.nan)
    page["yaxis"] = axis(label("Hessian λ", unit), values.ravel(), log)
    low = values - residual
    data = [band(finite(step), np.maximum(low, values / 10) if log else low, values + residual, shade)]
    data.append(line(step, values[:, 0], "λ₁", shade))
    ranks = values.shape[1]
    if ranks > 1:  # sorted, so they cannot be confused: one trace with gaps and one entry in the legend
        rest = np.vstack([values[:, 1:], np.full(ranks - 1, np.nan)]).T.ravel()
        name = "λ₂" if ranks == 2 else f"λ₂ … λ{_subscript(ranks)}"
        data.append(line(np.tile(np.append(step, np.nan), ranks - 1), rest, name, NEUTRAL))
        data[-1]["line"] = {"color": NEUTRAL, "width": 1.5}
    limit = finite(sharpness["limit"])
    bounds = sharpness.attrs.get("gauge", "sharpness") == "sharpness" and not sharpness.attrs.get("preconditioned")
    if bounds and np.isfinite(limit).any():
        data.append(line(step, limit, f"limit of {title(sharpness)}", NEUTRAL))
        data[-1]["line"] = {"color": NEUTRAL, "width": 2, "dash": "dash"}
    where = np.repeat(finite(step)[:, None], ranks, axis=1)
    marker = {"size": 9, "color": [NEUTRAL] * (ranks - 1) + [shade]}  # the last one, λ₁, lies on top
    cursors = follow(data, step, where, values[:, ::-1], shade, marker=marker)
    return Picture(data, page, _read(sharpness, step, values, residual), cursors)


def _subscript(n: int) -> str:
    """A number as Unicode subscript."""
    return str(n).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _read(table: Table, step: np.ndarray, values: np.ndarray, residual: np.ndarray) -> str:
    """How the largest eigenvalue changed, how far the second is from it, and how exact both are."""
    known = np.flatnonzero(np.isfinite(values[:, 0]))
    if not len(known):
        return f"The largest Hessian eigenvalue of {title(table)} is nowhere positive enough to draw."
    first, last = values[known[0], 0], values[known[-1], 0]
    who = f"The largest Hessian eigenvalue along {title(table)}"
    if len(known) == 1:
        text = f"{who} is {number(last)} at step {int(step[known[-1]])}"
    else:
        verb = "grows" if last > first * 1.05 else "falls" if last < first * 0.95 else "stays"
        times = f" ({number(last / first)} times)" if first > 0 and last > 0 and verb != "stays" else ""
        change = f"from {number(first)} to {number(last)}{times}"
        change = f"near {number(last)}" if verb == "stays" else change
        text = f"{who} {verb} {change} between steps {int(step[known[0]])} and {int(step[known[-1]])}"
    if values.shape[1] > 1 and np.isfinite(values[known[-1], 1]):
        second = values[known[-1], 1]
        text += f"; the second is {number(second)}"
        text += f", {percent(1 - second / last)} below it" if last > 0 and second > 0.01 * last else ""
    relative = residual / np.abs(np.where(values == 0, np.nan, values))
    if np.isfinite(relative).any():
        worst = np.nanmax(relative)
        text += f"; relative residuals are at most {worst:.1g}" if worst else "; all are exact"
    return text + "."
