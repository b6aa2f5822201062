"""The leading eigenvalues of the gradient noise along a run, how much they explain, and where they point."""

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
    matrix,
    need,
    number,
    percent,
    steps,
    title,
    wants_log,
)
from widgetlib.figures.theme import NEUTRAL


def gradient_noise(table: Table) -> Picture:
    """Draws the eigenvalues of the noise covariance with its trace, and under them two shares.

    Below stand the share of the trace in the leading directions, and their alignment: the share of their span that
    lies within the Hessian's leading eigenvectors, with the share that random directions would have.

    Args:
        table: gradient_noise table: `step`, `trace` [record]; `eigenvalue`, `residual`, `share`, `alignment`,
            `alignment_error` [record, rank].

    Returns:
        The picture, with a cursor in both panels.

    Raises:
        AtlasError: a column is missing.
    """
    need(table, "gradient_noise", "step", "trace", "eigenvalue", "residual", "share", "alignment", "alignment_error")
    step, values = table["step"], matrix(finite(table["eigenvalue"]))
    unit = table.column("trace").unit or "1"
    above = {"anchor": "x", "domain": [0.46, 1]}
    page = layout("gradient_noise", table, xaxis=steps(anchor="y2"), showlegend=True)
    page |= {"yaxis": axis(label("noise", unit), **above), "yaxis2": axis(label("share", "1"), domain=[0, 0.38])}
    if not values.size:
        return Picture([], page, "No gradient noise is measured yet.", [])
    shade, total, ranks = ink(table), finite(table["trace"]), values.shape[1]
    log = wants_log(values, total)
    values, total = (np.where(x > 0, x, np.nan) if log else x for x in (values, total))
    page["yaxis"] = axis(label("noise", unit), np.append(total, values.ravel()), log, **above)
    page["yaxis2"]["range"] = [-0.02, 1.02]
    data = [line(step, total, "trace", NEUTRAL)]
    data[-1]["line"] = {"color": NEUTRAL, "width": 2, "dash": "dash"}
    gaps = np.full((1, ranks), np.nan)
    x = np.tile(np.append(step, np.nan), ranks)
    data.append(line(x, np.vstack([values, gaps]).T.ravel(), f"{ranks} leading eigenvalues", shade))
    share, aligned = finite(table["share"]).sum(1), finite(table["alignment"]).mean(1)
    error = finite(table["alignment_error"]).mean(1)
    below = {"yaxis": "y2"}
    data.append(band(finite(step), np.maximum(aligned - error, 0), np.minimum(aligned + error, 1), NEUTRAL, **below))
    data.append(line(step, share, "share of the trace", shade, **below))
    data[-1]["line"] = {"color": shade, "width": 2, "dash": "dot"}
    data.append(line(step, aligned, "within the Hessian's", NEUTRAL, **below))
    cursors = follow(data, step, np.repeat(finite(step)[:, None], ranks, 1), values, shade, marker={"size": 9})
    cursors += follow(data, step, finite(step), share, shade, **below)
    return Picture(data, page, _read(table, step, total, share, aligned), cursors)


def _read(table: Table, step: np.ndarray, total: np.ndarray, share: np.ndarray, aligned: np.ndarray) -> str:
    """How much noise there is at the end, how few directions hold it, and how far these are the Hessian's."""
    ranks = table.sizes["rank"]
    known = np.flatnonzero(np.isfinite(total) & np.isfinite(share))
    if not len(known):
        return f"The gradients of {title(table)} have no noise: all samples agree."
    last = known[-1]
    many = f"{ranks} leading directions hold" if ranks > 1 else "leading direction holds"
    text = f"At step {int(step[last])} the {many} {percent(share[last])} of the gradient noise of {title(table)}"
    if np.isfinite(aligned[last]):
        text += f" and lie to {percent(aligned[last])} within the Hessian's leading {'ones' if ranks > 1 else 'one'}"
        if "chance" in table.attrs:
            text += f", where chance would give {percent(table.attrs['chance'])}"
    if len(known) > 1:
        first = total[known[0]]
        text += f"; its trace went from {number(first)} to {number(total[last])} since step {int(step[known[0]])}"
    return text + "."
