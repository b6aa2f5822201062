from dataclasses import replace

import numpy as np
import pytest
import torch
from spectra import broadened, net_like, point

from widgetlib import catalog
from widgetlib.core.words import AtlasError
from widgetlib.engine.run import run, sweep
from widgetlib.measure import density as module
from widgetlib.measure.density import at_point, density

SPECTRUM = net_like()
NET = catalog.problem("digits_mlp", width=4, depth=1, subset=50)  # 310 weights


def trained(steps=20, **more):
    return run(catalog.method("gd", lr=0.3), NET, steps, dtype=torch.float64, **more)


def distance(found, exact, width):
    """The L1 distance of two densities, and the integral of the standard error."""
    grid = np.linspace(min(exact) - 6 * width, max(exact) + 6 * width, 4000)
    values, error = found.on(grid, width)
    return np.trapezoid(np.abs(values - broadened(exact, grid, width)), grid), np.trapezoid(error, grid)


def test_against_all_eigenvalues():
    """Bulk, tail, cluster and outliers to two per cent of the mass, and the error bar says as much."""
    apart = [distance(at_point(point(SPECTRUM), lanczos_steps=25, seed=seed), SPECTRUM, 0.05) for seed in range(6)]
    far, error = np.mean(apart, axis=0)
    assert far < 0.03 and error / 3 < far < 3 * error


def test_what_the_probes_resolve_is_single_and_exact():
    found, exact = at_point(point(SPECTRUM), lanczos_steps=25), np.array(SPECTRUM)
    single = found.nodes[found.resolved]
    assert (np.abs(single[:, None] - exact).min(1) <= found.residuals[found.resolved]).all()
    assert set(np.round(single[single > 2.1], 6)) == set(np.round(exact[exact > 2.1], 6))
    assert found.weights[:, found.resolved] == pytest.approx(1 / len(exact), rel=1e-12)
    assert found.weights.sum(1) == pytest.approx(1, rel=1e-12)


def test_negative_end():
    found = at_point(point(SPECTRUM), lanczos_steps=25)
    assert abs(found.nodes[0] + 1) <= found.residuals[0] < 1e-6 and found.resolved[:2].all()


@pytest.mark.parametrize("spread", [0.0, 1e-12, 1e-7])
def test_a_cluster_at_the_end_keeps_its_mass(spread):
    """Eight probes see at most eight copies of it: none of them may count as one eigenvalue."""
    cluster = 5 + spread * np.linspace(-1, 1, 50)
    exact = np.concatenate([np.random.default_rng(0).standard_normal(550) * 0.3, cluster])
    found = at_point(point(exact), lanczos_steps=20)
    at_five = found.nodes > 4
    mass = found.weights[:, at_five].sum(1)
    assert not found.resolved[at_five].any()
    assert abs(mass.mean() - 50 / 600) < 4 * mass.std(ddof=1) / 8**0.5 < 0.05


def test_no_ghosts_after_eighty_steps():
    """Without reorthogonalisation the largest eigenvalue comes back again and again, and here it does not."""
    exact = [100.0, *np.random.default_rng(0).standard_normal(799)]
    where = point(exact, torch.float32)
    found = at_point(where, lanczos_steps=80)
    assert (found.nodes > 50).sum() == 1 and found.nodes[-1] == pytest.approx(100, rel=1e-5)
    v, last, beta, alphas, betas = torch.randn(800), torch.zeros(800), 0.0, [], []
    v = v / v.norm()
    for _ in range(80):
        u = where.data.hessian @ v - beta * last
        alphas.append(float(u @ v))
        u = u - alphas[-1] * v
        beta = float(u.norm())
        betas.append(beta)
        v, last = u / beta, v
    plain = np.linalg.eigvalsh(np.diag(alphas) + np.diag(betas[:-1], 1) + np.diag(betas[:-1], -1))
    assert (plain > 50).sum() > 1


def test_error_bar_covers():
    """In the bulk, where chance is: the truth is within two standard errors in some 91 of 100 draws (t, 7 degrees)."""
    exact = np.random.default_rng(0).standard_normal(400)
    grid, where = np.array([-0.8, 0.1, 0.9]), point(exact)
    truth = broadened(exact, grid, 0.3)
    draws = [at_point(where, lanczos_steps=12, seed=seed).on(grid, 0.3) for seed in range(80)]
    gaps, errors = (np.array(x) for x in zip(*draws, strict=True))
    gaps = gaps - truth
    assert 0.82 < (np.abs(gaps) < 2 * errors).mean() < 0.98
    assert 0.7 < (gaps**2).mean() / (errors**2).mean() < 1.4
    assert np.abs(gaps.mean(0)).max() < 4 * gaps.std() / 80**0.5


def test_ends_differ_by_less_than_their_error_bars():
    found = [at_point(point(SPECTRUM, torch.float32), lanczos_steps=15, seed=seed) for seed in range(10)]
    top = np.array([f.nodes[-5:] for f in found])
    bars = np.array([f.residuals[-5:] for f in found])
    assert (np.ptp(top, axis=0) <= 2 * bars.max(0)).all() and (np.abs(top - np.array(SPECTRUM)[-5:]) <= bars).all()


def test_all_is_exact_where_products_reach_the_unknowns():
    t = trained()
    found = density(t, at=[20], lanczos_steps=40)
    exact = np.linalg.eigvalsh(NET.oracle(NET, t.data).hessian(t.w[-1]).numpy())
    assert found["node"][0] == pytest.approx(exact, abs=1e-12) and found["resolved"].all()
    assert found["density"][0] == pytest.approx(broadened(exact, found["eigenvalue"][0], found["width"][0]), abs=1e-9)
    assert found["error"].max() < 1e-12 and found["products"].tolist() == [310]


def test_along_a_run():
    t = trained()
    found = density(t, lanczos_steps=10)
    assert found["step"].tolist() == [0, 10, 20] and found["products"].tolist() == [80] * 3
    assert found["width"] == pytest.approx((found["largest"] - found["smallest"]) / 40)
    for k, grid, values, width in zip(*(found[n] for n in ("step", "eigenvalue", "density", "width")), strict=True):
        assert np.trapezoid(values, grid) == pytest.approx(1, abs=1e-5)
        exact = np.linalg.eigvalsh(NET.oracle(NET, t.data).hessian(t.w[k]).numpy())
        assert np.trapezoid(np.abs(values - broadened(exact, grid, width)), grid) < 0.05
    assert t.cost["products"][-1] == 0
    wide = density(t, at=[20], lanczos_steps=10, width=0.5)
    assert wide["width"].tolist() == [0.5] and np.ptp(wide["eigenvalue"]) > 5


def test_preconditioned():
    t = run(catalog.method("adam", lr=1e-3), NET, 5, dtype=torch.float64)
    found = density(t, at=[5], lanczos_steps=40, preconditioned=True)
    here = t.at(5)
    p = t.method.preconditioner(here.oracle(), here.w, here.step().state).p
    half = torch.diag(p**-0.5)
    exact = torch.linalg.eigvalsh(half @ here.oracle().hessian(here.w) @ half).numpy()
    assert found["node"][0] == pytest.approx(exact, abs=1e-9 * exact[-1])
    assert found.attrs["preconditioned"] and "P" in found.column("eigenvalue").symbol


def test_ends_early_with_what_there_is():
    assert density(trained(), lanczos_steps=3, on_record=lambda done: done == 2)["step"].tolist() == [0, 10]


def test_a_run_that_diverged_is_shown_where_it_is_finite():
    t = run(catalog.method("gd", lr=10.0), catalog.problem("rosenbrock"), 40)
    found = density(t)
    assert found["step"][-1] == t.diverged - 1 and np.isfinite(found["density"]).all()
    with pytest.raises(AtlasError, match="is not finite; choose a step before"):
        density(t, at=[int(t.steps[-1])])


def test_nothing_measured_is_an_empty_table():
    assert density(trained(), at=[])["density"].shape == (0, module.POINTS)


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: density(trained(), probes=0), "probes = 0: an error bar"),
        (lambda: density(trained(), lanczos_steps=311), "311 Lanczos steps were asked of 310"),
        (lambda: density(trained(), lanczos_steps=0), "between 1 and 310"),
        (lambda: density(trained(), width=0.0), "width = 0.0"),
        (lambda: density(trained(), width=1e-6), "too narrow for a grid of 1024 points"),
        (lambda: density(trained(), at=[99]), "step 99 was not reached"),
        (lambda: density(trained(), preconditioned=True), "gd has no preconditioner"),
        (lambda: density(sweep(catalog.method("gd"), NET, 1, seeds=range(2))), "pick a member"),
        (lambda: density(run(catalog.method("extragradient"), catalog.problem("bilinear_game"), 1)), "has no Hessian"),
        (lambda: at_point(replace(point(SPECTRUM), w=torch.full((600,), torch.nan))), "at step 0 is not finite"),
    ],
)
def test_says_what_to_do(make, say):
    with pytest.raises(AtlasError, match=say):
        make()
