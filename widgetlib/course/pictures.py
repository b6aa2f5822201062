"""Pictures of the smallest systems that show the edge: numpy alone, redrawn while a slider moves."""

from __future__ import annotations

import numpy as np

from widgetlib.figures.picture import Picture, axis, finite, follow, line, number
from widgetlib.figures.theme import NEUTRAL, PALETTE

INK, OTHER = PALETTE[2], PALETTE[1]
BLOWN = 50.0  # iterates beyond are not drawn: the picture would show nothing else
PAGE = {"margin": {"l": 8, "r": 12, "t": 8, "b": 8}, "font": {"size": 13}, "showlegend": False, "uirevision": "toy"}


def multipliers(lr: float, curvature: float, beta: float = 0.0) -> np.ndarray:
    r"""Eigenvalues of one heavy-ball step on $\tfrac12 \lambda w^2$: roots of $z^2 - (1 + \beta - a) z + \beta$.

    Args:
        lr: the rate; a = lr * curvature.
        curvature: lambda, in 1/lr.
        beta: the momentum; without it the map has one eigenvalue, 1 - a.

    Returns:
        Complex `(2,)`, or `(1,)` without momentum.
    """
    a = lr * curvature
    return np.roots([1, a - 1 - beta, beta]) if beta else np.array([1 - a], dtype=complex)


def descend(lr: float, curvature: float, beta: float = 0.0, steps: int = 60) -> np.ndarray:
    """Iterates of heavy ball on a parabola from 1, `(steps + 1,)`."""
    w, m, path = 1.0, 0.0, [1.0]
    for _ in range(steps):
        m = beta * m + curvature * w
        w = w - lr * m
        path.append(w)
    return np.array(path)


def parabola(lr: float, curvature: float) -> Picture:
    """The iterates of gradient descent on a parabola, as a way on its slopes.

    Args:
        lr: the rate.
        curvature: the second derivative.

    Returns:
        The picture, with a cursor on the iterates.
    """
    w = descend(lr, curvature, steps=30)
    shown = w[: _blown(w)]
    reach = max(1.3, 1.1 * np.abs(shown).max())
    x = np.linspace(-reach, reach, 121)
    data = [line(x, curvature * x**2 / 2, "loss", NEUTRAL)]
    loss = curvature * shown**2 / 2
    way = line(shown, loss, "iterates", INK)
    data.append(way | {"mode": "lines+markers", "line": {"color": INK, "width": 1.5}, "marker": {"size": 6}})
    cursors = follow(data, np.arange(len(shown)), shown, loss, INK)
    page = PAGE | {"xaxis": axis("<i>w</i> (1)"), "yaxis": axis("loss <i>L</i> (1)", rangemode="tozero")}
    return Picture(data, page, f"{_fate(w)} after 30 steps at rate {number(lr)}.", cursors)


def swing(lr: float, curvature: float, beta: float = 0.0) -> Picture:
    """The iterates of heavy ball on a parabola against the step; arguments as for `multipliers`."""
    w = descend(lr, curvature, beta)
    shown = finite(np.where(np.abs(w) <= BLOWN, w, np.nan))
    step = np.arange(len(w))
    data = [line(step, shown, "w", INK)]
    data[0] |= {"mode": "lines+markers", "line": {"color": INK, "width": 1.5}, "marker": {"size": 5}}
    cursors = follow(data, step[: _blown(w)], finite(step)[: _blown(w)], shown[: _blown(w)], INK)
    page = PAGE | {"xaxis": axis("time <i>k</i> (steps)", range=[-1, 61]), "yaxis": axis("<i>w</i> (1)")}
    return Picture(data, page, f"{_fate(w)} after 60 steps.", cursors)


def circle(lr: float, curvature: float, beta: float = 0.0) -> Picture:
    """The eigenvalues of one step in the complex plane, and the way that they take as the curvature grows.

    Args:
        lr, curvature, beta: as for `multipliers`.

    Returns:
        The picture: unit circle, way, and eigenvalues now.
    """
    z = multipliers(lr, curvature, beta)
    angle = np.linspace(0, 2 * np.pi, 121)
    ways = np.array([np.sort_complex(multipliers(1, a, beta)) for a in np.linspace(1e-3, 1.25 * (2 + 2 * beta), 600)])
    data = [line(np.cos(angle), np.sin(angle), "unit circle", NEUTRAL)]
    for way in ways.T:
        dots = {"mode": "markers", "marker": {"size": 2, "color": NEUTRAL}, "hoverinfo": "skip"}
        data.append(line(way.real, way.imag, "way", NEUTRAL) | dots)
    reach = max(1.6, 1.1 * float(np.abs(z).max()))
    marker = {"size": 13, "color": INK, "line": {"color": "#ffffff", "width": 2}}
    data.append({"type": "scatter", "mode": "markers", "x": z.real, "y": z.imag, "marker": marker, "name": "now"})
    square = {"range": [-reach, reach], "constrain": "domain", "nticks": 5, "zeroline": True}
    plane = {"xaxis": axis("Re <i>μ</i> (1)") | square, "yaxis": axis("Im <i>μ</i> (1)", scaleanchor="x") | square}
    return Picture(data, PAGE | plane, _where(z), [])


def cycle(sharpening: float, lr: float = 0.4, steps: int = 400) -> np.ndarray:
    r"""The two-variable model of self-stabilisation, `(2, steps)`: displacement x and excess sharpness y.

    $$y_{k+1} = y_k + \mathrm{lr}\,(\alpha - \tfrac12 x_k^2), \qquad x_{k+1} = -(1 + \mathrm{lr}\, y_{k+1})\, x_k$$

    The new y stands in the second equation so that the orbit closes as that of the differential equation does.
    """
    x, y = 0.2 * np.sqrt(2 * sharpening), 0.0
    orbit = []
    for _ in range(steps):
        orbit.append((x, y))
        y = y + lr * (sharpening - x * x / 2)
        x = -(1 + lr * y) * x
    return np.array(orbit).T


def orbit(sharpening: float) -> Picture:
    """The cycle in its own plane: how far the iterate is off, and how far the sharpness is above 2/lr."""
    x, y = cycle(sharpening)
    x = np.abs(x)  # the sign changes at each step; the amplitude is what turns
    data = [line(x, y, "orbit", INK)]
    rest = {"type": "scatter", "mode": "markers", "x": [np.sqrt(2 * sharpening)], "y": [0.0], "name": "where both rest"}
    data.append(rest | {"marker": {"size": 9, "symbol": "cross", "color": NEUTRAL}})
    cursors = follow(data, np.arange(len(x)), x, y, INK)
    axes = {
        "xaxis": axis("displacement |<i>x</i>| (1)", range=[0, 1.5]),
        "yaxis": axis("sharpness − 2/lr (1/lr)", range=[-0.8, 0.8]),
    }
    reading = f"The orbit turns around displacement {number(np.sqrt(2 * sharpening))} at a sharpness of exactly 2/lr."
    return Picture(data, PAGE | axes, reading, cursors)


def bursts(sharpening: float) -> Picture:
    """The cycle against time: sharpness above 2/lr in one curve, displacement in the other."""
    x, y = cycle(sharpening)
    step = np.arange(len(x))
    data = [line(step, x, "displacement x", OTHER), line(step, y, "sharpness − 2/lr", INK)]
    data[0]["line"]["width"] = 1
    cursors = follow(data, step, finite(step), y, INK)
    legend = {"showlegend": True, "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"}}
    axes = {"xaxis": axis("time <i>k</i> (steps)"), "yaxis": axis("displacement, sharpness − 2/lr", range=[-1.5, 1.5])}
    typical = np.sqrt(np.mean(x**2))
    return Picture(
        data, PAGE | legend | axes, f"The typical displacement (root mean square) is {number(typical)}.", cursors
    )


def _blown(w: np.ndarray) -> int:
    """How many iterates are worth drawing."""
    lost = np.flatnonzero(~(np.abs(w) <= BLOWN))
    return max(2, int(lost[0])) if len(lost) else len(w)


def _fate(w: np.ndarray) -> str:
    """What the iterate did, with its last value."""
    last = abs(w[-1])
    if abs(last - 1) < 1e-6:
        return "The iterate neither shrinks nor grows: it is 1 away from the minimum"
    side = "The iterate shrinks" if last < 1 else "The iterate grows"
    return f"{side}: it is {number(last)} away from the minimum"


def _where(z: np.ndarray) -> str:
    """Where the eigenvalues are against the circle."""
    size = float(np.abs(z).max())
    side = (
        "on the unit circle: the edge"
        if abs(size - 1) < 1e-6
        else "inside the unit circle"
        if size < 1
        else "outside the unit circle"
    )
    if abs(z[0].imag) > 1e-9:
        return f"A complex pair of modulus {number(size)}, {side}: the iterate rings."
    named = " and ".join(number(v) for v in z.real)
    return f"{'Eigenvalue' if len(z) == 1 else 'Eigenvalues'} {named}, {side}."
