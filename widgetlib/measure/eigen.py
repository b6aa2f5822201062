"""Leading eigenpairs of a symmetric map: of one map, and of one that moves from look to look."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import lapack
from torch import Tensor

GUARDS = 2  # eigenvectors remembered beyond those asked for: leaders change places at the edge of stability
DRIFT = 2.0  # how much farther than the leaders' images any eigenvalue is taken to move between two looks
WHOLE = 40  # unknowns up to which a map is diagonalised whole
FIRST = 1e-3  # relative residual of a first look at most: a wrong leader would be followed for long

Product = Callable[[Tensor], Tensor]


class Eigenpairs(NamedTuple):
    """The k largest eigenvalues with their error bars.

    Attributes:
        values: `(k,)`, descending, float64.
        vectors: `(n, d)`, orthonormal rows; the first k belong to `values`, any others are guards.
        residuals: `(k,)`, the norms ‖A u - λ u‖: each value is within its residual of an eigenvalue.
        products: products with A that were spent.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    products: int


def top_eigenpairs(
    product: Product, start: Tensor, k: int, tol: float = 1e-3, most: int = 400, width: int = 48
) -> Eigenpairs:
    """The k largest (algebraic) eigenvalues of the symmetric map `product`.

    Rayleigh-Ritz on a growing block Krylov space with full reorthogonalisation, restarted from the leading
    Ritz vectors (thick restart); the block carries guard vectors. Saad, Numerical Methods for Large Eigenvalue
    Problems (2011), chapters 6 and 7.

    Args:
        product: v `(d,)` to A v `(d,)`.
        start: `(p, d)` rows to start from, p of at least k; rows beyond k are guards.
        tol: relative residual at which an eigenpair counts as converged.
        most: products at most; what was reached by then is returned with its residuals.
        width: rows of the search space before it is restarted.

    Returns:
        Eigenpairs with p vectors; compare `residuals` with `tol * max|values|` to see whether it converged.

    Raises:
        FloatingPointError: a product is not finite.
    """
    space = _Space.of(_basis(start))
    space.multiply(product, list(range(len(space.rows))))
    return space.solve(product, k, len(space.rows), tol, most, width)


class Tracker:
    """The k largest eigenpairs of a symmetric map that moves, each look warm-started from earlier ones.

    Eigenvectors are remembered with their images, a few guards among them. At each look the k leaders are multiplied
    anew; a guard only where it may have come to lead, that is, where its remembered value and twice the distance by
    which the leaders' images have moved since reach the least leader (by Weyl's inequality no eigenvalue moves
    farther than the norm of the change of the map). What is reported is the Rayleigh-Ritz of fresh products alone;
    remembered ones only say where to look.

    At the edge of stability an iterate swings with period two, and the eigenvectors with it: those of two steps ago
    are ten times closer than those of the last. So even and odd steps have a memory of their own, by `phase`.

    Args:
        k: how many eigenvalues.
        tol: relative residual at which an eigenpair counts as converged.
        seed: of the start of the first look.
    """

    def __init__(self, k: int, tol: float = 1e-3, seed: int = 0):
        self.k, self.tol, self.seed = k, tol, seed
        self._memory: dict[int, _Space] = {}

    def look(self, product: Product, like: Tensor, phase: int = 0) -> Eigenpairs:
        """The leading eigenpairs of `product`, which maps vectors in the form of `like`, `(d,)`.

        Raises:
            FloatingPointError: a product is not finite; what is remembered stays.
        """
        if len(like) <= WHOLE or not self.k:
            return _whole(product, like, self.k)
        k, keep, tol = self.k, min(self.k + GUARDS, len(like)), self.tol
        last = self._memory.get(phase) or next(iter(self._memory.values()), None)
        if last is None:
            generator = torch.Generator().manual_seed(self.seed)
            start = torch.randn(keep, len(like), generator=generator, dtype=torch.float64)
            space, tol = _Space.of(_basis(start.to(like))), min(tol, FIRST)
            space.multiply(product, list(range(keep)))
        else:
            space = last.again()
            space.multiply(product, list(range(k)))
            moved = DRIFT * float((space.images[:k] - last.images[:k]).norm())
            space.doubt = [0.0] * k + [doubt + moved for doubt in space.doubt[k:]]
            values = space.inner.diagonal().tolist()
            rivals = [i for i in range(k, len(values)) if values[i] + space.doubt[i] >= min(values[:k])]
            if rivals:
                space.multiply(product, rivals)
        pairs = space.solve(product, k, k, tol)
        self._memory[phase] = space.leading(keep)
        return pairs


def _whole(product: Product, like: Tensor, k: int) -> Eigenpairs:
    """The k largest eigenpairs of a small map, from its matrix."""
    if not k:
        return Eigenpairs(torch.zeros(0).double(), like[:0, None], torch.zeros(0).double(), 0)
    matrix = torch.stack([product(row) for row in torch.eye(len(like)).to(like)]).double()
    if not torch.isfinite(matrix).all():
        raise FloatingPointError("a product with the map is not finite")
    values, vectors = torch.linalg.eigh(matrix)
    return Eigenpairs(values.flip(0)[:k].cpu(), vectors.mT.flip(0)[:k].to(like), torch.zeros(k).double(), len(like))


class _Space:
    """A search space: orthonormal rows with their images, and the matrix of the map on them.

    The first `fresh` rows were multiplied with the map as it is now; the others with an earlier one, and `doubt` says
    how far their values may have moved since. Rows stay in the dtype of the problem; what is small is float64.
    """

    def __init__(self, rows: Tensor, images: Tensor, inner: np.ndarray, doubt: list[float]):
        self.rows, self.images, self.inner, self.doubt = rows, images, inner, doubt
        self.fresh = self.spent = 0

    @classmethod
    def of(cls, rows: Tensor) -> _Space:
        """The space of these rows, none of them multiplied yet."""
        return cls(rows, torch.zeros_like(rows), np.zeros((len(rows), len(rows))), [0.0] * len(rows))

    def again(self) -> _Space:
        """The same space for another look, with every row remembered."""
        return _Space(self.rows, self.images.clone(), self.inner.copy(), self.doubt.copy())

    def multiply(self, product: Product, which: Sequence[int]) -> None:
        """Makes these rows fresh, and the next ones after those that are."""
        n, m = self.fresh, self.fresh + len(which)
        if which != list(range(n, m)):
            order = [*range(n), *which, *(i for i in range(n, len(self.rows)) if i not in which)]
            self.rows, self.images, self.inner = self.rows[order], self.images[order], self.inner[np.ix_(order, order)]
            self.doubt = [self.doubt[i] for i in order]
        for i in range(n, m):
            self.images[i] = product(self.rows[i])
        block = (self.rows @ self.images[n:m].mT).tolist()
        if not math.isfinite(sum(map(sum, block))):
            raise FloatingPointError("a product with the map is not finite")
        self.inner[:, n:m] = block
        self.inner[n:m] = self.inner[:, n:m].T
        self.doubt[n:m] = [0.0] * len(which)
        self.fresh, self.spent = m, self.spent + len(which)

    def solve(self, product: Product, k: int, keep: int, tol: float, most: int = 400, width: int = 48) -> Eigenpairs:
        """Extends the space until the k leading Ritz pairs of its fresh rows have converged."""
        while True:
            n = self.fresh
            values, mix, _ = self._ritz(n)
            vectors = mix[:k] @ self.rows[:n]
            gaps = mix[:k] @ self.images[:n] - torch.from_numpy(values[:k, None]).to(vectors) * vectors
            sizes = gaps.norm(dim=1).tolist()
            limit = tol * max(values[0], -values[-1])
            wanting = [i for i, size in enumerate(sizes) if size > limit]
            if not wanting or self.spent >= most or n == self.rows.shape[1]:
                break
            if n + len(wanting) > max(width, 3 * keep):
                space = self._leading(n, keep)
                self.rows, self.images, self.inner, self.doubt = space.rows, space.images, space.inner, space.doubt
                self.fresh = keep
            if not self._extend(product, gaps[wanting], [sizes[i] for i in wanting]):
                break
        vectors = vectors if keep == k else mix[:keep] @ self.rows[:n]
        return Eigenpairs(torch.from_numpy(values[:k]), vectors, torch.tensor(sizes, dtype=torch.float64), self.spent)

    def leading(self, keep: int) -> _Space:
        """The space of the leading Ritz vectors of all rows, remembered images included."""
        return self._leading(len(self.rows), keep)

    def _leading(self, n: int, keep: int) -> _Space:
        values, mix, turn = self._ritz(n)
        inner = np.zeros((keep, keep))
        inner.flat[:: keep + 1] = values[:keep]
        doubt = (turn[:, :keep] ** 2).T @ self.doubt[:n]
        return _Space(mix[:keep] @ self.rows[:n], mix[:keep] @ self.images[:n], inner, doubt.tolist())

    def _ritz(self, n: int) -> tuple[np.ndarray, Tensor, np.ndarray]:
        """Eigenvalues on the first n rows, descending, and the coefficients of their vectors, row by row."""
        values, turn, _ = lapack.dsyevd(-self.inner[:n, :n])
        return -values, torch.from_numpy(turn.T).to(self.rows), turn

    def _extend(self, product: Product, gaps: Tensor, sizes: list[float]) -> bool:
        """Makes a row fresh for each residual: the remembered one that holds most of it, else the residual itself."""
        n, again = self.fresh, set()
        if n < len(self.rows):
            shares = (gaps @ self.rows[n:].mT).square().tolist()
            held = [max(share) > size**2 - sum(share) for share, size in zip(shares, sizes, strict=True)]
            again = {n + share.index(max(share)) for share, yes in zip(shares, held, strict=True) if yes}
            gaps = gaps[[not yes for yes in held]] if again else gaps
        if again:
            self.multiply(product, sorted(again))
        new = _orthonormal(gaps, self.rows)
        if len(new):
            self._insert(new)
            self.multiply(product, list(range(self.fresh, self.fresh + len(new))))
        return bool(again or len(new))

    def _insert(self, new: Tensor) -> None:
        """Takes new rows in, as the next ones after those that are fresh."""
        n, m = self.fresh, self.fresh + len(new)
        self.rows = torch.cat([self.rows[:n], new, self.rows[n:]])
        self.images = torch.cat([self.images[:n], new, self.images[n:]])
        self.doubt[n:n] = [0.0] * len(new)
        old, self.inner = self.inner, np.zeros((len(self.rows), len(self.rows)))
        self.inner[:n, :n], self.inner[:n, m:] = old[:n, :n], old[:n, n:]
        self.inner[m:, :n], self.inner[m:, m:] = old[n:, :n], old[n:, n:]


def _basis(start: Tensor) -> Tensor:
    """Orthonormal rows that span `start`; dependent ones are replaced by random ones."""
    spare = torch.randn(start.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return _orthonormal(torch.cat([start, spare.to(start)]), start[:0])[: min(start.shape)]


def _orthonormal(rows: Tensor, against: Tensor) -> Tensor:
    """Orthonormal rows that span `rows` outside the span of `against`; dependent rows are dropped.

    Gram-Schmidt once: residuals are orthogonal to what spans them, up to rounding.
    """
    if not len(rows):
        return rows
    least = 1e3 * torch.finfo(rows.dtype).eps
    sizes = rows.norm(dim=1).tolist()
    q, r = torch.linalg.qr((rows - (rows @ against.mT) @ against).mT)
    kept = [abs(left) > least * size for left, size in zip(r.diagonal().tolist(), sizes, strict=False)]
    return q.mT if all(kept) else q.mT[kept]
