"""How others find the leading Hessian eigenvalues of a torch module: each starts cold, as its users call it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.sparse import linalg as sparse
from torch import Tensor, nn

Net = tuple[nn.Module, Tensor, Tensor]  # the module, its inputs and its targets
Values = Callable[[int], Any]  # how many to the values, descending


def dense(sizes: list[int]) -> nn.Module:
    """A tanh net with these widths: its parameters have the order of the problem's layout."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def loss(out: Tensor, y: Tensor) -> Tensor:
    """Half the squared error, summed over the outputs and averaged over the samples."""
    return 0.5 * ((out - y) ** 2).sum(-1).mean()


def pyhessian(net: Net, tol: float) -> Values:
    """Power iteration with deflation on a graph that is kept, to a relative change of `tol`."""
    from pyhessian import hessian

    module, x, y = net

    def values(k: int) -> list[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the graph that it leaves behind
            return hessian(module, loss, data=(x, y), cuda=False).eigenvalues(maxIter=1000, tol=tol, top_n=k)[0]

    return values


def locuslab(net: Net, tol: float) -> Values:
    """ARPACK on a double backward whose graph is built anew for each product, as locuslab/edge-of-stability does."""
    module, x, y = net
    parameters = list(module.parameters())
    size = sum(p.numel() for p in parameters)

    def product(v: np.ndarray) -> np.ndarray:
        grads = torch.autograd.grad(loss(module(x), y), parameters, create_graph=True)
        along = nn.utils.parameters_to_vector(grads).dot(torch.from_numpy(v).float().ravel())
        return nn.utils.parameters_to_vector(torch.autograd.grad(along, parameters)).numpy()

    operator = sparse.LinearOperator((size, size), matvec=product, dtype=np.float32)
    return lambda k: sparse.eigsh(operator, k, which="LA", tol=tol, return_eigenvectors=False)[::-1]


def curvlinops(net: Net, tol: float) -> Values:
    """ARPACK on the linear operator of curvlinops."""
    from curvlinops import HessianLinearOperator

    module, x, y = net
    parts = list(module.parameters())
    operator = HessianLinearOperator(module, nn.MSELoss(), parts, [(x, y)], check_deterministic=False).to_scipy()
    scale = y.shape[1] / 2  # its loss is a mean over the outputs too, and has no half
    return lambda k: scale * sparse.eigsh(operator, k, which="LA", tol=tol, return_eigenvectors=False)[::-1]


def eigenthings(net: Net, steps: float) -> Values:
    """Lanczos of that many steps, all reorthogonalised, each on a graph of its own."""
    from hessian_eigenthings.algorithms.lanczos import lanczos
    from hessian_eigenthings.operators.hessian import HessianOperator

    module, x, y = net
    operator = HessianOperator(module, [(x, y)], lambda net, batch: loss(net(batch[0]), batch[1]))

    def values(k: int) -> Tensor:
        found = lanczos(operator, k=k, max_iter=int(steps), which="LA", reorthogonalize=True, seed=0)
        return found.eigenvalues

    return values


class Peer(NamedTuple):
    """A peer, and the loosest of its settings that were found exact enough.

    Attributes:
        package: what has to be installed.
        name: what a row calls it.
        make: the net and a setting to the function that is timed.
        small, wide: settings for one eigenvalue of the digits net and for five of a wide one; None where one record
            takes most of a minute.
    """

    package: str
    name: str
    make: Callable[[Net, float], Values]
    small: float | None
    wide: float | None


PEERS = (
    Peer("pyhessian", "PyHessian", pyhessian, 1e-5, None),
    Peer("scipy", "eigsh on a double backward, as locuslab", locuslab, 0.0, 0.0),
    Peer("scipy", "eigsh on a double backward, less exact", locuslab, 1e-1, 1e-3),
    Peer("curvlinops", "curvlinops and eigsh", curvlinops, 1e-2, None),
    Peer("hessian_eigenthings", "hessian-eigenthings, Lanczos", eigenthings, 30, 60),
)
