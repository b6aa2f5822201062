"""Small tables of the shapes that measures hand over, and what every picture must be."""

import re

import numpy as np
import plotly.graph_objects as go

from widgetlib.core.table import Table

TITLES = {"gd": "GD", "adam": "Adam", "muon": "Muon"}


def attrs(method="gd", problem="rosenbrock", **more):
    """What every table carries."""
    named = {"method": method, "method_title": TITLES.get(method, method)}
    world = {"problem": problem, "problem_title": problem.title(), "merit": "loss", "merit_symbol": "L"}
    return {**named, **world, "hyper": {"lr": 1e-3}, **more}


def rosenbrock(x, y):
    """The loss whose minimum is at (1, 1)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def iterates(method="gd", lr=1e-3, steps=500, start=(-1.2, 1.0)):
    """The path (steps + 1, 2) and the gradients along it."""
    w, m, v = np.array(start, dtype=float), np.zeros(2), np.zeros(2)
    path, gradients = [], []
    with np.errstate(all="ignore"):
        for k in range(steps + 1):
            x, y = w
            g = np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])
            path.append(w)
            gradients.append(g)
            if method == "adam":
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                g = m / (1 - 0.9 ** (k + 1)) / (np.sqrt(v / (1 - 0.999 ** (k + 1))) + 1e-8)
            w = w - lr * g
    return np.array(path), np.array(gradients)


def run(method="gd", **options):
    """A run table, and the gradient table of the same run."""
    path, gradients = iterates(method, **options)
    step = np.arange(len(path))
    with np.errstate(all="ignore"):
        loss, norm = rosenbrock(*path.T), np.linalg.norm(gradients, axis=1)
        length = np.append(np.linalg.norm(np.diff(path, axis=0), axis=1), np.nan)
    more = attrs(method)
    table = Table({"step": (step, ["step"]), "loss": (loss, ["step"]), "gradients": (step + 1.0, ["step"])}, more)
    columns = {"step": step, "loss": loss, "gradient_norm": norm, "step_length": length}
    return table, Table({n: (c, ["record"]) for n, c in columns.items()}, more)


def sweep(rates=(1e-4, 1e-3, 2e-3, 1e-2), steps=300):
    """A run table over a learning rate; the largest rate diverges."""
    with np.errstate(all="ignore"):
        loss = np.array([rosenbrock(*iterates(lr=lr, steps=steps)[0].T) for lr in rates]).T
    columns = {
        "step": (np.arange(steps + 1), ["step"]),
        "loss": (loss, ["step", "lr"]),
        "lr": (rates, ["lr"]),
    }
    return Table(columns, attrs())


def plane(method="gd", dimension=2, size=64, off=None, **options):
    """A plane table around Rosenbrock's valley."""
    x, y = np.linspace(-2, 2, size), np.linspace(-1, 3, size)
    path, _ = iterates(method, **options)
    with np.errstate(all="ignore"):
        loss = rosenbrock(*path.T)
    columns = {
        "x": (x, ["column"]),
        "y": (y, ["row"]),
        "loss": (rosenbrock(x[None, :], y[:, None]), ["row", "column"]),
        "path_step": (np.arange(len(path)), ["iterate"]),
        "path_x": (path[:, 0], ["iterate"]),
        "path_y": (path[:, 1], ["iterate"]),
        "path_loss": (loss, ["iterate"]),
        "off_plane": (np.zeros(len(path)) if off is None else off, ["iterate"]),
    }
    minima = [[1.0, 1.0]] if dimension == 2 else []
    labels = {"x_label": "w_1", "y_label": "w_2", "kind": "coordinates" if dimension == 2 else "pca"}
    return Table(columns, attrs(method, minima=minima, dimension=dimension, **labels))


def sharpness(gauge=None, limit=5.0, records=61, last=3000, method="gd", kind="sharpness", **more):
    """A sharpness table; without a gauge one that rises to the limit by progressive sharpening and stays."""
    step = np.linspace(0, last, records).astype(int)
    if gauge is None:
        rise = 0.8 + 4.3 * (1 - np.exp(-step / 120.0))
        gauge = np.where(step > 250, 5.0 + 0.15 * np.sin(step / 40.0), np.minimum(rise, 4.95))
    gauge = np.broadcast_to(np.asarray(gauge, dtype=float), step.shape).copy()
    values = gauge[:, None] * np.array([1.0, 0.8, 0.55, 0.4, 0.3])
    columns = {
        "step": (step, ["record"]),
        "eigenvalue": (values, ["record", "rank"]),
        "residual": (np.abs(values) * 1e-3, ["record", "rank"]),
        "gauge": (gauge, ["record"]),
        "gauge_residual": (np.abs(gauge) * 1e-3, ["record"]),
        "limit": (np.broadcast_to(np.asarray(limit, dtype=float), step.shape).copy(), ["record"]),
    }
    return Table(columns, attrs(method, problem="digits_mlp", gauge=kind, preconditioned=False) | more)


def update_map(full=(-1.02, -0.6, 0.2, 0.7), records=13, last=3000, method="gd", largest=1.0):
    """An update_map table with the same spectrum at each record, drifting to it from +1."""
    step = np.linspace(0, last, records).astype(int)
    share = np.linspace(0.3, 1, records)[:, None] if records else np.empty((0, 1))
    with np.errstate(all="ignore"):
        modes = 1 + share * (np.asarray(full, dtype=complex) - 1)
        frozen = 1 + 0.98 * (modes - 1)
    small = np.full(modes.shape, 1e-4)
    columns = {
        "step": (step, ["record"]),
        "frozen": (frozen, ["record", "mode"]),
        "full": (modes, ["record", "mode"]),
        "frozen_residual": (small, ["record", "mode"]),
        "full_residual": (small, ["record", "mode"]),
        "largest_real": (np.full(records, largest), ["record"]),
    }
    return Table(columns, attrs(method, problem="digits_mlp", exact=False, unknowns=3466))


def digits(method="gd", steps=3000):
    """A run table of a net whose loss falls and ripples."""
    step = np.arange(steps + 1)
    ripple = 1 + 0.3 * np.sin(step / 3.0) * (step > 250)
    loss = 0.45 * np.exp(-step / 700.0) * ripple + 0.01
    return Table({"step": (step, ["step"]), "loss": (loss, ["step"])}, attrs(method, problem="digits_mlp"))


def drawable(picture):
    """Asserts what holds for every picture, in the eyes of plotly too, and returns it."""
    go.Figure(picture.data, picture.layout)  # raises for a name or a value that plotly does not know
    for trace in picture.data:
        arrays = [trace[key] for key in "xyz" if key in trace]
        assert all(isinstance(a, np.ndarray) and a.dtype == float for a in arrays)
        assert not any(np.isinf(a).any() for a in arrays)
    for cursor in picture.cursors:
        trace, n = picture.data[cursor["trace"]], len(cursor["step"])
        assert trace["mode"] == "markers" and cursor["step"].dtype.kind == "i" and n > 0
        for key in cursor.keys() - {"trace", "step"}:
            assert len(cursor[key]) == n
            np.testing.assert_array_equal(trace[key], np.atleast_1d(cursor[key][-1]))
    scenes = [picture.layout, picture.layout.get("scene", {})]
    axes = [a for scene in scenes for key, a in scene.items() if key[1:5] == "axis"]
    assert axes and all(re.search(r"\S \(.+\)$", a["title"]["text"]) for a in axes)  # symbol (unit)
    assert "paper_bgcolor" not in picture.layout and "color" not in picture.layout["font"]
    assert picture.reading.endswith(".") and picture.reading[0].isupper() and "<" not in picture.reading
    assert "nan" not in picture.reading and "inf" not in picture.reading
    return picture


def named(picture, name):
    """The one trace of that name."""
    (trace,) = [trace for trace in picture.data if trace["name"] == name]
    return trace
