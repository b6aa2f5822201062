from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum


@pytest.mark.parametrize("k", [0, 5, 100])
@pytest.mark.parametrize("beta1", [0.9, 0.6])
def test_frozen_modes_have_the_closed_form(k, beta1):
    """z² - (1 + β₁ - (1 - β₁) lr μ) z + β₁ = 0 for every eigenvalue μ of P⁻¹H; a pair has modulus √β₁."""
    point = run(catalog.method("adam", lr=1e-2, beta1=beta1), catalog.problem("quadratic", dimension=6), k).at(k)
    oracle, after = point.oracle(), point.step()
    p = point.method.preconditioner(oracle, point.w, after.state).p
    mu = torch.linalg.eigvals(oracle.hessian(point.w) / p[:, None]).real.numpy()
    lr = 0.5 * (2 + 2 * beta1) / ((1 - beta1) * mu.max())  # half of the edge: the sharpest mode rings
    wanted = np.concatenate([np.roots([1, -(1 + beta1 - (1 - beta1) * lr * m), beta1]) for m in mu])
    found = spectrum(replace(point, method=with_fields(point.method, {"lr": lr})), True, 12).values
    assert np.abs(found[:, None] - wanted).min(1).max() < 1e-7 and np.abs(wanted[:, None] - found).min(1).max() < 1e-7
    pairs = np.abs(found[np.abs(found.imag) > 1e-6])
    assert len(pairs) >= 2 and pairs == pytest.approx(beta1**0.5, abs=1e-6)


def test_stays_bounded_beyond_its_edge():
    """Its preconditioner grows with the gradient: no rate makes it diverge on a bowl."""
    t = run(catalog.method("adam", lr=1.0), catalog.problem("quadratic", condition=1000.0), 3000)
    assert t.merit[-500:].max() < 100 * t.merit[0]
