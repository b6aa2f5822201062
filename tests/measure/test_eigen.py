import pytest
import torch

from widgetlib.measure.eigen import top_eigenpairs

D = 120


def rotated(values, seed=0):
    """A symmetric matrix with these eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    q = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64)).Q
    return q * torch.as_tensor(values, dtype=torch.float64) @ q.T


def top(matrix, k, seed=0, tol=1e-6, guards=2, **options):
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(k + guards, len(matrix), generator=generator, dtype=torch.float64)
    return top_eigenpairs(lambda v: matrix @ v, start, k, tol, **options)


SPECTRA = {
    "spread": torch.linspace(-1, 3, D),
    "cluster": torch.cat([torch.linspace(-1, 2, D - 5), 3 + 1e-7 * torch.arange(5)]),
    "outliers": torch.cat([torch.linspace(0, 0.1, D - 3), torch.tensor([1.0, 5, 50])]),
    "negative end larger": torch.cat([torch.linspace(-100, -1, D - 6), torch.tensor([1.0, 2, 4, 6, 8, 10])]),
    "negative": torch.linspace(-9, -1, D),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("k", [1, 4])
def test_leaders_against_a_dense_solver(name, k):
    matrix = rotated(SPECTRA[name])
    found, dense = top(matrix, k), torch.linalg.eigvalsh(matrix).flip(0)
    scale = dense.abs().max()
    assert (found.residuals <= 1e-6 * scale).all(), "converged within the products allowed"
    assert torch.allclose(found.values, dense[:k], atol=float(found.residuals.max()) + 1e-9)
    assert torch.allclose(found.vectors @ found.vectors.T, torch.eye(k + 2, dtype=torch.float64), atol=1e-9)


@pytest.mark.parametrize("most", [6, 12, 30])
def test_residuals_bound_the_error_also_where_it_stops_early(most):
    matrix = rotated(SPECTRA["spread"])
    found, dense = top(matrix, 3, tol=1e-12, most=most), torch.linalg.eigvalsh(matrix)
    assert most <= found.products < most + 6
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert (dense - value).abs().min() <= residual + 1e-12
    again = [matrix @ u - x * u for x, u in zip(found.values, found.vectors, strict=False)]
    assert torch.allclose(torch.stack(again).norm(dim=1), found.residuals, atol=1e-10)


def test_ten_seeds_agree_within_their_error_bars():
    matrix = rotated(SPECTRA["spread"])
    found = [top(matrix, 3, seed, tol=1e-3) for seed in range(10)]
    values = torch.stack([f.values for f in found])
    bars = torch.stack([f.residuals for f in found])
    assert (values.max(0).values - values.min(0).values <= bars.max(0).values).all()


def test_follows_leaders_that_cross():
    """The two leaders change places while the matrix moves; each call starts from the last vectors."""
    q = torch.linalg.qr(rotated(SPECTRA["spread"], seed=1)).Q
    start = torch.randn(3, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    spent = []
    for t in torch.linspace(0, 1, 21).tolist():
        values = torch.linspace(-1, 1, D, dtype=torch.float64)
        values[-1], values[-2] = 3 - t, 2 + t
        matrix = q * values @ q.T
        found = top_eigenpairs(lambda v: matrix @ v, start, 1, 1e-5)  # noqa: B023
        assert float(found.values[0]) == pytest.approx(max(3 - t, 2 + t), rel=1e-5)
        start = found.vectors
        spent.append(found.products)
    assert max(spent[1:]) < spent[0], "a warm start is cheaper than a cold one"


def test_whole_space_and_dependent_starts():
    matrix = rotated([1.0, 2.0, 3.0])
    assert torch.allclose(top(matrix, 3).values, torch.tensor([3.0, 2, 1], dtype=torch.float64))
    matrix = rotated(SPECTRA["outliers"])
    for start in (torch.zeros(4, D, dtype=torch.float64), torch.ones(4, D, dtype=torch.float64)):
        found = top_eigenpairs(lambda v: matrix @ v, start, 3, 1e-6)
        assert found.values.tolist() == pytest.approx([50, 5, 1], rel=1e-4)


def test_zero_operator():
    found = top_eigenpairs(torch.zeros_like, torch.eye(50, dtype=torch.float64)[:3], 2)
    assert found.values.tolist() == [0, 0] and found.residuals.tolist() == [0, 0]
