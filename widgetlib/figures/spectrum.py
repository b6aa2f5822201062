"""The complex spectrum of a game's field along a run: moduli against the step, and the complex plane."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    finite,
    follow,
    ink,
    label,
    layout,
    line,
    matrix,
    need,
    number,
    steps,
    title,
)
from widgetlib.figures.theme import NEUTRAL


def spectrum(field: Table) -> Picture:
    """Draws the moduli of the eigenvalues of the field's Jacobian with the limit, and the eigenvalues themselves.

    On the imaginary axis the field turns around, on the right of it it pulls inward. The circle has the limit as
    its radius.

    Args:
        field: field_sharpness table: `step` and `limit` [record], `eigenvalue` [record, rank], complex, the one of
            largest modulus first.

    Returns:
        The picture, with cursors on the largest modulus and on the eigenvalues.

    Raises:
        AtlasError: a column is missing.
    """
    need(field, "spectrum", "step", "eigenvalue", "limit")
    step, values = field["step"], matrix(field["eigenvalue"])
    page = layout("spectrum", field, xaxis=steps(domain=[0, 0.53]), showlegend=True)
    unit = field.column("eigenvalue").unit or "1/lr"
    page["yaxis"] = axis(label("|<i>μ</i>|", unit))
    if not values.size or not np.isfinite(values).any():
        return Picture([], page, "No eigenvalue is measured yet.", [])
    shade, data = ink(field), []
    moduli, limit = finite(np.abs(values)), finite(field["limit"])
    data.append(line(step, moduli[:, 0], "largest modulus", shade))
    rest = np.column_stack([moduli[:, 1:], np.full(len(step), np.nan)])
    if rest.shape[1] > 1 and not np.allclose(moduli[:, 1:], moduli[:, :1], equal_nan=True):
        data.append(line(np.tile(step, rest.shape[1]), rest.T.ravel(), "others", NEUTRAL))
    bounded = bool(np.isfinite(limit).any())
    if bounded:
        data.append(line(step, limit, f"limit of {title(field)}", NEUTRAL))
        data[-1]["line"] = {"color": NEUTRAL, "width": 2, "dash": "dash"}
    cursors = follow(data, step, finite(step), moduli[:, 0], shade)
    top = float(np.nanmax(np.append(moduli, limit if bounded else [])))
    page["yaxis"] |= {"range": [0, 1.1 * (top or 1)]}
    place = {"xaxis": "x2", "yaxis": "y2"}
    reach = top or 1.0
    if bounded:
        radius, angle = float(limit[np.isfinite(limit)][-1]), np.linspace(0, 2 * np.pi, 121)
        data.append(line(radius * np.cos(angle), radius * np.sin(angle), "circle of the limit", NEUTRAL, **place))
        data[-1] |= {"line": {"color": NEUTRAL, "width": 1.5, "dash": "dash"}, "showlegend": False, "hoverinfo": "skip"}
    look = {"marker": {"size": 10}, "name": "eigenvalues", "showlegend": True}
    cursors += follow(data, step, finite(values.real), finite(values.imag), shade, **look, **place)
    shared = {"range": [-1.15 * reach, 1.15 * reach], "constrain": "domain", "nticks": 4, "zeroline": True}
    page["xaxis2"] = axis(label("Re <i>μ</i>", unit), domain=[0.66, 1], anchor="y2") | shared
    page["yaxis2"] = axis(label("Im <i>μ</i>", unit), anchor="x2", scaleanchor="x2", scaleratio=1) | shared
    return Picture(data, page, _read(field, values, limit), cursors)


def _read(field: Table, values: np.ndarray, limit: np.ndarray) -> str:
    """What the leading eigenvalue is, whether the field turns or pulls, and where its modulus stands."""
    last = np.flatnonzero(np.isfinite(values[:, 0]))[-1]
    mode, step = values[last, 0], int(field["step"][last])
    size = abs(mode)
    turn, pull = abs(mode.imag), mode.real
    way = "pulls inward" if pull > 0 else "pushes outward"
    if turn <= 1e-9 * size:
        what = f"{number(pull)}, real: the field {way}"
    elif abs(pull) <= 1e-9 * size:
        what = f"±{number(turn)}i, purely imaginary: the field only turns around"
    else:
        what = f"{number(pull)} ± {number(turn)}i: the field turns and {way}"
    text = f"At step {step} the leading eigenvalue of the field's Jacobian is {what}"
    if np.isfinite(limit[last]) and limit[last] > 0:
        text += f"; its modulus is {number(size / limit[last])} times the limit of {title(field)}"
    return text + "."
