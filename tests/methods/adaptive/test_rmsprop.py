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


def test_against_torch_on_a_net():
    """At the contract's brisk rate the path is chaotic and any two orders of summation part; here they do not."""
    net = catalog.problem("digits_mlp", width=5, depth=1, subset=50)
    t = run(catalog.method("rmsprop", lr=2e-3), net, 200, dtype=torch.float64)
    w = t.w[0].clone().requires_grad_()
    theirs = torch.optim.RMSprop([w], lr=2e-3, alpha=0.99, eps=1e-8)
    for _ in range(200):
        theirs.zero_grad()
        net.loss(w, t.data).sum().backward()
        theirs.step()
    assert (t.w[-1] - w).abs().max() < 1e-10 and (t.w[-1] - t.w[0]).abs().max() > 0.1
