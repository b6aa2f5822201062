"""The spectral density of the Hessian: how its eigenvalues are spread, without computing them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from widgetlib.core.table import Table
from widgetlib.core.trace import Point, Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._lanczos import Krylov, block_lanczos
from widgetlib.measure._products import hessian_rows

STEPS = 30  # products per probe: on a net of 3 466 weights these reach what 80 of separate recurrences do
APART = 0.1  # share of the gap to its neighbours that the residual of a resolved eigenvalue may have
SPREAD = 4  # widths of the kernel that one Lanczos step pays for
POINTS = 1024  # of the grid
FINEST = 1.5  # points of the grid in the width of a Gaussian, at least
BEYOND = 5  # widths by which the grid goes beyond both ends: the mass outside is 6e-7 of a peak's


class Density(NamedTuple):
    """The spectral density of one matrix, as a Gauss quadrature for each probe.

    Attributes:
        nodes: Ritz values `(n,)`, ascending.
        weights: mass at each node as each probe sees it, `(probes, n)`; rows sum to 1.
        residuals: `(n,)`; an eigenvalue lies within that of each node.
        resolved: whether the node is one single eigenvalue, `(n,)`: its weight is 1/d, exactly.
        products: Hessian products that were spent.
    """

    nodes: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray
    resolved: np.ndarray
    products: int

    def on(self, grid: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
        """The density at `grid` `(g,)` with a Gaussian of that width in place of each node, and its standard error."""
        kernel = np.exp(-0.5 * ((grid[:, None] - self.nodes) / width) ** 2) / (width * np.sqrt(2 * np.pi))
        each = self.weights @ kernel.T
        return each.mean(0), each.std(0, ddof=1) / len(each) ** 0.5


def density(
    trace: Trace,
    at: Sequence[int] | None = None,
    probes: int = 8,
    lanczos_steps: int | None = None,
    width: float | None = None,
    preconditioned: bool = False,
    seed: int = 0,
    on_record: Callable[[int], bool] | None = None,
) -> Table:
    r"""The spectral density of the Hessian at some steps of a run, by stochastic Lanczos quadrature.

    $$\phi(t) = \frac1d \sum_i g_\sigma(t - \lambda_i) \approx \frac1p \sum_{j=1}^p \sum_k \tau_{jk}^2\,
    g_\sigma(t - \theta_k)$$

    with Gaussians $g_\sigma$, Ritz values $\theta_k$ and the squared components $\tau^2$ of random signs on their
    Ritz vectors (Ubaru, Chen and Saad 2017; Ghorbani, Krishnan and Xiao 2019). All probes share one block Krylov
    space, and the eigenvalues that it resolves at both ends count exactly 1/d each, so that chance is left with the
    bulk alone (Chen and Hallman 2023).

    Args:
        trace: a single run.
        at: steps; None for the first, the middle and the last one that is finite.
        probes: random vectors, at least 2.
        lanczos_steps: products per probe; None for 30, or for as many as there are unknowns. Where probes times steps
            reach the number of unknowns, all is exact.
        width: standard deviation σ of the Gaussians; None for the range of the spectrum over 4 `lanczos_steps`.
        preconditioned: P^(-1/2) H P^(-1/2) with the method's P instead of H.
        seed: of the probes.
        on_record: called with the number of records done; returning True ends the measure with what there is.

    Returns:
        Table over `record` and `grid`: step, width, eigenvalue (the grid), density, error (its standard error over
        the probes: what chance does, not what more steps would still resolve); largest, largest_residual, smallest,
        smallest_residual; over `node` (NaN where a record has fewer): node, weight, residual, resolved; products.

    Raises:
        AtlasError: a sweep, another world, a step that was not reached or is not finite, fewer than 2 probes, more
            Lanczos steps than unknowns, a width of 0 or less, or a method without a preconditioner.
    """
    if width is not None and not width > 0:
        raise AtlasError(f"width = {width}: a Gaussian needs a positive one; None chooses it.")
    rows, steps = [], min(STEPS, trace.problem.layout.size) if lanczos_steps is None else lanczos_steps
    for k in _steps(trace) if at is None else at:
        point = trace.at(k)
        rows.append(_row(point.k, at_point(point, probes, steps, preconditioned, seed), steps, width))
        if on_record and on_record(len(rows)):
            break
    about = {"unknowns": trace.problem.layout.size, "probes": probes, "preconditioned": preconditioned}
    return _table(rows, trace.attrs() | about)


def at_point(
    point: Point, probes: int = 8, lanczos_steps: int = STEPS, preconditioned: bool = False, seed: int = 0
) -> Density:
    """The spectral density at one point, before any broadening; arguments and errors as for `density`."""
    d = point.w.shape[-1]
    if probes < 2:
        raise AtlasError(f"probes = {probes}: an error bar needs at least two.")
    if not 1 <= lanczos_steps <= d:
        raise AtlasError(f"{lanczos_steps} Lanczos steps were asked of {d} unknowns; choose between 1 and {d}.")
    product = hessian_rows(point, probes)
    if preconditioned:
        product = _preconditioned(product, point)
    if probes * lanczos_steps >= d:  # no dearer, and exact
        start, lanczos_steps = torch.eye(d, dtype=torch.float64), 1
    else:
        generator = torch.Generator().manual_seed(seed)
        start = torch.randint(0, 2, (probes, d), generator=generator, dtype=torch.float64) * 2 - 1
    return quadrature(block_lanczos(product, start.to(point.w.device), lanczos_steps).rounded(point.w.dtype))


def quadrature(space: Krylov) -> Density:
    """Nodes and weights of a Krylov space whose start block was the probes."""
    n, d = space.basis.shape
    values, residuals, weights = space.values, space.residuals, space.start**2
    weights = weights / weights.sum(1, keepdim=True)
    resolved = torch.ones_like(values, dtype=torch.bool) if n == d else _resolved(values, residuals, weights * d)
    share = int(resolved.sum()) / d
    bulk = torch.where(resolved, 0, weights)
    if not resolved.all():
        bulk = bulk * (1 - share) / bulk.sum(1, keepdim=True)
    weights = torch.where(resolved, 1 / d, bulk)
    arrays = (x.numpy(force=True) for x in (values, weights, residuals, resolved))
    return Density(*arrays, space.products)


def _resolved(values: Tensor, residuals: Tensor, counts: Tensor) -> Tensor:
    """The runs of nodes from both ends that are one eigenvalue each.

    Their residual is small against the gap to their neighbours, and the probes see the mass of one eigenvalue
    there: a cluster that is narrower than any gap shows as a node of more mass. Within the bulk such nodes prove
    nothing, since what lies between them may not be seen yet: the first node that fails ends the run.
    """
    far = values.new_full((1,), float("inf"))
    gaps = values.diff()
    apart = residuals <= APART * torch.minimum(torch.cat([far, gaps]), torch.cat([gaps, far]))
    alone = counts.mean(0) <= 1 + 8 * (2 / len(counts)) ** 0.5  # eight standard deviations of a mean of χ² draws
    good = (apart & alone).int()
    return (good.cumprod(0) + good.flip(0).cumprod(0).flip(0)).bool()


def _preconditioned(product: Callable[[Tensor], Tensor], point: Point) -> Callable[[Tensor], Tensor]:
    """The rows' products with P^(-1/2) H P^(-1/2), P as the method has it after the step from here."""
    oracle, dtype = point.oracle().uncounted(), point.w.dtype
    with torch.no_grad():
        after = point.method.step(oracle.uncounted(), point.w, point.state)[1]
        p = point.method.preconditioner(oracle, point.w, after)
    if p is None:
        raise AtlasError(f"{point.method.slug} has no preconditioner; leave preconditioned=False.")

    def half(rows: Tensor) -> Tensor:
        return p.inv_sqrt(rows.to(dtype)).double()

    return lambda rows: half(product(half(rows)))


def _steps(trace: Trace) -> list[int]:
    """The first, the middle and the last step of the part of a run that is finite."""
    first, lost = int(trace.steps[0]), np.max(trace.diverged)
    last = int(trace.steps[-1]) if lost < 0 else max(first, int(lost) - 1)
    return sorted({first, (first + last) // 2, last})


def _row(step: int, found: Density, lanczos_steps: int, width: float | None) -> dict[str, Any]:
    nodes = found.nodes
    span = float(nodes[-1] - nodes[0]) or abs(float(nodes[0])) or 1.0  # of a single eigenvalue: itself
    width = span / min(SPREAD * lanczos_steps, POINTS / FINEST) if width is None else width
    if width < FINEST * span / POINTS:
        least = f"at least {FINEST * span / POINTS:.2g}"
        raise AtlasError(f"width = {width} is too narrow for a grid of {POINTS} points over {span:.3g}; take {least}.")
    grid = np.linspace(nodes[0] - BEYOND * width, nodes[-1] + BEYOND * width, POINTS)
    values, errors = found.on(grid, width)
    return {"step": step, "width": width, "eigenvalue": grid, "density": values, "error": errors, "found": found}


def _table(rows: list[dict[str, Any]], attrs: dict[str, Any]) -> Table:
    """The records so far; nodes are padded with NaN, their weights with 0."""
    found: list[Density] = [row["found"] for row in rows]
    most = max((len(f.nodes) for f in found), default=0)

    def padded(name: str, fill: Any) -> np.ndarray:
        arrays = [getattr(f, name) if name != "weights" else f.weights.mean(0) for f in found]
        return np.array([np.pad(a, (0, most - len(a)), constant_values=fill) for a in arrays]).reshape(len(rows), most)

    def end(name: str, i: int) -> list[float]:
        return [float(getattr(f, name)[i]) for f in found]

    def curve(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows]).reshape(len(rows), -1 if rows else POINTS)

    record, grid, node = ("record",), ("record", "grid"), ("record", "node")
    symbol = "λ of P^{-1/2}HP^{-1/2}" if attrs["preconditioned"] else "λ"
    return Table(
        {
            "step": (np.array([row["step"] for row in rows], dtype=int), record, "k"),
            "width": ([row["width"] for row in rows], record, "σ", "1/lr"),
            "eigenvalue": (curve("eigenvalue"), grid, symbol, "1/lr"),
            "density": (curve("density"), grid, "φ", "lr"),
            "error": (curve("error"), grid, "", "lr"),
            "largest": (end("nodes", -1), record, "λ₁", "1/lr"),
            "largest_residual": (end("residuals", -1), record, "", "1/lr"),
            "smallest": (end("nodes", 0), record, "λ_d", "1/lr"),
            "smallest_residual": (end("residuals", 0), record, "", "1/lr"),
            "node": (padded("nodes", np.nan), node, symbol, "1/lr"),
            "weight": (padded("weights", 0.0), node, "", "1"),
            "residual": (padded("residuals", np.nan), node, "‖Hu − θu‖", "1/lr"),
            "resolved": (padded("resolved", False), node),
            "products": ([f.products for f in found], record, "", "Hessian products"),
        },
        attrs,
    )
