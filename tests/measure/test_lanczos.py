import pytest
import torch
from spectra import net_like, point

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run
from widgetlib.measure import _lanczos, _products
from widgetlib.measure._lanczos import block_lanczos, leading
from widgetlib.measure._products import hessian_rows, looks


def matrix(eigenvalues):
    """A symmetric matrix in random directions."""
    return point(eigenvalues).data.hessian


def start(p, d, seed=0):
    return torch.randn(p, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_is_rayleigh_ritz_on_an_orthonormal_basis():
    a = matrix(net_like(200))
    space = block_lanczos(lambda v: v @ a, start(5, 200), 12)
    basis, n = space.basis, 60
    assert basis.shape == (n, 200) and space.products == n
    assert torch.allclose(basis @ basis.mT, torch.eye(n, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(space.values, torch.linalg.eigvalsh(basis @ a @ basis.mT), atol=1e-11)
    vectors = space.vectors(n)
    gaps = vectors @ a - space.values.flip(0)[:, None] * vectors
    assert torch.allclose(gaps.norm(dim=1), space.residuals.flip(0), atol=1e-10)
    assert torch.allclose(space.start @ space.mixing.mT @ basis, start(5, 200), atol=1e-11)


def test_one_block_converges_faster_than_its_rows_alone():
    a = matrix(net_like(300))
    exact = torch.linalg.eigvalsh(a)[-8:]
    block = block_lanczos(lambda v: v @ a, start(8, 300), 10)
    rows = [block_lanczos(lambda v: v @ a, start(8, 300)[i : i + 1], 10).values[-8:] for i in range(8)]
    assert (block.values[-8:] - exact).abs().max() < 0.1 * (torch.stack(rows).amax(0) - exact).abs().max()


@pytest.mark.parametrize("eigenvalues", [[0.0] * 50, [3.0] * 50, [1.0] * 25 + [2.0] * 25, [5.0, 4.0] + [0.0] * 48])
def test_ends_in_an_invariant_space(eigenvalues):
    """Where nothing new comes, no rounding is taken for a direction."""
    a = matrix(eigenvalues)
    space = block_lanczos(lambda v: v @ a, start(3, 50), 50)
    assert len(space.basis) <= 3 * len(set(eigenvalues)) and space.residuals.max() < 1e-9
    assert torch.allclose(space.basis @ space.basis.mT, torch.eye(len(space.basis), dtype=torch.float64), atol=1e-10)


def test_goes_no_further_than_the_whole_space():
    a = matrix(list(range(1, 11)))
    space = block_lanczos(lambda v: v @ a, start(4, 10), 30)
    assert space.values == pytest.approx(torch.arange(1.0, 11.0).double(), abs=1e-10) and space.products == 10


def test_leading_pairs_and_their_rounding():
    a = matrix(net_like(300)).float()
    space = leading(lambda v: (v.float() @ a).double(), torch.zeros(300), 4)
    exact = torch.linalg.eigvalsh(a.double())
    assert ((space.values[-4:] - exact[-4:]).abs() <= space.residuals[-4:]).all()
    assert space.residuals.min() > 1e-6


def test_says_what_to_do(monkeypatch):
    with pytest.raises(AtlasError, match="is not finite"):
        block_lanczos(lambda v: v / 0, start(2, 9), 2)
    monkeypatch.setattr(_lanczos, "MEMORY", 8 * 100 * 20)
    with pytest.raises(AtlasError, match="take at most 5 steps"):
        block_lanczos(lambda v: v, start(4, 100), 6)
    with pytest.raises(AtlasError, match="every = 0"):
        next(looks(None, 0, 5))


@pytest.mark.parametrize("together", [0, 2**40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_of_rows(monkeypatch, together, dtype):
    """The loop on a kept graph and the batched product are the Hessian's rows, however many are asked for."""
    monkeypatch.setattr(_products, "TOGETHER", together)
    net = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
    here = run(catalog.method("gd", lr=0.3), net, 3, dtype=dtype).at(3)
    rows = start(7, len(here.w))
    found = hessian_rows(here, 3)(rows)
    exact = rows @ here.oracle().hessian(here.w).double()
    assert found.dtype == torch.float64
    assert torch.allclose(found, exact, atol=1e-10 if dtype == torch.float64 else 1e-4)


def test_looks_end_where_the_run_is_lost():
    t = run(catalog.method("gd", lr=10.0), catalog.problem("rosenbrock"), 40)
    assert all(torch.isfinite(p.w).all() for p in looks(t, 1, 1))
