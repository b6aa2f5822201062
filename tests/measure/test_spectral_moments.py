import numpy as np
import pytest
import torch
from spectra import net_like, point

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure._products import hessian_rows
from widgetlib.measure.spectral_moments import moments, spectral_moments

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
SPECTRA = {
    "a bulk": np.random.default_rng(0).standard_normal(200),
    "both signs": np.linspace(-1, 1.5, 200),
    "one that dwarfs all": np.append(np.linspace(0, 1, 199), 100.0),
    "falling": 5 * 0.9 ** np.arange(200.0),
    "a net's": net_like(200),
}


def estimates(eigenvalues, probes, draws):
    here = point(eigenvalues)
    return np.array([moments(hessian_rows(here, 4), here.w, probes, seed)[:4] for seed in range(draws)])


@pytest.mark.parametrize("name", SPECTRA)
def test_unbiased_and_covered_by_two_standard_errors(name):
    """Of Student's t with 15 degrees of freedom 94 % are within 2: of 150 draws, at least 87 % and not all."""
    exact = np.asarray(SPECTRA[name])
    found = estimates(exact, 16, 150)
    for value, error, truth in (
        (found[:, 0], found[:, 1], exact.sum()),
        (found[:, 2], found[:, 3], np.linalg.norm(exact)),
    ):
        assert 0.87 <= (np.abs(value - truth) <= 2 * error).mean() < 1
        assert abs(value.mean() - truth) < 4 * value.std() / 150**0.5 + 0.02 * value.std()
        assert 0.7 < (error**2).mean() ** 0.5 / value.std() < 1.4


def test_better_than_as_many_plain_probes():
    """Hutchinson's estimate has the variance 2 ‖A‖²/m: with one large eigenvalue it is lost."""
    exact = SPECTRA["one that dwarfs all"]
    found = estimates(exact, 16, 30)
    plain = (2 * (exact**2).sum() / 32) ** 0.5
    assert found[:, 0].std() < 0.1 * plain


@pytest.mark.parametrize("eigenvalues", [[0.0] * 100, [2.0] * 100, [3.0, -1.0] + [0.0] * 98])
def test_exact_where_nothing_is_left_to_chance(eigenvalues):
    found = estimates(eigenvalues, 12, 1)[0]
    assert found == pytest.approx([sum(eigenvalues), 0, np.linalg.norm(eigenvalues), 0], abs=1e-9)


def test_along_a_run():
    t = run(catalog.method("gd", lr=0.3), NET, 20, dtype=torch.float64)
    found = spectral_moments(t, every=10)
    assert found["step"].tolist() == [0, 10, 20] and t.cost["products"][-1] == 0
    for k, i in ((0, 0), (20, 2)):
        h = NET.oracle(NET, t.data).hessian(t.w[k])
        assert abs(found["trace"][i] - float(h.trace())) < 4 * found["trace_error"][i]
        assert abs(found["frobenius"][i] - float(h.norm())) < 4 * found["frobenius_error"][i]
    whole = spectral_moments(t, probes=155, every=20)
    h = NET.oracle(NET, t.data).hessian(t.w[-1])
    assert whole["trace"][-1] == pytest.approx(float(h.trace())) and whole["trace_error"][-1] == 0
    assert whole["frobenius"][-1] == pytest.approx(float(h.norm())) and whole["products"][-1] == 310
    assert len(spectral_moments(t, every=5, on_record=lambda done: done == 2)["step"]) == 2


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda t: spectral_moments(t, probes=2), "probes = 2: an error bar"),
        (lambda t: spectral_moments(t, every=0), "every = 0"),
        (lambda t: spectral_moments(sweep(catalog.method("gd"), NET, 1, seeds=range(2))), "pick a member"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make(run(catalog.method("gd"), NET, 1))
