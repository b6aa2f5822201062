"""Gradient noise: the covariance of single samples' gradients, its leading directions, and where they point."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from widgetlib.core.oracle import FiniteSum
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._lanczos import GUARDS, Krylov, leading
from widgetlib.measure._products import hessian_rows, looks, minimised

KEPT = 2**27  # numbers of single gradients that are kept; beyond, they are computed anew for each block of products
CHUNK = 2**24  # numbers of single gradients that are computed at once


class Noise:
    r"""The covariance $C = \frac1n \sum_i (g_i - \bar g)(g_i - \bar g)^\top$ of single gradients at one point.

    No matrix of d by d is formed, and where the gradients of all samples are too many they come in chunks.

    Attributes:
        mean: the full-batch gradient `(d,)`.
        trace: the trace of C.
    """

    def __init__(self, point: Point, kept: int = KEPT, chunk: int = CHUNK):
        self._point, n, d = point, point.problem.samples, len(point.w)
        self._n, self._size = n, max(1, chunk // d)
        self._all = list(self._raw()) if n * d <= kept else None
        self.mean = sum(part.double().sum(0) for part in self._all or self._raw()) / n
        if self._all is not None:
            self._all = [self._centred(part) for part in self._all]
        self.trace = sum(float((part.double() ** 2).sum()) for part in self._parts()) / n

    def rows(self, v: Tensor) -> Tensor:
        """Float64 rows `(q, d)` to rows of C."""
        v = v.to(self._point.w.dtype)
        return sum((v @ part.mT @ part).double() for part in self._parts()) / self._n

    def _parts(self) -> Iterator[Tensor]:
        return map(self._centred, self._raw()) if self._all is None else iter(self._all)

    def _centred(self, part: Tensor) -> Tensor:
        return part - self.mean.to(part.dtype)

    def _raw(self) -> Iterator[Tensor]:
        """Gradients of single samples in chunks `(c, d)`."""
        data = self._point.data
        for i in range(0, self._n, self._size):
            piece = type(data)(*(part[i : i + self._size] for part in data))
            yield dataclasses.replace(self._point, data=piece).oracle().uncounted().per_sample_grad(self._point.w)


def gradient_noise(
    trace: Trace, k: int = 5, every: int | None = None, on_record: Callable[[int], bool] | None = None
) -> Table:
    r"""Trace and leading directions of the gradient noise along a run, and how they lie to the Hessian's.

    The gradient of a mini-batch of b samples has the covariance C/b (drawn with replacement). Its alignment is
    $\lVert P u_j \rVert^2$, the share of the j-th direction within the Hessian's k leading eigenvectors; a random
    direction has k/d. Thomas et al., On the interplay between noise and curvature (2020). The noise scale
    $\operatorname{tr} C / \lVert\bar g\rVert^2$ is the batch beyond which larger ones save few steps (McCandlish,
    Kaplan and Amodei 2018).

    Args:
        trace: a single run of a problem with samples.
        k: directions of the noise, and eigenvectors of the Hessian.
        every: steps between two looks; None for about a dozen.
        on_record: called with the number of records done; returning True ends the measure with what there is.

    Returns:
        Table over `record` and `rank`: step, trace, noise_scale; eigenvalue (of C, largest first), residual (each is
        within that of one of C), share (of the trace), alignment, alignment_error (a bound, at most 1, from residuals
        and gaps).

    Raises:
        AtlasError: a sweep, a problem without samples, an iterate that is not finite, or a k that is no number of
            directions.
    """
    rows = []
    for point in looks(trace, every, 12):
        rows.append(_look(point, k))
        if on_record and on_record(len(rows)):
            break
    record, rank = ("record",), ("record", "rank")
    symbols = {"step": ("k",), "trace": ("tr C", "‖g‖²"), "noise_scale": ("tr C/‖ḡ‖²", "samples"),
               "eigenvalue": ("λ of C", "‖g‖²"), "residual": ("‖Cu − λu‖", "‖g‖²"), "share": ("λ/tr C", "1"),
               "alignment": ("‖Pu‖²", "1"), "alignment_error": ("", "1")}  # fmt: skip
    columns = {n: (np.array([r[n] for r in rows]), record if n in list(symbols)[:3] else rank, *s)
               for n, s in symbols.items()}  # fmt: skip
    chance = k / trace.problem.layout.size
    return Table(columns, trace.attrs() | {"samples": trace.problem.samples, "batch": trace.batch, "chance": chance})


def _look(point: Point, k: int) -> dict[str, float | np.ndarray]:
    """One record."""
    oracle, w = minimised(point), point.w
    if not isinstance(oracle, FiniteSum):
        raise AtlasError(f"{point.problem.slug} has no samples, so that its gradient has no noise.")
    most = min(len(w), point.problem.samples - 1)
    if not 1 <= k <= most:
        raise AtlasError(f"k = {k} directions of a noise of {most}; choose between 1 and {most}.")
    noise = Noise(point)
    own, hessian = leading(noise.rows, w, k), leading(hessian_rows(point, k + GUARDS), w, k)
    directions = own.vectors(k)
    inside = ((directions @ hessian.vectors(k).mT) ** 2).sum(1)
    values = own.values.flip(0)[:k].numpy(force=True)
    turned = [turn(own, i, i + 1) for i in range(k)]
    size = float(noise.mean @ noise.mean)
    return {
        "step": point.k, "trace": noise.trace, "noise_scale": noise.trace / size if size else np.nan,
        "eigenvalue": values, "residual": own.residuals.flip(0)[:k].numpy(force=True),
        "share": values / noise.trace if noise.trace else np.full(k, np.nan),
        "alignment": inside.numpy(force=True), "alignment_error": np.minimum(1, np.add(turned, turn(hessian, 0, k))),
    }  # fmt: skip


def turn(space: Krylov, first: int, last: int) -> float:
    """At most how far the Ritz vectors of rank first to last - 1 are turned out of the eigenvectors' span, a sine.

    Davis and Kahan (1970), with the other Ritz values in place of the other eigenvalues: the residual over the gap.
    """
    values, residuals = space.values.flip(0), space.residuals.flip(0)
    above = values[first - 1] - residuals[first - 1] - values[first] if first else np.inf
    below = values[last - 1] - values[last] - residuals[last] if last < len(values) else np.inf
    gap, size = float(min(above, below)), float(residuals[first:last].norm())
    return min(1.0, size / gap) if gap > 0 else 1.0
