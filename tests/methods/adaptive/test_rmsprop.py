from dataclasses import replace

import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum


@pytest.mark.parametrize("k", [0, 5, 100])
def test_frozen_modes_have_the_closed_form(k):
    """1 - lr μ for every eigenvalue μ of P⁻¹H."""
    point = run(catalog.method("rmsprop", lr=1e-2), catalog.problem("quadratic", dimension=6), k).at(k)
    p = point.method.preconditioner(point.oracle(), point.w, point.step().state).p
    mu = torch.linalg.eigvals(point.oracle().hessian(point.w) / p[:, None]).real.sort(descending=True).values
    lr = 2.5 / mu[0].item()  # beyond the edge
    found = spectrum(replace(point, method=with_fields(point.method, {"lr": lr})), True, 6).values
    assert sorted(found.real) == pytest.approx((1 - lr * mu).tolist(), abs=1e-8) and abs(found.imag).max() < 1e-8
    assert min(found.real) == pytest.approx(-1.5)


def test_first_step_has_the_length_of_a_young_average():
    """v starts at 0 and is not corrected: |Δw| = lr / √(1 - β₂) in every coordinate."""
    t = run(catalog.method("rmsprop", lr=1e-3, beta2=0.96), catalog.problem("quadratic"), 1)
    assert (t.w[1] - t.w[0]).abs().tolist() == pytest.approx([5e-3, 5e-3], rel=1e-5)


def test_stays_bounded_beyond_its_edge():
    t = run(catalog.method("rmsprop", lr=1.0), catalog.problem("quadratic", condition=1000.0), 3000)
    assert t.merit[-500:].max() < 100 * t.merit[0]
