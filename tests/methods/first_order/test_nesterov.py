import numpy as np
import pytest

from widgetlib import catalog
from widgetlib.engine.run import run
from widgetlib.measure.update_map import spectrum

BOWL = catalog.problem("quadratic", dimension=5, condition=30.0)


@pytest.mark.parametrize("beta", [0.9, 0.5])
def test_diverges_just_beyond_its_edge_and_only_there(beta):
    edge = (2 + 2 * beta) / (1 + 2 * beta) / 30
    below, beyond = (run(catalog.method("nesterov", lr=x * edge, beta=beta), BOWL, 3000) for x in (0.99, 1.01))
    assert below.merit[-1] < 1e-10 * below.merit[0]
    assert beyond.merit[-1] > 1e10 * beyond.merit[0]


def test_modes_have_the_closed_form():
    """z² - (1 + β)(1 - a) z + β (1 - a) = 0 with a = lr λ: a pair has the modulus √(β (1 - a))."""
    lr, beta = 0.02, 0.8
    found = spectrum(run(catalog.method("nesterov", lr=lr, beta=beta), BOWL, 3).at(3), True, 20).values
    rest = 1 - lr * 30.0 ** (np.arange(5) / 4)
    wanted = np.concatenate([np.roots([1, -(1 + beta) * r, beta * r]) for r in rest])
    assert np.abs(found[:, None] - wanted).min(1).max() < 1e-9 and np.abs(wanted[:, None] - found).min(1).max() < 1e-9


def test_without_momentum_it_is_gradient_descent():
    a, b = (
        run(catalog.method(slug, lr=0.05, **more), BOWL, 50) for slug, more in (("nesterov", {"beta": 0.0}), ("gd", {}))
    )
    assert (a.w - b.w).abs().max() < 1e-14
