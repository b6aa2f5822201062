"""What a figure returns, and the few parts that every figure shares."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from widgetlib.core.table import Table
from widgetlib.core.words import AtlasError
from widgetlib.figures.theme import colour, fade

POINTS = 2000
"""A longer line is thinned: more points than pixels only cost time."""
HOVER = 1000
"""A longer line answers no pointer: searching its points would slow every move."""
HUGE = 1e30
"""Beyond this a number counts as diverged; it also is the safe side of float32, in which pictures travel."""


_EMPTY = np.empty(0)


class Picture(NamedTuple):
    """A figure as plain data: plotly.js dicts whose arrays are numpy, and a sentence that reads them.

    Args:
        data: the traces.
        layout: the layout without colours of page and font; `theme.themed` adds those.
        reading: what the picture shows, in plain text with numbers.
        cursors: the markers that follow the time cursor: `trace` (index into data), `step` (n,), `x` and `y`
            (n,) or (n, m), in 3-D also `z`. At step s the marker stands at the last i with step[i] <= s.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    reading: str
    cursors: list[dict[str, Any]]


def need(table: Table, figure: str, *names: str) -> None:
    """Raises AtlasError unless `table` has the columns that `figure` draws."""
    missing = [name for name in names if name not in table]
    if missing:
        raise AtlasError(
            f"{figure} draws the column {missing[0]!r}, but this table has {', '.join(table) or 'none'}; "
            "hand it the table of the measure of that name."
        )


def single(table: Table, figure: str, *names: str) -> None:
    """Raises AtlasError if the named columns hold a sweep: `figure` draws one run."""
    for name in names:
        extra = table.column(name).dims[1:]
        if extra:
            choice = ", ".join(f"{dim}=0" for dim in extra)
            raise AtlasError(f"{figure} draws one run, not a sweep; pick one with table.take({choice}).")


def finite(values: np.ndarray) -> np.ndarray:
    """A float copy in which NaN (a gap) stands for whatever cannot be drawn."""
    values = np.array(values, dtype=float)
    values[~(np.abs(values) < HUGE)] = np.nan
    return values


def matrix(values: np.ndarray) -> np.ndarray:
    """The array with all axes after the first one merged, also where it is empty."""
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def decimate(values: np.ndarray, limit: int = POINTS) -> np.ndarray:
    """Indices that keep both ends and, of each of limit / 2 buckets, the least and the largest value."""
    return np.unique(decimate_all(values[:, None], limit))


def decimate_all(values: np.ndarray, limit: int) -> np.ndarray:
    """For each column of (n, m) the indices that `decimate` keeps, in order, some of them twice."""
    n, m = values.shape
    if n <= limit:
        return np.broadcast_to(np.arange(n)[:, None], (n, m))
    size = -(-n // max(limit // 2, 1))
    start, last = np.arange(0, n, size)[:, None], np.full((1, m), n - 1)
    bucket = values[np.minimum(np.arange(len(start) * size), n - 1)].reshape(-1, size, m)
    low, high = (np.where(np.isnan(bucket), np.inf, sign * bucket).argmin(axis=1) for sign in (1, -1))
    return np.sort(np.concatenate([0 * last, np.minimum(start + low, last), np.minimum(start + high, last), last]), 0)


def wants_log(*arrays: np.ndarray, decades: float = 1.0) -> bool:
    """Whether the finite values are nowhere negative and the positive ones span more than `decades`."""
    values = np.concatenate([np.ravel(a) for a in arrays])
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    return bool(len(positive) and values.min() >= 0 and positive.max() > positive.min() * 10**decades)


def title(table: Table) -> str:
    """The name of the method that the table comes from."""
    return table.attrs.get("method_title") or table.attrs.get("method") or "the method"


def ink(table: Table) -> str:
    """The colour of the method that the table comes from."""
    return colour(table.attrs.get("method", ""))


def merit_column(table: Table) -> str:
    """The column that holds the merit: the one of its name, or `loss`."""
    name = table.attrs.get("merit", "loss")
    return name if name in table else "loss"


def merit(table: Table) -> tuple[np.ndarray, str, str]:
    """The merit of a run table (loss, gap, ...), its name, and the label of its axis."""
    name = table.attrs.get("merit", "loss").replace("_", " ")
    column = table.column(merit_column(table))
    symbol = plain(table.attrs.get("merit_symbol") or column.symbol or "L")
    return column.values, name, label(f"{name} <i>{symbol}</i>", column.unit)


def plain(latex: str) -> str:
    """A LaTeX symbol as Unicode and HTML, for a page whose plotly.js has no MathJax."""
    for command, sign in _SIGNS.items():
        latex = latex.replace(f"\\{command} ", sign).replace(f"\\{command}", sign)
    latex = re.sub(r"([_^])\{?(\w+|[^{}])\}?", lambda m: f"<{_TAG[m[1]]}>{m[2]}</{_TAG[m[1]]}>", latex)
    return re.sub(r"[\\{}]", "", latex)


_SIGNS = {"lambda": "λ", "nabla": "∇", "|": "‖", "Delta": "Δ", "mu": "μ", "sigma": "σ", "theta": "θ"}
_TAG = {"_": "sub", "^": "sup"}


def label(symbol: str, unit: str = "") -> str:
    """`symbol (unit)`; a number without dimension has the unit 1."""
    return f"{symbol} ({unit or 1})"


def axis(text: str, values: np.ndarray = _EMPTY, log: bool = False, ticks: int = 6, **more: Any) -> dict[str, Any]:
    """An axis with the title `text` that makes room for its labels; a logarithmic one needs the values."""
    heading = {"text": text, "standoff": 4, "font": {"size": 13 if len(text) < 24 or "<" in text else 11}}
    frame = {"title": heading, "automargin": True, "showline": True, "tickangle": 0, "type": "linear"}
    positive = values[values > 0]
    if not log or not len(positive):
        return frame | {"tickmode": "auto", "nticks": ticks, "exponentformat": "e", "minexponent": 5} | more
    low, high = np.log10(positive.min()), np.log10(positive.max())
    frame |= {"type": "log"}
    if high > np.log10(positive[0]) + 6:  # a run that explodes: six decades above its first value are enough
        high = np.log10(positive[0]) + 6
        frame |= {"range": [float(low) - 0.3, float(high)]}
    at, text = round_ticks(low, high, ticks)
    return frame | {"tickmode": "array", "tickvals": at, "ticktext": text} | more


def round_ticks(low: float, high: float, most: int = 6) -> tuple[np.ndarray, list[str]]:
    """Round numbers between 10^low and 10^high, about `most` of them, and their labels."""
    stride = max(int(np.ceil((high - low) / most)), 1)
    digits = next((d for d in ((1, 2, 5), (1, 3)) if len(d) * (high - low) <= most), (1,))
    powers = stride * np.arange(np.floor(low / stride), np.floor(high / stride) + 1)
    at = np.outer(10.0**powers, digits).ravel()
    at = at[(at >= 10 ** (low - 0.05)) & (at <= 10 ** (high + 0.05))]
    return at, [_tick(value) for value in at]


def _tick(value: float) -> str:
    """Plain digits where they are short, a power of ten elsewhere."""
    exponent = int(np.floor(np.log10(value) + 1e-9))
    if -4 < exponent < 4:
        return f"{value:g}"
    digit = round(value / 10.0**exponent)
    return ("" if digit == 1 else f"{digit}·") + f"10<sup>{exponent}</sup>"


def steps(**more: Any) -> dict[str, Any]:
    """The axis of time."""
    return axis("time <i>k</i> (steps)", **more)


def layout(name: str, table: Table, **more: Any) -> dict[str, Any]:
    """Tight margins, a legend above the data, and zoom that lasts while the problem stays the same."""
    return {
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "font": {"size": 13},
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": 12}},
        "hovermode": "closest",
        "uirevision": f"{name}/{table.attrs.get('problem', '')}",
        **more,
    }


def line(x: np.ndarray, y: np.ndarray, name: str, shade: str, **more: Any) -> dict[str, Any]:
    """A line, thinned where it is long."""
    keep = decimate(y)
    trace = {"type": "scatter", "mode": "lines", "x": finite(x)[keep], "y": y[keep], "name": name}
    trace |= {"line": {"color": shade, "width": 2}}
    return trace | ({"hoverinfo": "skip"} if len(keep) > HOVER else {}) | more


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray, shade: str, **more: Any) -> dict[str, Any]:
    """The area between `low` and `high`, each (n,) or (n, m): m areas in one trace, with gaps between."""
    low, high = matrix(low), matrix(high)
    outline_x, outline_y = [], []
    for k in range(low.shape[1]):
        keep = np.isfinite(low[:, k]) & np.isfinite(high[:, k])
        outline_x += [x[keep], x[keep][::-1], [np.nan]]
        outline_y += [low[keep, k], high[keep, k][::-1], [np.nan]]
    trace = {"type": "scatter", "mode": "lines", "fill": "toself", "fillcolor": fade(shade, 0.25)}
    trace |= {"line": {"width": 0, "color": shade}, "hoverinfo": "skip"}
    trace |= {"showlegend": False, "name": "residual"}
    points = {"x": np.concatenate([[], *outline_x]), "y": np.concatenate([[], *outline_y])}
    return trace | points | more


def follow(
    data: list[dict], step: np.ndarray, x: np.ndarray, y: np.ndarray, shade: str, **more: Any
) -> list[dict[str, Any]]:
    """Appends a large ringed marker at the last record to `data`; returns its cursor, [] without records."""
    if not len(step):
        return []
    marker = {"size": 12, "color": shade, "line": {"color": "#ffffff", "width": 2}} | more.pop("marker", {})
    trace = {"type": "scatter", "mode": "markers", "marker": marker, "showlegend": False, "name": "cursor"}
    if more.get("type", "scatter") == "scatter":
        trace |= {"cliponaxis": False}  # whole at the right edge too
    data.append(trace | {"x": np.atleast_1d(x[-1]), "y": np.atleast_1d(y[-1]), "hoverinfo": "skip"} | more)
    return [{"trace": len(data) - 1, "step": np.asarray(step, dtype=int), "x": x, "y": y}]


def number(value: float) -> str:
    """Three significant digits for a sentence."""
    if 1e3 <= abs(value) < 1e6:
        return f"{float(f'{value:.3g}'):.0f}"
    return f"{value:.3g}" if np.isfinite(value) else "no finite number"


def lasting(step: np.ndarray) -> str:
    """How many steps lie between the first and the last record."""
    n = int(step[-1] - step[0])
    return f"{n} step" if n == 1 else f"{n} steps"


def percent(share: float) -> str:
    """A share as a percentage, with one digit more below one per cent."""
    share = 100 * abs(share)
    return f"{share:.0f} %" if share >= 0.95 or share == 0 else f"{share:.1g} %"


def diverged(step: np.ndarray, values: np.ndarray) -> int | None:
    """The first step whose value cannot be drawn, None where there is none."""
    lost = np.flatnonzero(np.isnan(finite(values)))
    return int(step[lost[0]]) if len(lost) else None
