from dataclasses import replace

import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.core.method import with_fields
from widgetlib.engine.run import run
from widgetlib.measure.sharpness import sharpness
from widgetlib.measure.update_map import spectrum


@pytest.mark.parametrize("k", [0, 5, 100])
def test_frozen_modes_have_the_closed_form(k):
    """1 - lr μ for every eigenvalue μ of P⁻¹H."""
    point = run(catalog.method("adagrad", lr=0.1), catalog.problem("quadratic", dimension=6), k).at(k)
    p = point.method.preconditioner(point.oracle(), point.w, point.step().state).p
    mu = torch.linalg.eigvals(point.oracle().hessian(point.w) / p[:, None]).real.sort(descending=True).values
    lr = 2.5 / mu[0].item()  # beyond the edge
    found = spectrum(replace(point, method=with_fields(point.method, {"lr": lr})), True, 6).values
    assert sorted(found.real) == pytest.approx((1 - lr * mu).tolist(), abs=1e-8)


def test_on_a_bowl_the_gauge_only_sinks():
    t = run(catalog.method("adagrad", lr=1.0), catalog.problem("quadratic", condition=100.0), 300)
    gauge = sharpness(t, k=0, every=1)["gauge"]
    assert (np.diff(gauge) <= 1e-12 * gauge[:-1]).all() and gauge[-1] < gauge[0]


@pytest.mark.parametrize("lr", [0.1, 10.0])
def test_no_rate_makes_a_bowl_diverge(lr):
    """It begins beyond its edge, and its preconditioner grows until it stands below."""
    t = run(catalog.method("adagrad", lr=lr), catalog.problem("quadratic", condition=1000.0), 3000)
    found = sharpness(t, k=0, every=500)
    assert t.merit[-1] < t.merit[0] and (found["gauge"][-1] < found["limit"][-1])
