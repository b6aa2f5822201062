"""The first two moments of the spectrum: trace and Frobenius norm of the Hessian, each with its error bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from widgetlib.core.algebra import dot
from widgetlib.core.table import Table
from widgetlib.core.trace import Trace
from widgetlib.core.words import AtlasError
from widgetlib.measure._lanczos import block_lanczos
from widgetlib.measure._products import hessian_rows, looks

ROWS = 4  # of the block that finds the large eigenvalues


class Moments(NamedTuple):
    """Estimates, each with its standard error, which is 0 where the estimate is exact."""

    trace: float
    trace_error: float
    frobenius: float
    frobenius_error: float
    products: int


def spectral_moments(
    trace: Trace,
    probes: int = 16,
    every: int | None = None,
    seed: int = 0,
    on_record: Callable[[int], bool] | None = None,
) -> Table:
    r"""Trace $\sum_i \lambda_i$ and Frobenius norm $(\sum_i \lambda_i^2)^{1/2}$ of the Hessian along a run.

    Args:
        trace: a single run.
        probes: random vectors, at least 3; an estimate costs about twice as many products. Where these reach the
            number of unknowns, both moments are exact.
        every: steps between two looks; None for about thirty looks.
        seed: of the probes.
        on_record: called with the number of records done; returning True ends the measure with what there is.

    Returns:
        Table over `record`: step, trace, trace_error, frobenius, frobenius_error (one standard error each), products.

    Raises:
        AtlasError: a sweep, another world, an iterate that is not finite, or fewer than 3 probes.
    """
    steps, found = [], []
    for point in looks(trace, every, 30):
        found.append(moments(hessian_rows(point, ROWS), point.w, probes, seed))
        steps.append(point.k)
        if on_record and on_record(len(steps)):
            break
    record = ("record",)
    columns: dict[str, tuple] = {"step": (steps, record, "k")}
    named = {"trace": ("tr H", "1/lr"), "trace_error": ("", "1/lr"), "frobenius": ("‖H‖_F", "1/lr"),
             "frobenius_error": ("", "1/lr"), "products": ("", "Hessian products")}  # fmt: skip
    columns |= {name: ([getattr(f, name) for f in found], record, *words) for name, words in named.items()}
    return Table(columns, trace.attrs() | {"probes": probes})


def moments(product: Callable[[Tensor], Tensor], like: Tensor, probes: int, seed: int = 0) -> Moments:
    r"""Trace and Frobenius norm of a symmetric A: exact on a Krylov space Q, by chance on the rest.

    $$\operatorname{tr} A \approx \operatorname{tr} Q^\top A Q + \frac1m \sum_{i=1}^m \mu_i^\top A \mu_i, \qquad
    \lVert A\rVert_F^2 \approx \lVert A Q\rVert_F^2 + \frac1m \sum_{i=1}^m \lVert A \mu_i\rVert^2$$

    with random $\mu_i \perp Q$ of the squared length $d - \dim Q$. Q holds the large eigenvalues, which would make
    almost all of the scatter; A Q is known from the recurrence, so that Q costs one product a dimension where
    Hutch++ takes two. The probes know nothing of Q: their scatter is the error. Chen and Hallman, Krylov-aware
    stochastic trace estimation (2023); Meyer, Musco, Musco and Woodruff, Hutch++ (2021).

    Args:
        product: float64 rows `(q, d)` to rows of A.
        like: a tensor `(d,)`; its device is that of the probes.
        probes: m, at least 3; Q has about as many dimensions.
        seed: of the probes.

    Raises:
        AtlasError: fewer than 3 probes.
    """
    if probes < 3:
        raise AtlasError(f"probes = {probes}: an error bar needs at least three.")
    d, random = like.shape[-1], torch.Generator().manual_seed(seed)

    def draw(rows: int) -> Tensor:
        return torch.randn(rows, d, generator=random, dtype=torch.float64).to(like.device)

    if d <= 2 * probes:
        space = block_lanczos(product, torch.eye(d, dtype=torch.float64, device=like.device), 1)
    else:
        space = block_lanczos(product, draw(ROWS), -(-probes // ROWS))
    q = space.basis
    first = float(space.values.sum())
    second = float((space.values**2 + space.residuals**2).sum())  # ‖A u‖² of each Ritz vector u
    if len(q) == d:
        return Moments(first, 0.0, second**0.5, 0.0, space.products)
    mu = draw(probes)
    for _ in range(2):
        mu = mu - mu @ q.mT @ q
    image, scale = product(mu), (d - len(q)) / dot(mu, mu)
    traces, squares = scale * dot(mu, image), scale * dot(image, image)
    norm = (second + float(squares.mean())) ** 0.5
    spread = [float(x.std()) / probes**0.5 for x in (traces, squares)]
    error = spread[1] / (2 * norm) if norm else 0.0
    return Moments(first + float(traces.mean()), spread[0], norm, error, space.products + probes)
