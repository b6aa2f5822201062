from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.layout import Layout
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import Sharpness
from widgetlib.measure.update_map import spectrum

DIGITS = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
NET = catalog.problem("chebyshev_mlp", width=4, points=10)


def power(a, p):
    """By the singular values, which are the eigenvalues here."""
    u, s, _ = np.linalg.svd(a, hermitian=True)
    return (u * s**p) @ u.T


def numpy_step(g, sums):
    """The direction of each part of the gradient; the sums go on."""
    out = {}
    for name, x in g.items():
        if x.ndim == 2:
            sums[name] = (sums[name][0] + x @ x.T, sums[name][1] + x.T @ x)
            out[name] = power(sums[name][0], -0.25) @ x @ power(sums[name][1], -0.25)
        else:
            sums[name] = (sums[name][0] + np.outer(x, x),)
            out[name] = power(sums[name][0], -0.5) @ x
    return out


def path(start, steps, order):
    """Iterates of the numpy steps; `order` -1 sums over the samples backwards."""
    data = type(DIGITS.load())(*(part.double() if order > 0 else part.double().flip(0) for part in DIGITS.load()))
    sums = {n: tuple(1e-4 * np.eye(k) for k in shape) for n, shape in DIGITS.layout.parts.items()}
    found = [start]
    for _ in range(steps):
        x = found[-1].clone().requires_grad_()
        g = torch.autograd.grad(DIGITS.loss(x, data).sum(), x)[0]
        move = numpy_step({n: v.numpy() for n, v in DIGITS.layout.views(g).items()}, sums)
        found.append(found[-1] - 0.05 * DIGITS.layout.flat({n: torch.from_numpy(v.copy()) for n, v in move.items()}))
    return torch.stack(found)


def test_against_numpy():
    t = run(catalog.method("shampoo", lr=0.05), DIGITS, 200, dtype=torch.float64)
    there, back = (path(t.w[0], 200, order) for order in (1, -1))
    gap = float((there - back).abs().max())  # what the order of summation alone changes
    assert float((t.w - there).abs().max()) < max(1e-10, 100 * gap), gap
    assert float((t.w[-1] - t.w[0]).abs().max()) > 0.1


def test_roots_are_stale_between_refreshes():
    t = run(catalog.method("shampoo", every=5), NET, 12)
    roots = [t.at(k).state.roots[0][0] for k in range(1, 13)]
    fresh = [k for k in range(1, 12) if not torch.equal(roots[k], roots[k - 1])]
    assert fresh == [5, 10]
    sums = [t.at(k).state.sums[0][0] for k in range(1, 13)]
    assert all(not torch.equal(a, b) for a, b in pairwise(sums))


@pytest.mark.parametrize("k", [1, 30])
def test_law_with_matrices(k):
    point = run(catalog.method("shampoo"), NET, k).at(k)
    meter = Sharpness(k=0)
    meter.observe(point)
    row = meter.rows[0]
    assert row["preconditioned"] and row["gauge"] > 0
    edge = 2 / row["gauge"]
    for share, outside in ((0.99, False), (1.01, True)):
        there = replace(point, method=with_fields(point.method, {"lr": share * edge}))
        assert (spectrum(there, True, 40).values.real < -1).any() == outside


def test_rows_and_columns_may_be_turned():
    """G to U G V turns L and R with it: the step is U ΔW V."""
    generator = torch.Generator().manual_seed(0)
    u, v = (torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q for n in (4, 3))
    method = catalog.method("shampoo")
    oracle = NET.oracle(NET, NET.load())
    oracle.layout = Layout({"W": (4, 3)})
    gradients = torch.randn(6, 4, 3, generator=generator, dtype=torch.float64)
    moved = []
    for turned in (False, True):
        w = torch.zeros(12, dtype=torch.float64)
        s = method.init(oracle, w)
        for g in gradients:
            seen = (u @ g @ v if turned else g).flatten()
            oracle.grad = lambda w, seen=seen: seen
            w, s, _ = method.step(oracle, w, s)
        moved.append(w.unflatten(0, (4, 3)))
    assert torch.allclose(moved[1], u @ moved[0] @ v, atol=1e-9)
