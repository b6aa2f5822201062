"""Leading eigenpairs of a symmetric operator by a block method that is warm-started and restarted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Eigenpairs(NamedTuple):
    """The k largest eigenvalues with their error bars.

    Attributes:
        values: `(k,)`, descending.
        vectors: `(k + guards, d)`, orthonormal rows; what the next call starts from.
        residuals: `(k,)`, the norms ‖A u - λ u‖: each value is within its residual of an eigenvalue.
        products: products with A that were spent.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    products: int


def top_eigenpairs(
    product: Callable[[Tensor], Tensor],
    start: Tensor,
    k: int,
    tol: float = 1e-3,
    most: int = 400,
    width: int = 48,
) -> Eigenpairs:
    """The k largest (algebraic) eigenvalues of the symmetric map `product`.

    Rayleigh-Ritz on a growing block Krylov space with full reorthogonalisation, restarted from the leading
    Ritz vectors (thick restart); the block carries guard vectors, since leaders cross at the edge of
    stability. Saad, Numerical Methods for Large Eigenvalue Problems (2011), chapters 6 and 7.

    Args:
        product: v `(d,)` to A v `(d,)`.
        start: `(p, d)` rows to start from, p of at least k; rows beyond k are guards.
        tol: relative residual at which an eigenpair counts as converged.
        most: products at most; what was reached by then is returned with its residuals.
        width: rows of the search space before it is restarted.

    Returns:
        Eigenpairs; compare `residuals` with `tol * max|values|` to see whether it converged.
    """
    keep = min(len(start), start.shape[1])
    spare = torch.randn(start.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = _orthonormal(torch.cat([start.double(), spare.to(start.device)]))[:keep]  # dependent rows are replaced
    image = _apply(product, basis, start.dtype)
    spent = len(basis)
    while True:
        values, mix = torch.linalg.eigh(_symmetric(basis @ image.mT))
        values, mix = values.flip(0)[:keep], mix.flip(1)[:, :keep].mT
        vectors = mix @ basis
        residual = mix @ image - values[:, None] * vectors
        sizes = residual.norm(dim=1)
        scale = values.abs().max()
        if (sizes[:k] <= tol * scale).all() or spent >= most or len(basis) >= start.shape[1]:
            return Eigenpairs(values[:k], vectors.to(start.dtype), sizes[:k], spent)
        if len(basis) + keep > max(width, 3 * keep):
            basis, image = vectors, mix @ image
        active = torch.cat([sizes[:k] > tol * scale, torch.zeros(keep - k, dtype=torch.bool, device=sizes.device)])
        fresh = _orthonormal(residual[active], against=basis)
        if not len(fresh):
            return Eigenpairs(values[:k], vectors.to(start.dtype), sizes[:k], spent)
        basis = torch.cat([basis, fresh])
        image = torch.cat([image, _apply(product, fresh, start.dtype)])
        spent += len(fresh)


def _apply(product: Callable[[Tensor], Tensor], rows: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.stack([product(row.to(dtype)) for row in rows]).double()


def _orthonormal(rows: Tensor, against: Tensor | None = None) -> Tensor:
    """Orthonormal rows that span `rows` outside the span of `against`; dependent rows are dropped."""
    out: list[Tensor] = []
    for row in rows:
        row = row / row.norm().clamp_min(1e-300)
        for _ in range(2):  # twice is enough (Kahan)
            if against is not None:
                row = row - (against @ row) @ against
            for other in out:
                row = row - (other @ row) * other
        size = row.norm()
        if size > 1e-10:
            out.append(row / size)
    return torch.stack(out) if out else rows[:0]


def _symmetric(a: Tensor) -> Tensor:
    return (a + a.mT) / 2
