"""The gauge of a run against the method's own stability limit, the loss under it, the meter beside it."""

from __future__ import annotations

import numpy as np

from widgetlib.core.table import Table
from widgetlib.figures.picture import (
    Picture,
    axis,
    band,
    diverged,
    finite,
    follow,
    ink,
    label,
    layout,
    line,
    matrix,
    merit,
    merit_column,
    need,
    number,
    percent,
    single,
    steps,
    title,
    wants_log,
)
from widgetlib.figures.theme import NEUTRAL

EDGE = (0.9, 1.1)
"""Ratios of gauge to limit that count as being at the edge."""
WIDEST = 25.0
"""The plane of the meter is drawn at most to here: beyond it the unit circle would be a dot."""


def edge_of_stability(sharpness: Table, meter: Table | None = None, run: Table | None = None) -> Picture:
    """Draws the gauge with the method's own limit, the loss under it, and the one-step map's spectrum.

    An eigenvalue that leaves the unit circle through -1 or as a complex pair is the edge of stability; one
    that leaves through +1 is descent along negative curvature. So no colour here stands for a modulus.

    Args:
        sharpness: sharpness table: `step`, `gauge`, `gauge_residual`, `limit` [record], in 1/lr.
        meter: update_map table: `step` [record], `frozen` and `full` [record, mode], complex, and
            `largest_real` [record]. Without it, or while it is empty, the left part takes the whole width.
        run: run table: `step` and the merit [step].

    Returns:
        The picture, with cursors on gauge, loss, and both spectra.

    Raises:
        AtlasError: a column is missing, or `run` holds a sweep.
    """
    need(sharpness, "edge_of_stability", "step", "gauge", "gauge_residual", "limit")
    if meter is not None:
        need(meter, "edge_of_stability", "step", "frozen", "full", "largest_real")
        meter = meter if meter["frozen"].size else None
    if run is not None:
        need(run, "edge_of_stability", "step")
        single(run, "edge_of_stability", merit_column(run))
        run = run if len(run["step"]) else None
    data, cursors = [], []
    page = layout("edge", sharpness, xaxis=steps(domain=[0, 1 if meter is None else 0.53]), showlegend=True)
    _gauge(sharpness, data, page, cursors)
    if run is not None:
        _merit(run, data, page, cursors)
    _crossing(sharpness, page)
    if meter is not None:
        _meter(meter, data, page, cursors)
    return Picture(data, page, _read(sharpness, meter, run), cursors)


def _gauge(table: Table, data: list, page: dict, cursors: list) -> None:
    """The gauge, what its eigensolver left open, and the limit."""
    step, shade = table["step"], ink(table)
    gauge, limit, residual = (finite(table[c]) for c in ("gauge", "limit", "gauge_residual"))
    log = wants_log(gauge, limit, decades=1.5)
    if log:
        gauge = np.where(gauge > 0, gauge, np.nan)
    name = table.attrs.get("gauge", "sharpness").replace("_", " ")
    unit = "1/lr" if name.endswith("sharpness") else "1"
    symbol = "λ₁(<i>P</i>⁻¹<i>H</i>)" if table.attrs.get("preconditioned") else "λ₁(<i>H</i>)"
    symbol = symbol if table.attrs.get("gauge", "sharpness") == "sharpness" else name
    page["yaxis"] = axis(label(symbol, table.column("gauge").unit or unit), np.append(gauge, limit), log)
    low = gauge - residual
    data.append(band(finite(step), np.maximum(low, gauge / 10) if log else low, gauge + residual, shade))
    if np.isfinite(limit).any():
        data.append(line(step, limit, f"limit of {title(table)}", NEUTRAL))
        data[-1]["line"] = {"color": NEUTRAL, "width": 2, "dash": "dash"}
    data.append(line(step, gauge, name, shade, showlegend=False))
    cursors += follow(data, step, finite(step), gauge, shade)


def _merit(run: Table, data: list, page: dict, cursors: list) -> None:
    """The panel under the gauge: the merit, on the same axis of time."""
    values, name, text = merit(run)
    values = finite(values)
    log, shade = wants_log(values), ink(run)
    values = np.where(values > 0, values, np.nan) if log else values
    page["yaxis"]["domain"], page["xaxis"]["anchor"] = [0.44, 1], "y2"
    page["yaxis2"] = axis(text, values, log, ticks=4, domain=[0, 0.37])
    data.append(line(run["step"], values, name, shade, yaxis="y2", showlegend=False))
    data[-1]["line"] = {"color": shade, "width": 1.5}
    cursors += follow(data, run["step"], finite(run["step"]), values, shade, yaxis="y2")


def _crossing(table: Table, page: dict) -> None:
    """A vertical line, through both panels, where the gauge first passes the limit from below."""
    step = first_crossing(table)
    if step is None:
        return
    look = {"color": NEUTRAL, "width": 1.5, "dash": "dot"}
    place = {"x0": step, "x1": step, "yref": "paper", "y0": 0, "y1": 1}
    page["shapes"] = [{"type": "line", "line": look} | place]
    late = step > 0.3 * table["step"][0] + 0.7 * table["step"][-1]  # no room for the note on the right
    text = {"text": f"first crossing<br>at step {step}", "showarrow": False, "font": {"size": 12}}
    text |= {"align": "right", "xanchor": "right"} if late else {"align": "left", "xanchor": "left"}
    page["annotations"] = [text | {"x": step, "yref": "y domain", "y": 0.02, "yanchor": "bottom"}]


def _meter(meter: Table, data: list, page: dict, cursors: list) -> None:
    """The complex plane: the unit circle, the frozen spectrum (rings) and the full one (filled)."""
    angle = np.linspace(0, 2 * np.pi, 121)
    place = {"xaxis": "x2", "yaxis": "y3"}
    circle = line(np.cos(angle), np.sin(angle), "unit circle", NEUTRAL, **place)
    data.append(circle | {"line": {"color": NEUTRAL, "width": 1.5}, "showlegend": False, "hoverinfo": "skip"})
    reach = 1.0
    for column, shade, marker in (
        ("full", ink(meter), {"symbol": "circle", "size": 8, "line": {"width": 0}}),
        ("frozen", NEUTRAL, {"symbol": "circle-open", "size": 12, "line": {"width": 1.5}}),
    ):
        modes = matrix(meter[column])
        spectrum = finite(modes.real), finite(modes.imag)
        late = np.abs(spectrum)[:, len(modes) // 5 :]  # the first steps may jump far, and would dwarf the circle
        reach = float(np.fmax(reach, np.nanmax([0.0, *late.ravel()])))
        look = {"marker": marker, "name": f"{column} map", "showlegend": True}
        cursors += follow(data, meter["step"], *spectrum, shade, **look, **place)
    edge = min(1.2 * reach, WIDEST)
    shared = {"range": [-edge, edge], "constrain": "domain", "nticks": 4, "zeroline": True}
    page["xaxis2"] = axis("Re <i>μ</i> (1)", domain=[0.66, 1], anchor="y3") | shared
    page["yaxis3"] = axis("Im <i>μ</i> (1)", anchor="x2", scaleanchor="x2", scaleratio=1) | shared


def first_crossing(sharpness: Table) -> int | None:
    """The first recorded step at which the gauge is at or above the limit after having been below it.

    Args:
        sharpness: sharpness table, as for `edge_of_stability`.

    Returns:
        The step, or None where the gauge never passes the limit (or there is none).
    """
    above = sharpness["gauge"] >= sharpness["limit"]  # NaN compares false: no limit, no crossing
    below = sharpness["gauge"] < sharpness["limit"]
    passed = np.flatnonzero(above & np.logical_or.accumulate(below)) if len(above) else above
    return int(sharpness["step"][passed[0]]) if len(passed) else None


def _gauge_name(table: Table) -> str:
    """What the gauge is called."""
    name = table.attrs.get("gauge", "sharpness").replace("_", " ")
    return f"preconditioned {name}" if table.attrs.get("preconditioned") else name


def _read(table: Table, meter: Table | None, run: Table | None) -> str:
    """Where the gauge stands against the limit and what the iterate therefore does; then the meter."""
    sentences = [_standing(table, run)]
    if meter is not None:
        sentences.append(_modes(meter, law=bool(np.isfinite(table["limit"]).any())))
    return " ".join(s for s in sentences if s)


def _standing(table: Table, run: Table | None) -> str:
    """The sentence about gauge and limit, from the records of the last fifth."""
    gauge, limit, step = finite(table["gauge"]), finite(table["limit"]), table["step"]
    name, who = _gauge_name(table), title(table)
    known = np.flatnonzero(np.isfinite(gauge))
    lost = None if run is None else diverged(run["step"], merit(run)[0])
    if not len(known):
        return f"{who} diverges at step {lost}." if lost is not None else f"No {name} is measured yet."
    moved = f"from {number(gauge[known[0]])} to {number(gauge[known[-1]])}"
    both = np.flatnonzero(np.isfinite(gauge) & (limit > 0))
    if not len(both):
        shown = f"goes {moved}" if len(known) > 1 else f"is {number(gauge[known[0]])}"
        fate = f"; it diverges at step {lost}" if lost is not None else ""
        return f"{who} has no stability law, so its {name} is shown without a limit: it {shown}{fate}."
    ratio = gauge[both] / limit[both]
    if lost is not None:
        return (
            f"{who} diverges at step {lost}: its {name} was last {number(ratio[-1])} times the limit, "
            f"{number(limit[both[-1]])}."
        )
    late = step[both] >= step[0] + 0.8 * (step[-1] - step[0])
    late = late if late.any() else np.arange(len(both)) == len(both) - 1
    standing = float(np.median(ratio[late]))
    bound = f"the limit of {who} ({number(np.median(limit[both][late]))} here)"
    along = "the gradients of its mini-batches" if name.startswith("batch") else "the top eigenvector"
    where = f"{name.capitalize()} is {percent(standing - 1)} {'above' if standing >= 1 else 'below'} {bound}"
    if EDGE[0] <= standing <= EDGE[1]:
        met = first_crossing(table)
        since = f", which it first crossed at step {met}" if met is not None else ""
        return f"{where}{since}: it is at the edge of stability and oscillates along {along}."
    if standing > EDGE[1]:
        return f"{where}: the oscillation along {along} is not contained there."
    rising = gauge[known[-1]] > 1.1 * abs(gauge[known[0]])
    still = np.ptp(gauge[known]) <= 0.01 * abs(gauge[known[0]])
    trend = f"it stays near {number(gauge[known[-1]])}" if still else f"it does not rise ({moved})"
    trend = f"it rises {moved}: progressive sharpening" if rising else trend
    trend = trend if len(known) > 1 else "one record is too few for a trend"
    return f"{name.capitalize()} is {number(standing)} times {bound}, far below the edge; {trend}."


def _modes(meter: Table, law: bool) -> str:
    """The sentence about the full map at its last record."""
    modes = matrix(meter["full"])[-1]
    modes = modes[np.isfinite(modes)]
    if not len(modes):
        return ""
    mode = modes[np.abs(modes - 1).argmax()]
    paired = abs(mode.imag) > 1e-6 * max(abs(mode), 1e-12)
    value = f"a complex pair of modulus {number(abs(mode))}" if paired else f"{number(mode.real)}"
    outside = abs(mode) > 1 and (paired or mode.real < 0)
    if outside and not law:
        return (
            f"The mode of the full one-step map farthest from +1 is {value}; "
            "without a law that alone does not mean divergence: the loss tells."
        )
    side = "outside the unit circle, past the edge" if outside else "inside the unit circle"
    side = "outside the unit circle through +1" if not outside and abs(mode) > 1 else side
    text = f"The mode of the full one-step map farthest from +1 is {value}, {side}"
    growth = float(np.real(meter["largest_real"][-1]))
    if growth > 1 + 1e-6:
        text += f"; the largest real part, {1 + float(f'{growth - 1:.2g}'):g}, is descent along negative curvature"
    return text + "."
