"""The universal meter: eigenvalues of any method's one-step map on (w, state)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse import linalg as sparse
from torch import Tensor

from widgetlib.core.algebra import frozen, leaves, map_leaves
from widgetlib.core.oracle import Answer
from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError

EXACT = 120  # unknowns up to which the whole spectrum is computed
LIFT = 1e-30  # a root has an infinite slope at 0: zeros of a second moment are lifted to this


class Spectrum(NamedTuple):
    """Eigenvalues of the one-step map, farthest from +1 first.

    Attributes:
        values: complex `(modes,)`.
        residuals: `(modes,)`, ‖Jᵀx - μx‖ for unit x; 0 where the spectrum is exact.
        vector: left eigenvector of the first mode, from which the next call starts.
        largest_real: largest real part; of all modes where the spectrum is exact, else of those listed.
        unknowns: size of the map.
    """

    values: np.ndarray
    residuals: np.ndarray
    vector: np.ndarray | None
    largest_real: float
    unknowns: int


def linearised(point: Point, hold: bool) -> tuple[int, Callable[[np.ndarray], np.ndarray]]:
    """The transposed Jacobian of the step at `point`: its size and the map v → Jᵀv.

    J and its transpose have the same spectrum, so that one graph and plain backward products do.

    Args:
        hold: whether slow state is held constant (the map that stability laws speak of); state that is
            wholly slow is then no unknown.
    """
    w, state = point.w, map_leaves(_lifted, point.state)
    oracle = point.oracle().uncounted()
    parts = [w, *leaves(state)]
    with torch.enable_grad(), frozen() if hold else contextlib.nullcontext():
        inputs = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in parts]
        rest = iter(inputs[1:])
        new_w, new_state, _ = point.method.step(oracle, inputs[0], map_leaves(lambda _: next(rest), state))
        outputs = [new_w, *leaves(new_state)]
        moving = [i for i, y in enumerate(outputs) if y.requires_grad]
        out = torch.cat([outputs[i].flatten() for i in moving]) if moving else w
    if 0 not in moving or not _follows(out, oracle.seen):
        raise AtlasError(f"{point.method.slug} detaches its gradient or iterate: its step cannot be linearised.")
    kept = [inputs[i] for i in moving]

    def product(v: np.ndarray) -> np.ndarray:
        seed = torch.tensor(v, dtype=out.dtype, device=out.device)
        back = torch.autograd.grad(out, kept, seed, retain_graph=True, allow_unused=True, materialize_grads=True)
        return torch.cat([b.flatten() for b in back]).double().numpy(force=True)

    return out.numel(), product


def _follows(out: Tensor, seen: Answer | None) -> bool:
    """Whether `out` hangs on the gradient: a detached one would leave the identity as the map, unnoticed."""
    if seen is None or not seen.slope.requires_grad:  # never asked, or constant
        return True
    return torch.autograd.grad(out.sum(), seen.slope, retain_graph=True, allow_unused=True)[0] is not None


def spectrum(point: Point, hold: bool, modes: int = 6, start: np.ndarray | None = None, tol: float = 1e-4) -> Spectrum:
    """Eigenvalues of the one-step map at `point`, farthest from +1 first.

    Exact for small maps; else Arnoldi on 1 - Jᵀ (ARPACK), whose largest eigenvalues are those farthest
    from +1: through -1 or as a complex pair is the way over the edge, through +1 only down a slope.
    """
    n, product = linearised(point, hold)
    if n <= EXACT:
        jacobian = np.stack([product(row) for row in np.eye(n)])
        values = np.linalg.eigvals(jacobian)
        values = values[np.argsort(-np.abs(values - 1), kind="stable")]
        return Spectrum(values[:modes], np.zeros(min(n, modes)), None, values.real.max(), n)
    operator = sparse.LinearOperator((n, n), matvec=lambda v: v - product(v), dtype=np.float64)
    start = start if start is not None and len(start) == n else np.random.default_rng(0).standard_normal(n)
    try:
        values, vectors = sparse.eigs(operator, k=modes, which="LM", v0=start, tol=tol, maxiter=60)
    except sparse.ArpackNoConvergence as error:  # what did converge comes back; the rest is NaN
        values, vectors = error.eigenvalues, error.eigenvectors
    order = np.argsort(-np.abs(values), kind="stable")
    values, vectors = values[order], vectors[:, order]
    images = [operator.matvec(u.real) + 1j * operator.matvec(u.imag) for u in vectors.T]
    residuals = [np.linalg.norm(a - x * u) for a, x, u in zip(images, values, vectors.T, strict=True)]
    pad = modes - len(values)
    return Spectrum(
        np.pad(1 - values, (0, pad), constant_values=np.nan),
        np.pad(np.array(residuals), (0, pad), constant_values=np.nan),
        vectors[:, 0].real if len(values) else None,
        float((1 - values).real.max(initial=-np.inf)),
        n,
    )


class UpdateMap:
    """Looks at a run every so many steps with the meter, frozen and full.

    Args:
        every: steps between two looks.
        modes: how many eigenvalues, farthest from +1 first.
    """

    name = "update_map"

    def __init__(self, every: int = 50, modes: int = 6):
        self.every, self.modes = every, modes
        self.steps: list[int] = []
        self.spectra: list[tuple[Spectrum, Spectrum]] = []

    def observe(self, point: Point) -> None:
        """Measures at one point of a single run; a point that is not finite is passed over."""
        if point.w.ndim > 1:
            raise AtlasError("the meter looks at one run; pick a member first: t.at(k).member(i).")
        if not all(torch.isfinite(x).all() for x in (point.w, *leaves(point.state))):
            return
        last = self.spectra[-1] if self.spectra else (None, None)
        pair = [
            spectrum(point, hold, self.modes, old.vector if old else None)
            for hold, old in zip((True, False), last, strict=True)
        ]
        self.steps.append(point.k)
        self.spectra.append((pair[0], pair[1]))

    def table(self, attrs: dict[str, Any]) -> Table:
        """The looks so far, as the figures take them."""
        modes = max((len(s.values) for pair in self.spectra for s in pair), default=self.modes)

        def block(which: int, name: str) -> np.ndarray:
            kind = complex if name == "values" else float
            out = np.full((len(self.spectra), modes), np.nan, dtype=kind)
            for row, pair in zip(out, self.spectra, strict=True):
                row[: len(getattr(pair[which], name))] = getattr(pair[which], name)
            return out

        unknowns = self.spectra[-1][1].unknowns if self.spectra else 0
        modal = ("record", "mode")
        return Table(
            {
                "step": (np.array(self.steps, dtype=int), ("record",), "k"),
                "frozen": (block(0, "values"), modal, "μ"),
                "full": (block(1, "values"), modal, "μ"),
                "frozen_residual": (block(0, "residuals"), modal),
                "full_residual": (block(1, "residuals"), modal),
                "largest_real": ([full.largest_real for _, full in self.spectra], ("record",), "Re μ"),
            },
            attrs | {"exact": unknowns <= EXACT, "unknowns": unknowns},
        )


def update_map(trace: Trace, every: int | None = None, modes: int = 6) -> Table:
    """Eigenvalues of the method's own one-step map along a run, slow state frozen and full.

    Args:
        trace: a single run.
        every: steps between two looks; None for about thirty looks.
        modes: how many eigenvalues, farthest from +1 first.

    Returns:
        Table over `record` and `mode`: step, frozen, full (complex), their residuals, largest_real (of
        the full map: of all its modes where `exact`, else of those listed).
    """
    meter = UpdateMap(every or max(1, trace.span // 30), modes)
    for point in trace.points(meter.every):
        meter.observe(point)
    return meter.table(trace.attrs())


def _lifted(x: Tensor) -> Tensor:
    """Zeros of what can only be a second moment, lifted off the infinite slope of the root."""
    return torch.where(x == 0, LIFT, x) if x.is_floating_point() and (x >= 0).all() else x
