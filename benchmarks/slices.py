"""Slices of the digits net, 51 × 51 points, beside the package loss-landscapes: the same net, data and directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.timing import Row, race
from widgetlib import catalog
from widgetlib.core.trace import Trace
from widgetlib.engine.run import run
from widgetlib.measure.plane import on_plane, plane

DIGITS = catalog.problem("digits_mlp")
SIZE, COARSE = 51, 13
REPEAT = 8
TOL = 1e-4  # the error that target 5 allows, of the range


def rows() -> Iterator[Row]:
    """The races of this module."""
    trace = run(catalog.method("gd", lr=0.4), DIGITS, 700)
    table, slice_ = on_plane(trace, "random", SIZE)
    truth = exact(trace, slice_.at(*(torch.as_tensor(table[a]) for a in "xy")))
    peer, name = None, "loss-landscapes is not installed: pip install loss-landscapes"
    if find_spec("loss_landscapes"):
        peer = walked(trace, slice_.axes)
        name = f"loss-landscapes, off by {error(peer(), truth):.0e}: its even rows are one step aside"
    what = f"{SIZE} × {SIZE} slice of digits_mlp, random directions"
    times = race(lambda: plane(trace, "random", SIZE), peer, REPEAT)
    yield Row(
        f"{what}: every point, off by {error(table['loss'], truth):.0e}", times[0], name, times[1], reach=4, number=5
    )
    for kind in ("random", "pca"):
        table, slice_ = on_plane(trace, kind, SIZE, tol=TOL)
        truth = exact(trace, slice_.at(*(torch.as_tensor(table[a]) for a in "xy")))
        off, share = error(table["loss"], truth), table["computed"].mean()
        what = f"the same, {kind}: refined where {TOL:g} of the range asks for it, {100 * share:.0f} % of the points, "
        what += f"off by {off:.0e} (it says {table.attrs['error']:.0e})"
        times = race(lambda kind=kind: plane(trace, kind, SIZE, tol=TOL), peer, REPEAT)
        yield Row(what, times[0], name.partition(",")[0], times[1], reach=12, number=5)
    first, _ = race(lambda: plane(trace, "pca", COARSE), None, REPEAT)
    yield Row(f"first coarse picture of it, pca, {COARSE} × {COARSE}", first, target=0.15, number=5)


def exact(trace: Trace, points: Tensor) -> np.ndarray:
    """The losses at points `(rows, columns, d)`, row by row in double precision."""
    data = type(trace.data)(*(part.double() for part in trace.data))
    with torch.no_grad():
        return torch.stack([DIGITS.loss(row.double(), data).squeeze(-1) for row in points]).numpy()


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """The largest error as a share of the range."""
    return float(np.abs(found - truth).max() / np.ptp(truth))


def walked(trace: Trace, axes: Tensor) -> Callable[[], np.ndarray]:
    """The peer, as its manual shows, on the grid origin + x a + y b with x and y from -1 to 1."""
    import loss_landscapes
    from loss_landscapes.metrics import Loss

    def net(w: Tensor) -> nn.Module:
        layers = [nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)]
        module = nn.Sequential(*layers)
        nn.utils.vector_to_parameters(w.clone(), module.parameters())
        return module

    corner, step = trace.w[-1] - axes.sum(0), 2 / (SIZE - 1)
    nets = [net(corner), *(net(corner + SIZE * step * axis) for axis in axes.flip(0))]  # rows run along the second
    metric = Loss(lambda out, y: 0.5 * ((out - y) ** 2).sum(-1).mean(), *trace.data)

    return lambda: loss_landscapes.planar_interpolation(*nets, metric, SIZE, deepcopy_model=True)
