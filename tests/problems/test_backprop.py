"""Backpropagation written out, against autograd."""

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.algebra import map_leaves

SIZES = {"width": 5, "subset": 50}


def autograd(problem, w, data, v):
    """Loss, gradient, Hessian product, and the slope of that in the point."""
    x = w.clone().requires_grad_()
    value = problem.loss(x, data)
    slope = torch.autograd.grad(value.sum(), x, create_graph=True)[0]
    product = torch.autograd.grad((slope * v).sum(), x, create_graph=True)[0]
    return value, slope, product, torch.autograd.grad((product * v).sum(), x)[0]


@pytest.mark.parametrize("objective", ["square", "cross_entropy"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("depth", [1, 3])
def test_gradient_and_curvature(objective, activation, depth):
    problem = catalog.problem("digits_mlp", depth=depth, activation=activation, objective=objective, **SIZES)
    data = map_leaves(torch.Tensor.double, problem.load())
    w = torch.stack([problem.start(seed=i).double() + 0.05 for i in range(6)]).reshape(2, 3, -1)
    v = torch.randn(w.shape, generator=torch.Generator().manual_seed(0), dtype=w.dtype)
    wanted = autograd(problem, w, data, v)
    got = problem.loss_and_grad(w, data)
    y = w.clone().requires_grad_()
    slope = problem.loss_and_grad(y, data)[1]
    product = torch.autograd.grad((slope * v).sum(), y, create_graph=True)[0]
    third = torch.autograd.grad((product * v).sum(), y)[0] if activation != "relu" else wanted[3]
    for mine, theirs in zip((*got, product, third), wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)


def test_members_with_batches_of_their_own():
    """Nets `(2, 3, d)` on images `(1, 3, 8, 64)`, as three seeds with mini-batches have them."""
    problem = catalog.problem("digits_mlp", depth=2, **SIZES)
    data = map_leaves(torch.Tensor.double, problem.load())
    batch = type(data)(*(part[torch.arange(24).reshape(1, 3, 8)] for part in data))
    w = torch.stack([problem.start(seed=i).double() for i in range(6)]).reshape(2, 3, -1)
    value, slope = problem.loss_and_grad(w, batch)
    for i in range(2):
        for j in range(3):
            own = type(data)(*(part[0, j] for part in batch))
            wanted = autograd(problem, w[i, j], own, w[i, j])
            torch.testing.assert_close(value[i, j], wanted[0])
            torch.testing.assert_close(slope[i, j], wanted[1], rtol=1e-9, atol=1e-12)


def test_the_same_bits_with_a_graph_and_without():
    """A measure that records the graph must not lead the run elsewhere."""
    problem = catalog.problem("digits_mlp")
    w, data = problem.start(), problem.load()
    value, slope = problem.loss_and_grad(w.clone().requires_grad_(), data)
    with torch.no_grad():
        plain = problem.loss_and_grad(w, data)
    assert torch.equal(value, plain[0]) and torch.equal(slope, plain[1])
    assert torch.equal(w, problem.start()), "what is overwritten is its own"
