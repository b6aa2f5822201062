import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure.sharpness import Sharpness, sharpness

NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)
BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


def trained(slug, steps=15, **fields):
    return run(catalog.method(slug, **fields), NET, steps, dtype=torch.float64)


def dense(trace):
    """The Hessian at the last iterate, by another way than the oracle's."""
    data = trace.at(-1).data
    return torch.autograd.functional.hessian(lambda w: NET.loss(w, data).sum(), trace.w[-1])


def test_hessian_of_the_oracle():
    t = trained("gd", lr=0.1)
    point = t.at(-1)
    assert torch.allclose(point.oracle().hessian(point.w), dense(t), atol=1e-12)


def test_leaders_of_a_net():
    t = trained("gd", lr=0.1)
    found = sharpness(t, k=3, tol=1e-6)
    values = np.linalg.eigvalsh(dense(t))[::-1]
    assert found["eigenvalue"][-1] == pytest.approx(values[:3], rel=1e-6)
    assert (found["residual"] <= 1e-6 * values[0]).all()
    assert (found["gauge"] == found["eigenvalue"][:, 0]).all() and not found.attrs["preconditioned"]
    assert found["limit"] == pytest.approx(2 / 0.1)
    assert found["step"].tolist() == list(range(16))


def test_preconditioned_leader_of_a_net():
    t = trained("adam", lr=1e-2, beta1=0.8)
    found = sharpness(t, k=2, tol=1e-6)
    point = t.at(-1)
    p = t.method.preconditioner(point.oracle(), point.w, point.step().state).p
    values = np.linalg.eigvals(dense(t) / p[:, None]).real
    assert found["gauge"][-1] == pytest.approx(values.max(), rel=1e-5)
    assert found["eigenvalue"][-1] == pytest.approx(np.linalg.eigvalsh(dense(t))[::-1][:2], rel=1e-5)
    assert found.attrs["preconditioned"] and found["limit"] == pytest.approx(3.6 / (0.2 * 1e-2))


def test_small_problems_are_diagonalised_whole():
    found = sharpness(run(catalog.method("gd"), BOWL, 3), k=5)
    assert found["eigenvalue"] == pytest.approx(np.tile(30.0 ** (np.arange(4, -1, -1) / 4), (4, 1)))
    assert (found["residual"] == 0).all()


def test_gauge_alone():
    found = sharpness(trained("adam"), k=0)
    assert found["eigenvalue"].shape == (16, 0) and np.isfinite(found["gauge"]).all()


def test_looks_on_while_a_run_goes_on_and_sees_the_same():
    method = catalog.method("gd", lr=0.1)
    meter = Sharpness(k=2, every=4, tol=1e-6)
    rows = []
    t = run(method, NET, 10, dtype=torch.float64, measure=[meter], on_step=lambda r: rows.append(len(meter.rows)))
    grown = t.measures["sharpness"]
    assert grown["step"].tolist() == [0, 4, 8, 10] and rows == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    after = sharpness(t, k=2, every=4, tol=1e-6)
    assert after["eigenvalue"] == pytest.approx(grown["eigenvalue"], rel=1e-6)


def test_a_run_without_a_law_has_no_limit():
    found = sharpness(run(catalog.method("sam", base="adam"), BOWL, 3))
    assert np.isnan(found["limit"]).all() and found.attrs["preconditioned"]


def test_points_that_are_not_finite_are_passed_over():
    t = run(catalog.method("gd", lr=10.0), catalog.problem("rosenbrock"), 30)
    found = sharpness(t, k=1, every=1)
    assert 0 < len(found["step"]) < 30 and np.isfinite(found["gauge"]).all()


def test_nothing_seen_is_an_empty_table():
    found = Sharpness(k=2).table({})
    assert found["eigenvalue"].shape == (0, 2) and len(found["gauge"]) == 0


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: Sharpness(k=-1), "0 or more"),
        (lambda: Sharpness(every=0), "at least 1"),
        (lambda: sharpness(run(catalog.method("gd"), BOWL, 1), k=6), "choose fewer"),
        (lambda: sharpness(sweep(catalog.method("gd"), BOWL, 1, seeds=range(2))), "pick a member"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
