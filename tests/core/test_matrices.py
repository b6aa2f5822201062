"""Functions of matrices, and the preconditioner that is made of them."""

import pytest
import torch

from widgetlib.core.algebra import newton_schulz, symmetric_power
from widgetlib.core.layout import Layout
from widgetlib.core.method import Kronecker


def positive(*shape, seed=0):
    a = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return a @ a.mT + 0.1 * torch.eye(shape[-1], dtype=torch.float64)


def test_power():
    a = positive(3, 4, 4)
    root = symmetric_power(a, -0.25)
    assert torch.allclose(root @ root @ root @ root @ a, torch.eye(4, dtype=torch.float64).expand(3, 4, 4), atol=1e-10)


@pytest.mark.parametrize("spectrum", [[1.0, 2.0, 5.0], [0.01, 0.01, 5.0], [2.0, 2.0, 2.0]])
@pytest.mark.parametrize("power", [-0.25, 0.5])
def test_derivative_of_a_power_also_where_eigenvalues_coincide(spectrum, power):
    q = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)).Q
    a = (q * torch.tensor(spectrum, dtype=torch.float64)) @ q.T

    def of_symmetric(x):
        return symmetric_power((x + x.T) / 2, power)

    assert torch.autograd.gradcheck(of_symmetric, a.requires_grad_(), eps=1e-7, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (2, 5, 8, 4)])
def test_newton_schulz_brings_singular_values_near_one(shape):
    g = torch.randn(*shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = newton_schulz(g)
    values = torch.linalg.svdvals(x)
    assert x.shape == g.shape and values.min() > 0.5 and values.max() < 1.25
    u, _, vh = torch.linalg.svd(g, full_matrices=False)
    assert ((u.mT @ x @ vh.mT) - torch.diag_embed((u.mT @ x @ vh.mT).diagonal(dim1=-2, dim2=-1))).abs().max() < 1e-6
    assert torch.equal(newton_schulz(torch.zeros(shape)), torch.zeros(shape))


def test_kronecker_is_what_its_name_says():
    layout = Layout({"W": (3, 4), "b": (3,)})
    left, right, own = positive(3, 3), positive(4, 4, seed=1), positive(3, 3, seed=2)
    p = Kronecker(layout, ((left, right), (own,)))
    dense = torch.block_diag(torch.kron(left, right), own)
    x = torch.randn(2, 15, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert torch.allclose(p.solve(x), x @ dense)
    assert torch.allclose(p.inv_sqrt(x), x @ symmetric_power(dense, 0.5))


def test_a_diverged_member_is_nan_and_costs_the_others_nothing():
    a = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    batch = torch.stack([a, 1e30 * a, torch.full((2, 2), torch.inf), torch.full((2, 2), torch.nan)])
    root = symmetric_power(batch, -0.25)
    assert torch.equal(root[0], symmetric_power(a, -0.25))
    torch.testing.assert_close(root[1] * 1e30**0.25, root[0])
    assert root[2:].isnan().all()
