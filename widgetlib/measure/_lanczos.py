"""Block Lanczos on a symmetric map, always reorthogonalised in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from widgetlib.core.words import AtlasError

MEMORY = 2**32  # bytes that a basis may take
GUARDS = 3  # rows beyond the wanted ones, which converge last
LOST = 1e-10  # share of the largest image below which what is left of a row is rounding


class Krylov(NamedTuple):
    """Ritz pairs of a symmetric map A on the space that `steps` products with a block of p rows span.

    Attributes:
        values: Ritz values `(n,)`, ascending.
        mixing: Ritz vectors in the basis, the columns of `(n, n)`.
        basis: orthonormal rows `(n, d)`; the rows of the start block come first.
        start: the start block in the Ritz vectors' coordinates, `(p, n)`.
        residuals: `(n,)`, the norms ‖A u - θ u‖: each Ritz value is within its residual of an eigenvalue.
        products: products with A that were spent.
    """

    values: Tensor
    mixing: Tensor
    basis: Tensor
    start: Tensor
    residuals: Tensor
    products: int

    def vectors(self, k: int) -> Tensor:
        """Ritz vectors of the k largest values, largest first, orthonormal rows `(k, d)`."""
        return self.mixing.flip(1)[:, :k].mT @ self.basis

    def rounded(self, dtype: torch.dtype) -> Krylov:
        """The same, with the rounding of products made in that dtype in every residual: √d units of the largest."""
        unit = torch.finfo(dtype).eps * self.basis.shape[1] ** 0.5
        return self._replace(residuals=self.residuals + unit * self.values.abs().max())


def block_lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> Krylov:
    """Rayleigh-Ritz on the block Krylov space of `start`.

    One space for all rows: n = steps p products hold what p separate recurrences of the same length do, and far
    more of the ends of the spectrum, since each row uses the products of all others. Each new block is made
    orthogonal to the whole basis twice: without that, copies of converged eigenvalues appear ("ghosts"). Rows
    that bring nothing new are dropped, so that the recurrence ends by itself in an invariant subspace. Golub and
    Underwood (1977); Parlett, The Symmetric Eigenvalue Problem (1998), chapter 13.

    Args:
        product: rows `(q, d)` in float64 to rows of A, q of at most p.
        start: linearly independent rows `(p, d)`, float64.
        steps: products with the block, at least 1; ends earlier where p steps exceed d.

    Raises:
        AtlasError: the basis would not fit into memory.
    """
    p, d = start.shape
    most = min(steps * p, d)
    if 8 * most * d > MEMORY:
        fewer = max(1, MEMORY // (8 * d * p))
        raise AtlasError(
            f"{steps} Lanczos steps of {p} rows of {d} unknowns take {8 * most * d / 2**30:.0f} GiB; "
            f"take at most {fewer} steps, or fewer rows."
        )
    basis, coupling = start.new_empty(most, d), start.new_zeros(most, most)
    block, corner = _orthonormal(start, LOST * float(start.norm(dim=1).max()))
    n, spent, scale = 0, 0, 0.0
    for _ in range(steps):
        here = slice(n, n + len(block))
        basis[here], n = block, here.stop
        image = product(block)
        spent += len(block)
        scale = max(scale, float(image.norm(dim=1).max()))
        if not torch.isfinite(image).all():
            raise AtlasError("a product with this matrix is not finite: the point is too far out; choose another.")
        part = image @ basis[:n].mT
        coupling[:n, here] = part.mT
        block, left = _orthonormal(image - part @ basis[:n], LOST * scale)
        block = torch.linalg.qr((block - block @ basis[:n].mT @ basis[:n]).mT).Q.mT[: d - n]  # twice is enough (Kahan)
        if not len(block):
            break
    coupling = coupling[:n, :n].triu()
    values, mixing = torch.linalg.eigh(coupling + coupling.triu(1).mT)
    residuals = torch.linalg.vector_norm(left.mT @ mixing[here], dim=0)
    return Krylov(values, mixing, basis[:n], corner @ mixing[: corner.shape[1]], residuals, spent)


def leading(product: Callable[[Tensor], Tensor], like: Tensor, k: int, steps: int = 10) -> Krylov:
    """A Krylov space of k random rows and a few guards, in which the largest Ritz pairs have settled.

    Residuals hold the rounding of the products too, which are made in the dtype of `like`.

    Args:
        product: as in `block_lanczos`.
        like: the point `(d,)`.
        k: pairs that are wanted.
        steps: products a row.
    """
    d = like.shape[-1]
    start = torch.randn(min(k + GUARDS, d), d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return block_lanczos(product, start.to(like.device), steps).rounded(like.dtype)


def _orthonormal(rows: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """Orthonormal rows Q of the same span and R with rows = R Q; rows of which less than `least` is new are dropped."""
    q, r = torch.linalg.qr(rows.mT)
    kept = r.diagonal().abs() > least
    return q.mT[kept], r.mT[:, kept]
