"""One slice of the landscape for the paths of several runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.measure.contest import same_problem
from widgetlib.measure.plane import plane


def shared_plane(
    traces: Sequence[Trace],
    size: int = 64,
    most: int = 500,
    on_row: Callable[[int], bool] | None = None,
    tol: float = 0.0,
) -> Table:
    """The loss on one plane with the paths of several runs: the two unknowns, or the principal directions of all paths.

    The principal plane goes through the start of the first path.

    Args:
        traces: one for each side, on the same problem; of a sweep the first member is drawn.
        size: grid points along each side of the plane.
        most: iterates of each path at most, the last one included.
        on_row: called with the number of rows done; returning True ends the measure, the rest stays NaN.
        tol: the error that a loss may have, as for `plane`; at 0 every point is computed.

    Returns:
        Table as of `plane`, its path columns `path_step`, `path_x`, `path_y`, `path_loss`, `off_plane` over
        (iterate, side); a path that is shorter than the longest has `path_step` -1 and NaN at its end.

    Raises:
        AtlasError: there are no runs, they are of different problems, or no iterate is finite.
    """
    first = same_problem(traces)
    paths, lengths = [], []
    for trace in traces:
        rows = np.unique(np.linspace(0, len(trace.kept) - 1, min(most, len(trace.kept))).round().astype(int))
        steps = trace.kept[rows] - trace.steps[0]
        w = trace.w[torch.as_tensor(rows)].reshape(len(rows), -1, trace.w.shape[-1])[:, 0]
        at = torch.as_tensor(trace.steps.searchsorted(trace.kept[rows]))
        merit = trace.merit[at].reshape(len(rows), -1)[:, 0]
        paths.append((steps, w, merit))
        lengths.append(len(rows))
    # All paths one after the other, as if one run had made them: it can be drawn, though not replayed. It ends at
    # the common start, through which the plane goes then: the last iterate of any side would favour that side.
    paths.append(tuple(column[:1] for column in paths[0]))
    lengths.append(1)
    number = np.arange(sum(lengths))
    joined = replace(
        first, dims=(), coords={}, seeds=0, steps=number, kept=number, states=[()], parts=[],
        w=torch.cat([w for _, w, _ in paths]), merit=torch.cat([m for _, _, m in paths]),
    )  # fmt: skip
    table = plane(joined, size=size, most=len(number), on_row=on_row, tol=tol)
    ends = np.cumsum(lengths)[:-1]

    def split(name: str, fill: float) -> np.ndarray:
        values = np.concatenate([steps for steps, _, _ in paths]) if name == "path_step" else table[name]
        parts = np.split(values, ends)[:-1]
        return np.stack([np.pad(p, (0, max(lengths) - len(p)), constant_values=fill) for p in parts], 1)

    columns = {name: table.column(name) for name in ("x", "y", "loss", "computed") if name in table}
    for name in ("path_step", "path_x", "path_y", "path_loss", "off_plane"):
        _, _, symbol, unit = table.column(name)
        columns[name] = (split(name, -1 if name == "path_step" else np.nan), ("iterate", "side"), symbol, unit)
    columns["side"] = ([t.method.slug for t in traces], ("side",))
    attrs = {n: v for n, v in table.attrs.items() if n not in ("method", "method_title", "hyper", "coords")}
    return Table(columns, attrs)
