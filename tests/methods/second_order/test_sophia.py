from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


@pytest.mark.parametrize(("gamma", "every"), [(0.01, 10), (2.0, 1)])
def test_against_numpy(gamma, every):
    t = run(catalog.method("sophia", lr=0.02, gamma=gamma, every=every), BOWL, 200)
    h, w = BOWL.load().hessian.numpy(), t.w[0].numpy().copy()
    m, d = np.zeros(5), np.zeros(5)
    for k in range(200):
        m = 0.96 * m + 0.04 * (h @ w)
        if k % every == 0:
            u = t.at(k).oracle().noise(t.w[k]).numpy()
            d = 0.99 * d + 0.01 * u * (h @ u)
        ratio = m / np.maximum(gamma * d, 1e-12)
        assert float(t.info["clipped"][k]) == pytest.approx((np.abs(ratio) > 1).mean())
        w = w - 0.02 * np.clip(ratio, -1, 1)
        assert np.abs(t.w[k + 1].numpy() - w).max() < 1e-10
    assert t.cost["products"][-1] == 200 // every


def calm(k=6):
    """A point so close to the minimum that coordinates with positive h are not clipped, and others are."""
    method = catalog.method("sophia", lr=1e-5, gamma=1.0, beta2=0.5, every=2)
    return run(method, BOWL, k, start=[1e-4] * 5, seed=1).at(k)


def test_law_on_the_coordinates_that_are_not_clipped():
    """Their modes obey z² - (1 + β₁ - (1 - β₁) lr μ) z + β₁ = 0; a clipped one keeps 1 and β₁."""
    point = calm()
    after = point.step().state
    p = point.method.preconditioner(point.oracle(), point.w, after).p
    free = torch.isfinite(p)
    assert 2 <= free.sum() < 5, "some are clipped, some are not"
    h = BOWL.load().hessian[free][:, free]
    mu = torch.linalg.eigvals(h / p[free, None]).real.numpy()
    limit = float(point.method.stability_limit(point.oracle(), point.w, after))
    assert limit == pytest.approx(2 * 1.96 / (0.04 * 1e-5))
    for share, outside in ((0.99, False), (1.01, True)):
        lr = share * 2 * 1.96 / (0.04 * mu.max())
        wanted = np.concatenate([np.roots([1, -(1.96 - 0.04 * lr * m), 0.96]) for m in mu])
        wanted = np.append(wanted, [1.0, 0.96] * int((~free).sum()))
        found = spectrum(replace(point, method=with_fields(point.method, {"lr": lr})), True, 20).values
        # beside a clipped neighbour the others' modes stay their own: the map is block triangular
        assert np.abs(found[:, None] - wanted).min(1).max() < 1e-6
        assert (np.abs(found[found.real < 0]) > 1).any() == outside


def test_no_limit_where_all_are_clipped():
    """The first steps are sign steps: h starts at zero and is averaged in slowly."""
    t = run(catalog.method("sophia", lr=0.02), BOWL, 5)
    assert t.info["clipped"][:-1].tolist() == [1.0] * 5
    assert torch.allclose((t.w[1:] - t.w[:-1]).abs(), torch.full((5, 5), 0.02).double())
    point = t.at(4)
    assert np.isnan(float(t.method.stability_limit(point.oracle(), point.w, point.step().state)))


def test_negative_curvature_cannot_blow_the_step_up():
    valley = catalog.problem("rosenbrock")
    t = run(catalog.method("sophia", lr=0.01, gamma=0.01), valley, 100, start=[0.0, 1.5])  # Hessian -598, 200
    assert (t.w[1:] - t.w[:-1]).abs().max() <= 0.01 + 1e-12
