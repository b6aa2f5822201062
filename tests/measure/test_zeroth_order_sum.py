import numpy as np
import pytest
import torch

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure import zeroth_order_sum as module
from widgetlib.measure.zeroth_order_sum import gauge, zeroth_order_sum

BOWL = catalog.problem("quadratic", dimension=30, condition=100.0)


def point(lr, problem=BOWL):
    return run(catalog.method("mezo", lr=lr), problem, 2, dtype=torch.float64).at(2)


def wanted(lr, values):
    return float((lr * values / (2 * (1 - lr * values))).sum())


@pytest.mark.parametrize("lr", [1e-4, 1e-3, 5e-3])
def test_on_a_bowl(lr):
    values = torch.linalg.eigvalsh(BOWL.load().hessian)
    assert gauge(point(lr)) == pytest.approx((wanted(lr, values), 0.0), rel=1e-10)


def test_infinite_where_one_mode_is_beyond_its_pole():
    assert gauge(point(0.011))[0] == np.inf


@pytest.mark.parametrize("lr", [1e-3, 5e-3])
def test_probes_against_the_whole_spectrum(lr, monkeypatch):
    """On a net's Hessian with negative eigenvalues; the difference is within four standard errors."""
    net = catalog.problem("chebyshev_mlp", width=10)
    here = point(lr, net)
    exact = wanted(lr, torch.linalg.eigvalsh(here.oracle().hessian(here.w)))
    value, error = gauge(here)
    assert 0 < error < 0.05 * exact and abs(value - exact) < 4 * error + 1e-3 * exact
    monkeypatch.setattr(module, "DENSE", 1000)
    assert gauge(here)[0] == pytest.approx(exact, rel=1e-9)


def test_table_along_a_run():
    table = zeroth_order_sum(run(catalog.method("mezo", lr=1e-4), BOWL, 20), every=10)
    assert table["step"].tolist() == [0, 10, 20] and table["limit"].tolist() == [1, 1, 1]
    assert table["gauge"] == pytest.approx(np.full(3, gauge(point(1e-4))[0]))
